/**
 * The work of a device in the order in which it is recorded. Buffers are handed out while recording; commands are encoded and submitted
 * when somebody waits for them, or when there are many, so that the device works while more is recorded; in portions that keep a watchdog
 * quiet and an abort prompt.
 */

import { BindGroups } from './bindGroups.ts';
import type { Device, Variant } from './device.ts';
import { bufferUsage } from './flags.ts';
import { type Constants, type Kernel, rangeOf, uniformBytes, writeUniform } from './kernel.ts';
import { Arena, type Space } from './memory/arena.ts';

export interface Task<B extends string, S extends string> {
  readonly bindings: Readonly<Record<B, Space>>;
  readonly sizes: Readonly<Record<S, number>>;
  /** Threads, or workgroups where the kernel works in those. */
  readonly count: number;
  /** Whether `Scalar` is complex. Default: real. */
  readonly complex?: boolean;
  readonly constants?: Constants;
  /** Arithmetic operations of one of `count`, roughly. Default: 16. */
  readonly cost?: number;
}

interface Dispatch {
  readonly kind: 'dispatch';
  readonly kernel: Kernel;
  readonly variant: Variant;
  readonly spaces: readonly Space[];
  readonly sizes: Readonly<Record<string, number>>;
  readonly count: number;
  readonly groups: number;
  readonly cost: number;
}

interface Copy {
  readonly kind: 'copy';
  readonly from: Space;
  readonly to: GPUBuffer;
  readonly bytes: number;
  /** Where they go to. */
  readonly at: number;
}

/** Data from the host, in its turn. */
interface Upload {
  readonly kind: 'upload';
  readonly to: Space;
  readonly make: () => Float32Array<ArrayBuffer>;
}

type Item = Dispatch | Copy | Upload;

/** Uniforms lie end to end: their size is the coarsest alignment that WebGPU allows a device to ask for. */
const uniformSlots = 1024;
/** As a pass is told them. */
const uniformOffsets = Array.from({ length: uniformSlots }, (_, slot) => [slot * uniformBytes]);
/** Constants of a kernel that has none. */
const noConstants: Constants = {};

/** Operations of a dispatch and of a submission at most. */
interface Limits {
  readonly dispatch: number;
  readonly submission: number;
}

/** About 0.3 s and 1.5 s on the slowest device of its kind, and far less on others. */
const leastLimits: Readonly<Record<'hardware' | 'software', Limits>> = {
  hardware: { dispatch: 3e10, submission: 1.5e11 },
  software: { dispatch: 1e8, submission: 2e8 },
};
/** What a dispatch may take on a device whose speed is known: a long one costs the host no more than a short one. */
const secondsOfDispatch = 0.03;
const mostOfDispatch = 1e12;
const dispatchesOfSubmission = 5;
/** What is submitted at once, without anybody who waits for it: often enough that a device is not idle while more is recorded. */
const submittedAhead = 128;
/** Operations of which a device's speed is known. */
const knownAfter = 1e11;

/** A dispatch, or a range of the workgroups of a long one. */
interface Portion {
  readonly item: Item;
  /** How many items were recorded before its own. */
  readonly number: number;
  readonly firstGroup: number;
  readonly groups: number;
}

/** Arithmetic operations, roughly. */
function costOf({ item, groups }: Portion): number {
  return item.kind === 'dispatch' ? (item.count * item.cost * groups) / item.groups : 0;
}

/** Whether a portion can be submitted without waiting for a pipeline, or for data whose turn is later. */
function isReady({ item }: Portion): boolean {
  return item.kind === 'copy' || (item.kind === 'dispatch' && item.variant.pipeline !== undefined);
}

export class Timeline {
  readonly device: Device;
  readonly arena: Arena;
  readonly #uniforms: GPUBuffer;
  /** What is written to them next. */
  readonly #words = new DataView(new ArrayBuffer(uniformSlots * uniformBytes));
  readonly #bindGroups: BindGroups;
  #queue: Portion[] = [];
  /** Items recorded so far. */
  #recorded = 0;
  /** Items of which everything is submitted. */
  #submitted = 0;
  /** Runs that have not ended: they alone submit meanwhile. */
  #runs = 0;
  /** Operations of submissions that the device has not done, and how many of these nobody waited for. */
  #underWay = 0;
  #ahead = 0;
  /** Ends when every run asked for so far has ended. */
  #turn: Promise<void> = Promise.resolve();
  /** End when the device has done the last submission but one, and the last. */
  #previous: Promise<unknown> = Promise.resolve();
  #latest: Promise<unknown> = Promise.resolve();
  #limits: Limits;
  /** What the device has done so far, the seconds that it took, and when it was done with the last of it. */
  #done = { cost: 0, seconds: 0, at: 0 };

  constructor(device: Device) {
    this.device = device;
    this.arena = new Arena(device);
    this.#limits = leastLimits[device.software ? 'software' : 'hardware'];
    this.#uniforms = device.gpu.createBuffer({
      size: this.#words.byteLength,
      usage: bufferUsage.uniform | bufferUsage.copyTarget,
    });
    this.#bindGroups = new BindGroups(device, this.#uniforms);
  }

  /** Space for what later work computes. */
  take(bytes: number): Space {
    return this.arena.take(bytes);
  }

  /** Space that holds `data` before any work that is recorded from now on. */
  upload(data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Space {
    // Written at once, ahead of what is recorded but not submitted: nothing of that may use the buffer.
    const space = this.arena.take(data.byteLength, this.#submitted);
    this.device.gpu.queue.writeBuffer(space.buffer, 0, data);
    return space;
  }

  /** Space that holds what `make` gives from its turn on: made when all before it is submitted, it opens a submission. */
  uploadLater(bytes: number, make: () => Float32Array<ArrayBuffer>): Space {
    const to = this.arena.take(bytes);
    this.#record({ kind: 'upload', to, make }, [to]);
    return to;
  }

  /** To be called when all work that uses a space is recorded. */
  give(...spaces: Space[]): void {
    for (const space of spaces) this.arena.give(space);
  }

  dispatch<B extends string, S extends string>(kernel: Kernel<B, S>, task: Task<B, S>): void {
    const { bindings, sizes, count, complex = false, constants = noConstants, cost = 16 } = task;
    const spaces = kernel.bindingNames.map((name) => bindings[name]);
    const groups = kernel.per === 'thread' ? Math.ceil(count / kernel.workgroupSize) : count;
    const variant = this.device.variant(kernel, complex, constants);
    this.#record({ kind: 'dispatch', kernel, variant, spaces, sizes, count, groups, cost }, spaces);
  }

  /** Copies the first bytes of a space to byte `at` of a buffer. */
  copy(from: Space, to: GPUBuffer, bytes: number, at = 0): void {
    this.#record({ kind: 'copy', from, to, bytes, at }, [from]);
  }

  /**
   * Submits what has been recorded up to this call. Work left by an abort stays recorded for the next run.
   *
   * @param wait `submitted`: returns when at most two submissions are under way. `done`: when the device has done all of it.
   * @throws what went wrong on the device, or the signal's reason.
   */
  run(wait: 'submitted' | 'done', signal?: AbortSignal): Promise<void> {
    const mark = this.#recorded;
    this.#runs++;
    const turn = this.#turn.then(async () => {
      signal?.throwIfAborted();
      while (this.#submitted < mark) {
        signal?.throwIfAborted();
        this.device.assertSound();
        const portions = this.#nextSubmission();
        await this.#compiled(portions, signal);
        await this.patiently(this.#previous, signal);
        this.device.assertSound();
        this.#submit(portions);
      }
      if (wait === 'done') await this.patiently(this.#latest, signal);
      this.device.assertSound();
      this.arena.trim(this.#submitted);
    });
    const ended = () => {
      this.#runs--;
    };
    this.#turn = turn.then(ended, ended);
    return turn;
  }

  /** Forgets what is recorded, waits for the run in progress and frees the device. */
  async close(): Promise<void> {
    this.#queue = [];
    this.#submitted = this.#recorded;
    await this.#turn;
    this.device.close();
  }

  #record(item: Item, spaces: readonly Space[]): void {
    const number = this.#recorded++;
    for (const space of spaces) space.lastUse = number;
    const limit = this.#limits;
    const groups = item.kind === 'dispatch' ? item.groups : 1;
    const parts =
      item.kind === 'dispatch' ? Math.min(groups, Math.ceil((item.count * item.cost) / limit.dispatch)) : 1;
    const share = Math.ceil(groups / Math.max(1, parts));
    for (let first = 0; first < groups; first += share) {
      this.#queue.push({ item, number, firstGroup: first, groups: Math.min(share, groups - first) });
    }
    this.#submitAhead();
  }

  /** Where there is much to submit and nothing to wait for. No more is under way then than in a run. */
  #submitAhead(): void {
    if (this.#queue.length < submittedAhead || this.#runs > 0 || !this.device.isSound) return;
    if (this.#underWay >= this.#limits.submission) return;
    const portions = this.#nextSubmission(submittedAhead);
    if (!portions.every(isReady)) return;
    this.#ahead++;
    const done = () => {
      this.#ahead--;
    };
    let submitted: Promise<unknown>;
    try {
      submitted = this.#submit(portions);
    } catch (error) {
      done();
      throw error;
    }
    submitted.then(done, done);
  }

  /** The next portions that fit one submission, at least one. Uploads come first in theirs: what they overwrite is of those before. */
  #nextSubmission(most = uniformSlots): Portion[] {
    const limit = this.#limits;
    let cost = 0;
    let count = 0;
    let uploading = true;
    for (const portion of this.#queue) {
      if (portion.item.kind !== 'upload') uploading = false;
      else if (!uploading) break;
      cost += costOf(portion);
      if (count > 0 && (cost > limit.submission || count === most)) break;
      count++;
    }
    return this.#queue.slice(0, count);
  }

  /** Learns from a submission how fast the device is. */
  #learn(cost: number, submitted: number): void {
    const now = performance.now();
    const { cost: before, seconds, at } = this.#done;
    // It has begun when it was submitted, or when the one before was done.
    this.#done = { cost: before + cost, seconds: seconds + (now - Math.max(at, submitted)) / 1000, at: now };
    if (this.device.software || this.#done.cost < knownAfter) return;
    const least = leastLimits.hardware.dispatch;
    const rate = this.#done.cost / this.#done.seconds;
    const dispatch = Math.max(least, Math.min(mostOfDispatch, secondsOfDispatch * rate));
    this.#limits = { dispatch, submission: dispatchesOfSubmission * dispatch };
  }

  async #compiled(portions: readonly Portion[], signal: AbortSignal | undefined): Promise<void> {
    for (const { item } of portions) {
      if (item.kind !== 'dispatch' || item.variant.pipeline) continue;
      await this.patiently(item.variant.compiling, signal);
    }
  }

  /** @returns when the device has done it */
  #submit(portions: readonly Portion[]): Promise<void> {
    const { gpu } = this.device;
    for (const { item } of portions) {
      if (item.kind === 'upload') gpu.queue.writeBuffer(item.to.buffer, 0, item.make());
    }
    for (const filter of ['validation', 'out-of-memory', 'internal'] as const) gpu.pushErrorScope(filter);
    gpu.queue.submit([this.#encode(portions)]);
    const scopes = [gpu.popErrorScope(), gpu.popErrorScope(), gpu.popErrorScope()];
    const checked = Promise.all(scopes).then((errors) => {
      const error = errors.find((e) => e !== null);
      if (error) this.device.fail(new Error(`webgpu: ${error.message}`));
    });
    this.#previous = this.#latest;
    const submitted = performance.now();
    const cost = portions.reduce((sum, portion) => sum + costOf(portion), 0);
    this.#underWay += cost;
    // A host that records is told late when what nobody waits for is done, and so when what follows has begun.
    const isTimed = this.#ahead === 0;
    const done = gpu.queue.onSubmittedWorkDone().then(() => {
      this.#underWay -= cost;
      if (isTimed) this.#learn(cost, submitted);
    });
    this.#latest = Promise.all([this.#previous, done, checked]);
    // Rejected when the device is lost, which is reported by itself.
    this.#latest.catch(() => {});
    this.#queue.splice(0, portions.length);
    this.#submitted = this.#queue[0]?.number ?? this.#recorded;
    return done;
  }

  #encode(portions: readonly Portion[]): GPUCommandBuffer {
    const { gpu } = this.device;
    const encoder = gpu.createCommandEncoder();
    let pass: GPUComputePassEncoder | undefined;
    /** Of this pass. */
    let latest: GPUComputePipeline | undefined;
    for (const [slot, { item, firstGroup, groups }] of portions.entries()) {
      switch (item.kind) {
        case 'dispatch': {
          pass ??= encoder.beginComputePass();
          const { kernel, count, sizes, spaces } = item;
          const range = rangeOf(kernel, count, firstGroup, groups);
          writeUniform(this.#words, slot * uniformBytes, kernel, range, sizes);
          const { layout, pipeline } = item.variant.pipeline!;
          if (pipeline !== latest) pass.setPipeline(pipeline);
          latest = pipeline;
          pass.setBindGroup(0, this.#bindGroups.of(layout, spaces), uniformOffsets[slot]!);
          pass.dispatchWorkgroups(range.groupsAcross, Math.ceil(groups / range.groupsAcross));
          break;
        }
        case 'copy':
          pass?.end();
          pass = undefined;
          latest = undefined;
          encoder.copyBufferToBuffer(item.from.buffer, 0, item.to, item.at, item.bytes);
          break;
        case 'upload':
          break;
        default:
          item satisfies never;
      }
    }
    pass?.end();
    // In the order of the queue: after the submission before has read its own.
    gpu.queue.writeBuffer(this.#uniforms, 0, this.#words.buffer, 0, portions.length * uniformBytes);
    return encoder.finish();
  }

  /** The value of `promise`, unless the device fails or the signal is aborted first. */
  async patiently<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
    let stopWatching = () => {};
    const trouble = new Promise<never>((_, reject) => {
      const abort = () => reject(signal!.reason);
      const ignore = this.device.onFailure(reject);
      signal?.addEventListener('abort', abort);
      stopWatching = () => {
        ignore();
        signal?.removeEventListener('abort', abort);
      };
    });
    try {
      return await Promise.race([promise, trouble]);
    } catch (error) {
      // What the device reports tells more than what its promises are rejected with.
      this.device.assertSound();
      throw error;
    } finally {
      stopWatching();
    }
  }
}
