/**
 * The WebGPU engine on a device that does nothing: everything is recorded, buffers are handed out and counted, and not a number is
 * computed. What it holds is what a real device would hold, scratch space and the waste of buffers that are used again included;
 * what it is told to do is what a real device would do.
 */
import type { Engine } from '../../src/engine/engine.ts';
import { Device } from '../../src/engine/webgpu/device.ts';
import { webgpuEngine } from '../../src/engine/webgpu/webgpuEngine.ts';

export interface IdleGpu {
  readonly engine: Engine;
  /** Most bytes in buffers of the device at one time, whether in use or kept for the next. */
  readonly heldBytes: () => number;
}

/** One dispatch, as the device sees it. */
export interface Dispatch {
  readonly kernel: string;
  /** Whether scalars are complex. */
  readonly complex: boolean;
  /** Constants that the kernel is compiled with. */
  readonly constants: ReadonlySet<string>;
  /** Of its uniform. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Sizes of the buffers that it reads and writes, in bytes, by the names of their bindings. */
  readonly buffers: Readonly<Record<string, number>>;
}

interface Buffer {
  readonly size: number;
}

interface Pipeline {
  readonly label: string;
  readonly code: string;
}

interface BindGroup {
  readonly entries: readonly { readonly resource: { readonly buffer: Buffer; readonly offset?: number } }[];
}

interface Pending {
  readonly pipeline: Pipeline;
  readonly group: BindGroup;
  readonly offset: number;
}

/**
 * @param largestBinding bytes of a binding at most; 128 MiB is what every WebGPU device offers
 * @param onDispatch called for every dispatch, in order
 * @param leastMemory bytes that it is known to have
 */
export async function idleGpu(
  largestBinding = 2 ** 27,
  onDispatch?: (dispatch: Dispatch) => void,
  leastMemory = 0,
): Promise<IdleGpu> {
  let held = 0;
  let most = 0;
  const nothing = () => {};
  const createBuffer = ({ size }: { size: number }) => {
    held += size;
    most = Math.max(most, held);
    return {
      size,
      destroy: () => {
        held -= size;
      },
      mapAsync: async () => {},
      unmap: nothing,
      // Ones: what says that all went well.
      getMappedRange: (_at: number, bytes: number) => new Float32Array(bytes / 4).fill(1).buffer,
    };
  };
  /** Encoded, but their uniforms are still to be written. */
  const pending: Pending[] = [];
  let pipeline: Pipeline;
  let group: BindGroup;
  let offset = 0;
  const pass = {
    setPipeline: (next: Pipeline) => {
      pipeline = next;
    },
    setBindGroup: (_index: number, next: BindGroup, offsets: readonly number[] = []) => {
      group = next;
      offset = (next.entries[0]!.resource.offset ?? 0) + (offsets[0] ?? 0);
    },
    dispatchWorkgroups: () => {
      if (onDispatch) pending.push({ pipeline, group, offset });
    },
    end: nothing,
  };
  const writeBuffer = (buffer: Buffer, _at: number, data: ArrayBufferView | ArrayBuffer) => {
    if (pending.length === 0 || buffer !== pending[0]!.group.entries[0]!.resource.buffer) return;
    const view = new DataView(data as ArrayBuffer);
    for (const one of pending.splice(0)) onDispatch!(described(one, view));
  };
  const encoder = { beginComputePass: () => pass, copyBufferToBuffer: nothing, finish: () => ({}) };
  const gpu = {
    limits: { maxStorageBufferBindingSize: largestBinding, maxBufferSize: largestBinding },
    lost: new Promise(nothing),
    queue: { writeBuffer, submit: nothing, onSubmittedWorkDone: async () => {} },
    createBuffer,
    createShaderModule: (module: object) => module,
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createComputePipelineAsync: async ({ compute }: { compute: { module: object } }) => compute.module,
    createBindGroup: (made: object) => made,
    createCommandEncoder: () => encoder,
    pushErrorScope: nothing,
    popErrorScope: async () => null,
    destroy: nothing,
  };
  const limits = { maxStorageBuffersPerShaderStage: 8, maxComputeWorkgroupStorageSize: 2 ** 14 };
  const adapter = { limits, requestDevice: async () => gpu } as unknown as GPUAdapter;
  const device = await Device.open({ adapter, name: 'an idle device', software: false, leastMemory }, {});
  return { engine: webgpuEngine(device, 'an idle device'), heldBytes: () => most };
}

/** A dispatch by the text of its kernel, which names bindings and fields, and by the words of its uniform. */
function described({ pipeline: { label, code }, group, offset }: Pending, uniforms: DataView): Dispatch {
  const fields = /struct Sizes \{ (.*) \}/
    .exec(code)![1]!
    .split(', ')
    .map((field) => field.split(': '));
  const sizes = fields.map(([name, type], k) => {
    const at = offset + 4 * k;
    const value =
      type === 'f32'
        ? uniforms.getFloat32(at, true)
        : type === 'i32'
          ? uniforms.getInt32(at, true)
          : uniforms.getUint32(at, true);
    return [name!, value] as const;
  });
  const names = [...code.matchAll(/var<storage, \w+> (\w+):/g)].map((match) => match[1]!);
  const buffers = names.map((name, k) => [name, group.entries[k + 1]!.resource.buffer.size] as const);
  return {
    kernel: label,
    complex: code.includes('alias Scalar = vec2f'),
    constants: new Set([...code.matchAll(/^const (\w+) = true;/gm)].map((match) => match[1]!)),
    sizes: Object.fromEntries(sizes),
    buffers: Object.fromEntries(buffers),
  };
}
