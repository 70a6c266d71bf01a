/** What a WebGPU device can do at most, measured: multiply-adds that wait for nothing, and a copy. */
/// <reference types="@webgpu/types" />
import type { Adapter } from '../src/engine/webgpu/host.ts';

export interface Peak {
  /** Floating-point operations a second in float32; a multiply-add is two. */
  readonly flops: number;
  /** Bytes a second, read and written together. */
  readonly bytes: number;
}

const STORAGE = 0x80;
const THREADS = 256;
/** Multiply-adds of four numbers in an iteration of the kernel below. */
const FMAS = 32;
/** A run is made longer until it takes this long, in seconds. */
const LONG_ENOUGH = { real: 0.1, software: 0.03 };
const REPEATS = 3;

/** Eight chains of multiply-adds keep any pipeline full; their sum is written so that none is left out. */
const multiplyAdds = (iterations: number) => `
@group(0) @binding(0) var<storage, read_write> out: array<vec4f>;
@compute @workgroup_size(${THREADS}) fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(f32(id.x & 15u) * 1e-3 + 0.5);
  let y = vec4f(0.25);
  ${names.map((name, k) => `var ${name} = x + ${k}.0;`).join('\n  ')}
  for (var i = 0u; i < ${iterations}u; i++) {
    ${Array.from({ length: FMAS / names.length }, () => names.map((name) => `${name} = fma(${name}, x, y);`).join(' ')).join('\n    ')}
  }
  out[id.x & 255u] = ${names.join(' + ')};
}`;

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

const copy = `
@group(0) @binding(0) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@compute @workgroup_size(${THREADS}) fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * ${THREADS}u;
  out[i] = input[i];
}`;

export async function measurePeak({ adapter, software }: Adapter): Promise<Peak> {
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
  const longEnough = software ? LONG_ENOUGH.software : LONG_ENOUGH.real;
  try {
    const flops = await peakFlops(device, software ? 8 : 4096, longEnough);
    const bytes = await peakBytes(
      device,
      software ? 2 ** 22 : Math.min(2 ** 28, maxStorageBufferBindingSize),
      longEnough,
    );
    return { flops, bytes };
  } finally {
    device.destroy();
  }
}

async function peakFlops(device: GPUDevice, groups: number, longEnough: number): Promise<number> {
  const out = device.createBuffer({ size: 256 * 16, usage: STORAGE });
  for (let iterations = 64; ; iterations *= 4) {
    const seconds = await fastest(device, multiplyAdds(iterations), [out], [groups, 1], 1);
    if (seconds < longEnough && iterations < 2 ** 20) continue;
    return (2 * 4 * FMAS * iterations * groups * THREADS) / seconds;
  }
}

async function peakBytes(device: GPUDevice, size: number, longEnough: number): Promise<number> {
  const buffers = [0, 1].map(() => device.createBuffer({ size, usage: STORAGE }));
  const groups = size / 16 / THREADS;
  const across = Math.min(groups, 2 ** 14);
  for (let times = 1; ; times *= 4) {
    const seconds = await fastest(device, copy, buffers, [across, Math.floor(groups / across)], times);
    if (seconds < longEnough && times < 4096) continue;
    return (2 * across * Math.floor(groups / across) * THREADS * 16 * times) / seconds;
  }
}

/** Seconds of the fastest of some runs after a first one. */
async function fastest(
  device: GPUDevice,
  code: string,
  buffers: readonly GPUBuffer[],
  groups: readonly [number, number],
  times: number,
): Promise<number> {
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
  });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k <= REPEATS; k++) {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let time = 0; time < times; time++) pass.dispatchWorkgroups(...groups);
    pass.end();
    const start = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    if (k > 0) least = Math.min(least, (performance.now() - start) / 1000);
  }
  return least;
}
