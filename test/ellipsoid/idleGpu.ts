/**
 * The WebGPU engine on a device that does nothing: everything is recorded, buffers are handed out and counted, and not a number is
 * computed. What it holds is what a real device would hold, scratch space and the waste of buffers that are used again included.
 */
import type { Engine } from '../../src/engine/engine.ts';
import { Device } from '../../src/engine/webgpu/device.ts';
import { webgpuEngine } from '../../src/engine/webgpu/webgpuEngine.ts';

export interface IdleGpu {
  readonly engine: Engine;
  /** Most bytes in buffers of the device at one time, whether in use or kept for the next. */
  readonly heldBytes: () => number;
}

/** @param largestBinding bytes of a binding at most; 128 MiB is what every WebGPU device offers */
export async function idleGpu(largestBinding = 2 ** 27): Promise<IdleGpu> {
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
      // Ones: what says that all went well.
      getMappedRange: () => new Float32Array(size / 4).fill(1).buffer,
    };
  };
  const pass = { setPipeline: nothing, setBindGroup: nothing, dispatchWorkgroups: nothing, end: nothing };
  const encoder = { beginComputePass: () => pass, copyBufferToBuffer: nothing, finish: () => ({}) };
  const gpu = {
    limits: { maxStorageBufferBindingSize: largestBinding, maxBufferSize: largestBinding },
    lost: new Promise(nothing),
    queue: { writeBuffer: nothing, submit: nothing, onSubmittedWorkDone: async () => {} },
    createBuffer,
    createShaderModule: () => ({}),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createComputePipelineAsync: async () => ({}),
    createBindGroup: () => ({}),
    createCommandEncoder: () => encoder,
    pushErrorScope: nothing,
    popErrorScope: async () => null,
    destroy: nothing,
  };
  const limits = { maxStorageBuffersPerShaderStage: 8, maxComputeWorkgroupStorageSize: 2 ** 14 };
  const adapter = { limits, requestDevice: async () => gpu } as unknown as GPUAdapter;
  const device = await Device.open({ adapter, name: 'an idle device', software: false }, {});
  return { engine: webgpuEngine(device, 'an idle device'), heldBytes: () => most };
}
