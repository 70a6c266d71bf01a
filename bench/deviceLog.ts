/**
 * What a GPU's time goes to: every dispatch in a compute pass of its own, with timestamps at both ends; and how long the host waits for
 * what it asks of the device.
 */
/// <reference types="@webgpu/types" />

/** Dispatches of one set of queries; WebGPU allows 4096 queries in a set. */
const DISPATCHES = 2048;
const QUERY_RESOLVE = 0x200;
const COPY_SOURCE = 0x4;
const COPY_TARGET = 0x8;
const MAP_READ = 0x1;

export interface KernelTime {
  readonly kernel: string;
  readonly dispatches: number;
  readonly seconds: number;
}

/** What a host did how often, and the seconds that it took. */
interface Share {
  count: number;
  bytes: number;
  seconds: number;
}

/** Passes of their own keep dispatches from running side by side, so that a program is slower with this log than without. */
export class DeviceLog {
  readonly #device: GPUDevice;
  #queries: GPUQuerySet;
  /** Kernels of the dispatches that the present set of queries has. */
  #kernels: string[] = [];
  readonly #resolved: Promise<void>[] = [];
  readonly #times = new Map<string, { dispatches: number; seconds: number }>();
  readonly #host = new Map<string, Share>();
  /** Pipelines that are being compiled, and since when there are any. */
  #compiling = 0;
  #compilingSince = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#queries = this.#set();
    this.#watch(device);
    const original = device.createCommandEncoder.bind(device);
    device.createCommandEncoder = (descriptor) => this.#stamping(original(descriptor));
  }

  /** What was dispatched so far, what took longest first. */
  async kernels(): Promise<readonly KernelTime[]> {
    this.#resolve();
    await Promise.all(this.#resolved);
    return [...this.#times]
      .map(([kernel, time]) => ({ kernel, ...time }))
      .sort((a, b) => b.seconds - a.seconds);
  }

  /** What the host did so far: a line each. */
  host(): readonly string[] {
    return [...this.#host].map(
      ([name, { count, bytes, seconds }]) =>
        `${name}: ${count}, ${(bytes / 1e6).toFixed(0)} MB, ${seconds.toFixed(3)} s`,
    );
  }

  #note(name: string, seconds: number, bytes = 0, count = 1): void {
    const share = this.#host.get(name) ?? { count: 0, bytes: 0, seconds: 0 };
    this.#host.set(name, {
      count: share.count + count,
      bytes: share.bytes + bytes,
      seconds: share.seconds + seconds,
    });
  }

  /** Pipelines are compiled side by side: their seconds are those in which any is. */
  #watch(device: GPUDevice): void {
    const timed = <A extends unknown[], R>(
      name: string,
      work: (...given: A) => R,
      bytes: (...given: A) => number,
    ) => {
      return (...given: A): R => {
        const start = performance.now();
        const result = work(...given);
        this.#note(name, (performance.now() - start) / 1000, bytes(...given));
        return result;
      };
    };
    device.createBuffer = timed('buffers', device.createBuffer.bind(device), ({ size }) => size);
    device.createBindGroup = timed('bind groups', device.createBindGroup.bind(device), (_) => 0);
    const { queue } = device;
    const write = queue.writeBuffer.bind(queue) as (...given: unknown[]) => undefined;
    queue.writeBuffer = timed('writes', write, (_buffer, _at, data) => (data as ArrayBufferView).byteLength);
    queue.submit = timed('submissions', queue.submit.bind(queue), (_) => 0);
    const compile = device.createComputePipelineAsync.bind(device);
    device.createComputePipelineAsync = (descriptor) => {
      if (this.#compiling++ === 0) this.#compilingSince = performance.now();
      const made = compile(descriptor);
      const done = () => {
        if (--this.#compiling > 0) return;
        this.#note('pipelines', (performance.now() - this.#compilingSince) / 1000, 0, 0);
      };
      this.#note('pipelines', 0);
      made.then(done, done);
      return made;
    };
  }

  #set(): GPUQuerySet {
    return this.#device.createQuerySet({ type: 'timestamp', count: 2 * DISPATCHES });
  }

  #stamping(encoder: GPUCommandEncoder): GPUCommandEncoder {
    const begin = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = () => this.#timed(begin);
    const finish = encoder.finish.bind(encoder);
    encoder.finish = (descriptor) => {
      const commands = finish(descriptor);
      // Room for all that one submission may hold.
      if (this.#kernels.length > DISPATCHES / 2) queueMicrotask(() => this.#resolve());
      return commands;
    };
    return encoder;
  }

  /** What an engine uses of a pass, each dispatch in one of its own. */
  #timed(begin: GPUCommandEncoder['beginComputePass']): GPUComputePassEncoder {
    let pipeline: GPUComputePipeline;
    let group: GPUBindGroup;
    let offsets: readonly number[] | undefined;
    return {
      setPipeline: (given: GPUComputePipeline) => {
        pipeline = given;
      },
      setBindGroup: (_index: number, given: GPUBindGroup, dynamic?: readonly number[]) => {
        group = given;
        offsets = dynamic;
      },
      dispatchWorkgroups: (x: number, y: number) => {
        const first = 2 * this.#kernels.length;
        // Generated kernels are called after what they compute.
        this.#kernels.push(pipeline.label.split(' ', 1)[0]!);
        const pass = begin({
          timestampWrites: {
            querySet: this.#queries,
            beginningOfPassWriteIndex: first,
            endOfPassWriteIndex: first + 1,
          },
        });
        pass.setPipeline(pipeline);
        if (offsets) pass.setBindGroup(0, group, [...offsets]);
        else pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(x, y);
        pass.end();
      },
      end: () => {},
    } as unknown as GPUComputePassEncoder;
  }

  #resolve(): void {
    const kernels = this.#kernels;
    if (kernels.length === 0) return;
    const queries = this.#queries;
    this.#queries = this.#set();
    this.#kernels = [];
    const size = 16 * kernels.length;
    const device = this.#device;
    const resolved = device.createBuffer({ size, usage: QUERY_RESOLVE | COPY_SOURCE });
    const readable = device.createBuffer({ size, usage: COPY_TARGET | MAP_READ });
    const encoder = device.createCommandEncoder();
    encoder.resolveQuerySet(queries, 0, 2 * kernels.length, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, readable, 0, size);
    device.queue.submit([encoder.finish()]);
    this.#resolved.push(
      readable.mapAsync(MAP_READ).then(() => {
        const times = new BigInt64Array(readable.getMappedRange());
        for (const [k, kernel] of kernels.entries()) {
          const seconds = Number(times[2 * k + 1]! - times[2 * k]!) / 1e9;
          const before = this.#times.get(kernel) ?? { dispatches: 0, seconds: 0 };
          this.#times.set(kernel, {
            dispatches: before.dispatches + 1,
            seconds: before.seconds + seconds,
          });
        }
        for (const used of [readable, resolved, queries]) used.destroy();
      }),
    );
  }
}
