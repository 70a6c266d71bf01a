/** WebGPU as each host offers it: Node through the package `webgpu` (Dawn), Deno and browsers as `navigator.gpu`. */
/// <reference types="@webgpu/types" />
import { InputError } from '../../errors.ts';
import { importInNode, isNode } from '../cpu/host.ts';

declare const Deno: {
  readonly permissions: {
    query(wanted: { readonly name: 'read'; readonly path: string }): Promise<{ readonly state: string }>;
  };
};

export interface Adapter {
  readonly adapter: GPUAdapter;
  /** A device name for people. */
  readonly name: string;
  /** It computes on the CPU. */
  readonly software: boolean;
  /** Bytes of memory that it has at least, where somebody says so: WebGPU itself does not. */
  readonly leastMemory?: number;
}

interface DawnModule {
  create(options: readonly string[]): GPU;
  readonly globals: Readonly<Record<string, unknown>>;
}

const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;

/** @throws InputError where there is no WebGPU or no adapter: what was tried, what to do. */
export async function requestAdapter(): Promise<Adapter> {
  const gpu = await hostGpu();
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    // In a browser it is up to the browser.
    const remedy =
      isNode() || inDeno() ? '; install a Vulkan, Metal or D3D12 driver, or choose the engine cpu' : '';
    throw new InputError(`webgpu: an adapter must be there, got none${remedy}`);
  }
  const { description, device, architecture, vendor } = adapter.info;
  const name = description || device || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed device';
  const software =
    adapter.info.isFallbackAdapter === true || softwareNames.test(`${description} ${device} ${architecture}`);
  const leastMemory = software ? undefined : await leastMemoryOf(vendor);
  return { adapter, name, software, ...(leastMemory !== undefined && { leastMemory }) };
}

/** Of PCI devices. */
const VENDORS: Readonly<Record<string, string>> = { nvidia: '0x10de', amd: '0x1002', intel: '0x8086' };
const DISPLAY = '0x03';

/**
 * Bytes of memory that every GPU of a vendor has at least, as far as Linux tells. Processors see a GPU's memory through windows whose sizes
 * are powers of two: where one shows all of it, as on GPUs of data centres, the memory is more than half of it; elsewhere it is small,
 * and what follows is true as well.
 */
async function leastMemoryOf(vendor: string): Promise<number | undefined> {
  const wanted = VENDORS[vendor];
  if (wanted === undefined || !isNode() || inDeno() || process.platform !== 'linux') return undefined;
  const { readdirSync, readFileSync } = await importInNode<typeof import('node:fs')>('node:fs');
  const root = '/sys/bus/pci/devices';
  try {
    const text = (device: string, file: string) => readFileSync(`${root}/${device}/${file}`, 'utf8');
    const windows = readdirSync(root)
      .filter(
        (device) => text(device, 'vendor').startsWith(wanted) && text(device, 'class').startsWith(DISPLAY),
      )
      .map((device) => largestWindow(text(device, 'resource')));
    return windows.length > 0 ? Math.min(...windows) / 2 : undefined;
  } catch {
    // Not every system shows its devices.
    return undefined;
  }
}

/** Bytes of the largest window: a line each, first and last address in hexadecimal, and flags. */
export function largestWindow(resource: string): number {
  const sizes = resource.split('\n').map((line) => {
    const [first, last] = line.split(' ').map(Number);
    return last ? last - first! + 1 : 0;
  });
  return Math.max(...sizes);
}

/** Whether looking for a real GPU is worth while: on Linux its device file tells at once, and loading Dawn takes time and complains on stderr. */
export async function mayHaveGpu(): Promise<boolean> {
  if (!isNode() || process.platform !== 'linux' || !(await mayLook())) return true;
  const { existsSync } = await importInNode<typeof import('node:fs')>('node:fs');
  return ['/dev/dri', '/dev/nvidiactl', '/dev/dxg'].some((path) => existsSync(path));
}

/** Deno asks people for what nobody has allowed. */
async function mayLook(): Promise<boolean> {
  if (!inDeno()) return true;
  const { state } = await Deno.permissions.query({ name: 'read', path: '/dev' });
  return state === 'granted';
}

/** Deno has a `process` too, but WebGPU of its own. */
function inDeno(): boolean {
  return typeof Deno !== 'undefined';
}

async function hostGpu(): Promise<GPU> {
  const own = globalThis.navigator?.gpu;
  if (own) return own;
  if (!isNode() || inDeno()) {
    throw new InputError(
      'webgpu: the host must offer WebGPU, got one without navigator.gpu; choose the engine cpu',
    );
  }
  return dawn();
}

/** Why Dawn is not there, and what to do about it. */
function whyNot(error: unknown): string {
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ERR_MODULE_NOT_FOUND') {
    return 'the optional package webgpu must be there, which has a GPU for Node (132 MB), got none; install it (npm install webgpu)';
  }
  const reason = error instanceof Error ? error.message : String(error);
  return `the package webgpu must load, got ${reason}; install it anew (npm install webgpu)`;
}

/** Kept here and nowhere global, so that the process can end by itself. */
let opened: Promise<GPU> | undefined;

function dawn(): Promise<GPU> {
  opened ??= importInNode<DawnModule>('webgpu').then(
    ({ create }) => create([]),
    (error: unknown) => {
      throw new InputError(`webgpu: ${whyNot(error)}; or choose the engine cpu`, { cause: error });
    },
  );
  return opened;
}
