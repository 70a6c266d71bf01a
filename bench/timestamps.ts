/** How long a GPU itself works: timestamps at both ends of every compute pass, where the adapter has them. */
/// <reference types="@webgpu/types" />
import type { Adapter } from '../src/engine/webgpu/host.ts';

/** Passes between two readings; WebGPU allows 4096 queries in a set. */
const MOST_PASSES = 2048;
const QUERY_RESOLVE = 0x200;
const COPY_SOURCE = 0x4;
const COPY_TARGET = 0x8;
const MAP_READ = 0x1;

export class DeviceClock {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  #passes = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#queries = device.createQuerySet({ type: 'timestamp', count: 2 * MOST_PASSES });
    const original = device.createCommandEncoder.bind(device);
    device.createCommandEncoder = (descriptor) => this.#stamping(original(descriptor));
  }

  /** Seconds in compute passes since the last call; none where there were too many of them to tell. */
  async take(): Promise<number | undefined> {
    const passes = this.#passes;
    this.#passes = 0;
    if (passes === 0 || passes > MOST_PASSES) return undefined;
    const size = 16 * passes;
    const resolved = this.#device.createBuffer({ size, usage: QUERY_RESOLVE | COPY_SOURCE });
    const readable = this.#device.createBuffer({ size, usage: COPY_TARGET | MAP_READ });
    const encoder = this.#device.createCommandEncoder();
    encoder.resolveQuerySet(this.#queries, 0, 2 * passes, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, readable, 0, size);
    this.#device.queue.submit([encoder.finish()]);
    await readable.mapAsync(MAP_READ);
    const times = new BigInt64Array(readable.getMappedRange());
    let nanoseconds = 0n;
    for (let k = 0; k < passes; k++) nanoseconds += times[2 * k + 1]! - times[2 * k]!;
    readable.destroy();
    resolved.destroy();
    return Number(nanoseconds) / 1e9;
  }

  #stamping(encoder: GPUCommandEncoder): GPUCommandEncoder {
    const original = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (descriptor) => {
      const pass = this.#passes++;
      if (pass >= MOST_PASSES) return original(descriptor);
      const timestampWrites = {
        querySet: this.#queries,
        beginningOfPassWriteIndex: 2 * pass,
        endOfPassWriteIndex: 2 * pass + 1,
      };
      return original({ ...descriptor, timestampWrites });
    };
    return encoder;
  }
}

/** The adapter as it is, but its device can tell time, where that is possible; `started` is given every device. */
export function withTimestamps(given: Adapter, started: (device: GPUDevice) => void): Adapter {
  if (!given.adapter.features.has('timestamp-query')) return given;
  const requestDevice = async (descriptor: GPUDeviceDescriptor = {}) => {
    const device = await given.adapter.requestDevice({
      ...descriptor,
      requiredFeatures: ['timestamp-query'],
    });
    started(device);
    return device;
  };
  // What an engine uses of an adapter.
  const adapter = { limits: given.adapter.limits, requestDevice } as unknown as GPUAdapter;
  return { ...given, adapter };
}
