/**
 * The queue behind a CPU engine: steps are recorded and run in order, one after another, when somebody waits for them.
 * Owns the storage of handles: it exists from the step that computes it to the step that releases it.
 */
import type { Handle, Matrices, Vector } from '../engine.ts';
import type { Dense, Shape } from './dense.ts';
import { dropIdle, recycle } from './storage.ts';
import { breathe } from './turn.ts';

type Step = () => void | Promise<void>;

interface Slot {
  /** Operation that made it, for messages. */
  readonly origin: string;
  /** Absent until computed and once freed. */
  data: Float64Array | undefined;
  /** A release was recorded. */
  released: boolean;
}

export class Recorder {
  readonly #slots = new WeakMap<Handle, Slot>();
  readonly #queue: Step[] = [];
  /** The data of all slots. */
  readonly #held = new WeakSet<Float64Array>();
  /** Ends when every run asked for so far has ended. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;
  #liveBytes = 0;
  #peakBytes = 0;

  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** A handle that holds `data` from now on. */
  hold(operation: string, handle: Handle, data: Float64Array): void {
    this.#assertOpen(operation);
    const slot: Slot = { origin: operation, data: undefined, released: false };
    this.#slots.set(handle, slot);
    this.#fill(slot, data);
  }

  /** Records the computation of new matrices. */
  matrices(operation: string, shape: Shape, compute: () => Float64Array | Promise<Float64Array>): Matrices {
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
  record(operation: string, outputs: readonly Handle[], compute: () => Promise<Float64Array[]>): void {
    this.#assertOpen(operation);
    const slots = outputs.map((handle): Slot => {
      const slot: Slot = { origin: operation, data: undefined, released: false };
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
  operand(operation: string, handle: Matrices): () => Dense;
  operand(operation: string, handle: Vector): () => Float64Array;
  operand(operation: string, handle: Handle): () => Dense | Float64Array;
  operand(operation: string, handle: Handle): () => Dense | Float64Array {
    const slot = this.#slot(operation, handle);
    return () => {
      if (slot.data === undefined) {
        throw new Error(`${operation}: operands must be computed, got one from a failed ${slot.origin}`);
      }
      switch (handle.kind) {
        case 'matrices':
          return { ...handle, data: slot.data };
        case 'vector':
          return slot.data;
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
        this.#liveBytes -= slot.data.byteLength;
        this.#held.delete(slot.data);
        recycle(slot.data);
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
    dropIdle();
  }

  #fill(slot: Slot, data: Float64Array): void {
    // The release of one handle would hand the other's data to the next operation.
    if (this.#held.has(data)) {
      throw new Error(`${slot.origin}: results must have storage of their own, got that of another handle`);
    }
    this.#held.add(data);
    slot.data = data;
    this.#liveBytes += data.byteLength;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
  }

  #slot(operation: string, handle: Handle): Slot {
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
