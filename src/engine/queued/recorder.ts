/**
 * The queue behind an engine that computes one operation after another: steps are recorded and run in order when somebody waits for
 * them. Owns the storage of handles: it exists from the step that computes it to the step that releases it.
 */
import type { Shape } from '../cpu/dense.ts';
import { breathe } from '../cpu/turn.ts';
import type { Handle, Matrices, Vector } from '../engine.ts';
import type { Storage, Stored } from './operations.ts';

type Step = () => void | Promise<void>;

interface Slot<M> {
  /** Operation that made it, for messages. */
  readonly origin: string;
  /** Absent until computed and once freed. */
  data: M | Float64Array | undefined;
  /** A release was recorded. */
  released: boolean;
}

/** @typeParam M what holds matrices; vectors are arrays. */
export class Recorder<M extends object> {
  readonly #storage: Storage<M>;
  readonly #slots = new WeakMap<Handle, Slot<M>>();
  readonly #queue: Step[] = [];
  /** The data of all slots. */
  readonly #held = new WeakSet<object>();
  /** Ends when every run asked for so far has ended. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;
  #liveBytes = 0;
  #peakBytes = 0;

  constructor(storage: Storage<M>) {
    this.#storage = storage;
  }

  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** A handle that holds what `make` makes from now on. */
  hold(operation: string, handle: Handle, make: () => M | Float64Array): void {
    this.#assertOpen(operation);
    const slot: Slot<M> = { origin: operation, data: undefined, released: false };
    this.#slots.set(handle, slot);
    this.#fill(slot, make());
  }

  /** Records the computation of new matrices. */
  matrices(operation: string, shape: Shape, compute: () => M | Promise<M>): Matrices {
    const { batch, rows, columns, complex } = shape;
    const handle: Matrices = Object.freeze({ kind: 'matrices', batch, rows, columns, complex });
    this.record(operation, [handle], async () => [await compute()]);
    return handle;
  }

  /** Records the computation of a new vector. */
  vector(operation: string, length: number, compute: () => Float64Array | Promise<Float64Array>): Vector {
    const handle: Vector = Object.freeze({ kind: 'vector', length });
    this.record(operation, [handle], async () => [await compute()]);
    return handle;
  }

  /** Records a computation that yields the data of `outputs`, in that order. */
  record(operation: string, outputs: readonly Handle[], compute: () => Promise<(M | Float64Array)[]>): void {
    this.#assertOpen(operation);
    const slots = outputs.map((handle): Slot<M> => {
      const slot: Slot<M> = { origin: operation, data: undefined, released: false };
      this.#slots.set(handle, slot);
      return slot;
    });
    this.#queue.push(async () => {
      const data = await compute();
      for (const [index, slot] of slots.entries()) this.#fill(slot, data[index]!);
    });
  }

  /** Access to an operand when the step runs.
   *  @throws Error now if the handle is of another engine or was released, later if it could not be computed. */
  operand(operation: string, handle: Matrices): () => Stored<M>;
  operand(operation: string, handle: Vector): () => Float64Array;
  operand(operation: string, handle: Handle): () => Stored<M> | Float64Array;
  operand(operation: string, handle: Handle): () => Stored<M> | Float64Array {
    const slot = this.#slot(operation, handle);
    return () => {
      if (slot.data === undefined) {
        throw new Error(`${operation}: operands must be computed, got one from a failed ${slot.origin}`);
      }
      switch (handle.kind) {
        case 'matrices':
          return { ...handle, data: slot.data as M };
        case 'vector':
          return slot.data as Float64Array;
        default:
          return handle satisfies never;
      }
    };
  }

  release(handles: readonly Handle[]): void {
    const slots = handles.map((handle) => {
      const slot = this.#slot('release', handle);
      slot.released = true;
      return slot;
    });
    this.#queue.push(() => {
      for (const slot of slots) {
        if (slot.data === undefined) continue;
        this.#liveBytes -= this.#storage.bytes(slot.data);
        this.#held.delete(slot.data);
        this.#storage.free(slot.data);
        slot.data = undefined;
      }
    });
  }

  /** Runs what has been recorded up to this call. Steps left by an abort stay recorded for the next run; a step that
   *  throws is dropped, and whatever needs its outputs will throw too. */
  run(signal?: AbortSignal): Promise<void> {
    this.#assertOpen('run');
    // A mark in the queue: what others record while this runs is not waited for.
    let reached = false;
    const mark = () => {
      reached = true;
    };
    this.#queue.push(mark);
    const turn = this.#turn.then(async () => {
      while (!reached) {
        signal?.throwIfAborted();
        this.#assertOpen('run');
        await this.#queue.shift()!();
        await breathe();
      }
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Forgets what is recorded and waits for the step in progress. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
    this.#queue.length = 0;
  }

  #fill(slot: Slot<M>, data: M | Float64Array): void {
    // The release of one handle would hand the other's data to the next operation.
    if (this.#held.has(data)) {
      throw new Error(`${slot.origin}: results must have storage of their own, got that of another handle`);
    }
    this.#held.add(data);
    slot.data = data;
    this.#liveBytes += this.#storage.bytes(data);
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
  }

  #slot(operation: string, handle: Handle): Slot<M> {
    this.#assertOpen(operation);
    const slot = this.#slots.get(handle);
    if (slot === undefined)
      throw new Error(`${operation}: handles must come from this engine, got a foreign one`);
    if (slot.released) {
      throw new Error(
        `${operation}: handles must not be used after their release, got one from ${slot.origin}`,
      );
    }
    return slot;
  }

  #assertOpen(operation: string): void {
    if (this.#closed) throw new Error(`${operation}: the engine must be open, got a closed one`);
  }
}
