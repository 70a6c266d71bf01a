/** A GPU device: its limits, its compiled pipelines, and the first thing that went wrong on it. */
import { InputError } from '../../errors.ts';
import { bufferUsage, computeStage } from './flags.ts';
import type { Adapter } from './host.ts';
import { type Constants, type Kernel, moduleText } from './kernel.ts';

/** What the kernels need at least; WebGPU's default limits are enough. */
const leastStorageBuffers = 8;
const leastWorkgroupStorage = 16384;

/** Of a real GPU, what may be at work by default: no more than so many of the largest buffers that it has, and no more than this. A buffer
 *  is no larger than the memory, of which WebGPU says nothing else. */
const buffersAtWork = 2;
const usuallyAtWork = 8 * 2 ** 30;
/** Where more is known to be there, this part of it, and no more than that. */
const partAtWork = 1 / 4;
const mostAtWork = 32 * 2 ** 30;

/** Less than the adapter offers, for who wants to leave some to others. */
export interface DeviceLimits {
  /** Bytes that one binding may have. */
  readonly largestBinding?: number;
}

/** Of the bind groups of all kernels that read and write as many buffers in the same order. */
export interface Layout {
  /** A letter for each binding: r or w. */
  readonly accesses: string;
  readonly group: GPUBindGroupLayout;
}

export interface Pipeline {
  readonly layout: Layout;
  readonly pipeline: GPUComputePipeline;
}

/** A kernel as it is compiled with some constants. */
export interface Variant {
  readonly compiling: Promise<Pipeline>;
  /** Once it is there. */
  pipeline: Pipeline | undefined;
}

export class Device {
  readonly gpu: GPUDevice;
  readonly software: boolean;
  /** Largest number of bytes that one binding may have. */
  readonly largestBinding: number;
  /** Bytes that may be at work on it by default; undefined where it shares the memory of a CPU that does its work. */
  readonly memory: number | undefined;
  /** By constants. */
  readonly #variants = new WeakMap<Kernel, Map<string, Variant>>();
  /** By accesses. */
  readonly #layouts = new Map<string, Layout>();
  #failure: Error | undefined;
  #closed = false;
  readonly #listeners = new Set<(error: Error) => void>();

  private constructor(
    gpu: GPUDevice,
    { software, leastMemory = 0 }: Adapter,
    { largestBinding = Number.POSITIVE_INFINITY }: DeviceLimits,
  ) {
    this.gpu = gpu;
    this.software = software;
    this.largestBinding = Math.min(
      gpu.limits.maxStorageBufferBindingSize,
      gpu.limits.maxBufferSize,
      largestBinding,
    );
    const usual = Math.min(usuallyAtWork, buffersAtWork * gpu.limits.maxBufferSize);
    this.memory = software ? undefined : Math.max(usual, Math.min(mostAtWork, partAtWork * leastMemory));
    gpu.lost.then(({ message }) => {
      if (!this.#closed)
        this.fail(new InputError(`webgpu: the device was lost: ${message || 'no reason given'}`));
    });
    gpu.onuncapturederror = ({ error }) => this.fail(new Error(`webgpu: ${error.message}`));
  }

  /** @throws InputError where the adapter is too small or gives no device. */
  static async open(given: Adapter, own: DeviceLimits): Promise<Device> {
    const { adapter, name } = given;
    const { limits } = adapter;
    if (
      !(limits.maxStorageBuffersPerShaderStage >= leastStorageBuffers) ||
      !(limits.maxComputeWorkgroupStorageSize >= leastWorkgroupStorage)
    ) {
      throw new InputError(
        `webgpu: an adapter must offer ${leastStorageBuffers} storage buffers and ${leastWorkgroupStorage} bytes of workgroup ` +
          `memory, got ${limits.maxStorageBuffersPerShaderStage} and ${limits.maxComputeWorkgroupStorageSize} on ${name}; ` +
          'choose the engine cpu',
      );
    }
    try {
      const device = await adapter.requestDevice({
        requiredLimits: {
          maxBufferSize: limits.maxBufferSize,
          maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
        },
      });
      return new Device(device, given, own);
    } catch (error) {
      throw new InputError(
        `webgpu: ${name} must give a device, got ${String(error)}; choose the engine cpu`,
        {
          cause: error,
        },
      );
    }
  }

  get isSound(): boolean {
    return this.#failure === undefined && !this.#closed;
  }

  /** @throws whatever went wrong first, if anything did. */
  assertSound(): void {
    if (this.#failure) throw this.#failure;
  }

  fail(error: Error): void {
    if (this.#failure || this.#closed) return;
    this.#failure = error;
    for (const listener of this.#listeners) listener(error);
  }

  /** Calls the listener when something goes wrong. Returns how to stop that. */
  onFailure(listener: (error: Error) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Compiled once per kernel and constants, in the background. */
  variant(kernel: Kernel, complex: boolean, constants: Constants): Variant {
    let variants = this.#variants.get(kernel);
    if (!variants) {
      variants = new Map();
      this.#variants.set(kernel, variants);
    }
    let key = complex ? 'complex' : 'real';
    for (const name in constants) key += `,${name}=${constants[name]}`;
    let found = variants.get(key);
    if (!found) {
      found = this.#compiling(kernel, complex, constants);
      variants.set(key, found);
    }
    return found;
  }

  /** A buffer for kernels. A lack of memory shows as a failure of the device. */
  buffer(bytes: number): GPUBuffer {
    const usage = bufferUsage.storage | bufferUsage.copySource | bufferUsage.copyTarget;
    return this.#guarded(bytes, () => this.gpu.createBuffer({ size: bytes, usage }));
  }

  /** A buffer to read back from. */
  readbackBuffer(bytes: number): GPUBuffer {
    const usage = bufferUsage.mapRead | bufferUsage.copyTarget;
    return this.#guarded(bytes, () => this.gpu.createBuffer({ size: bytes, usage }));
  }

  close(): void {
    this.#closed = true;
    this.gpu.destroy();
  }

  #guarded(bytes: number, create: () => GPUBuffer): GPUBuffer {
    this.gpu.pushErrorScope('out-of-memory');
    const buffer = create();
    this.gpu.popErrorScope().then(
      (error) => {
        if (!error) return;
        const megabytes = (bytes / 1e6).toFixed(0);
        this.fail(
          new InputError(
            `webgpu: ${megabytes} MB more must fit the device's memory, got "${error.message.split('\n')[0]}"; lower the memory budget`,
          ),
        );
      },
      // The scope of a lost device: the loss itself is reported.
      () => {},
    );
    return buffer;
  }

  #compiling(kernel: Kernel, complex: boolean, constants: Constants): Variant {
    const compiling = this.#compile(kernel, complex, constants);
    const variant: Variant = { compiling, pipeline: undefined };
    compiling.then(
      (pipeline) => {
        variant.pipeline = pipeline;
      },
      // Seen by the run that needs it.
      () => {},
    );
    return variant;
  }

  async #compile(kernel: Kernel, complex: boolean, constants: Constants): Promise<Pipeline> {
    const { gpu } = this;
    const module = gpu.createShaderModule({
      label: kernel.name,
      code: moduleText(kernel, complex, constants),
    });
    const layout = this.#layoutOf(kernel);
    const pipeline = await gpu.createComputePipelineAsync({
      label: kernel.name,
      layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout.group] }),
      compute: { module, entryPoint: 'main' },
    });
    return { layout, pipeline };
  }

  #layoutOf({ bindings }: Kernel): Layout {
    const each = Object.values(bindings).map((binding) => (binding.startsWith('read') ? 'r' : 'w'));
    const accesses = each.join('');
    let layout = this.#layouts.get(accesses);
    if (!layout) {
      const entry = (binding: number, buffer: GPUBufferBindingLayout) => {
        return { binding, visibility: computeStage, buffer };
      };
      const entries = [
        entry(0, { type: 'uniform', hasDynamicOffset: true }),
        ...each.map((access, k) => entry(k + 1, { type: access === 'r' ? 'read-only-storage' : 'storage' })),
      ];
      layout = { accesses, group: this.gpu.createBindGroupLayout({ label: accesses, entries }) };
      this.#layouts.set(accesses, layout);
    }
    return layout;
  }
}
