/**
 * The queue behind an engine that computes one operation after another: steps are recorded and run in order when somebody waits for
 * them. Owns the storage of handles: it exists from the step that computes it to the step that releases it.
 */
import type { Handle, Matrices, Shape, Vector } from '../handles.ts';
import { isShape, type ResultShape } from '../operations.ts';
import { type Eventually, type Storage, type Stored, when } from './operations.ts';
import type { Turns } from './turns.ts';

type Work = () => Eventually<void>;

/** What is recorded. */
interface Step {
  readonly work: Work;
  /** What it fills; absent where it is done for other reasons. */
  readonly fills?: readonly Slot<unknown>[];
  /** What it needs. */
  readonly needs: readonly Slot<unknown>[];
}

interface Slot<M> {
  /** The queue whose handle it belongs to. */
  readonly owner: object;
  /** Operation that made it, for messages. */
  readonly origin: string;
  /** Absent until computed and once freed. */
  data: M | Float64Array | undefined;
  /** A release was recorded. */
  released: boolean;
}

/** A handle that leads to its slot: a table of all handles would be a burden for the garbage collector. */
abstract class SlotHandle {
  readonly #slot: Slot<unknown>;

  constructor(slot: Slot<unknown>) {
    this.#slot = slot;
  }

  static slotOf(handle: object): Slot<unknown> | undefined {
    return #slot in handle ? handle.#slot : undefined;
  }
}

class MatricesHandle extends SlotHandle implements Matrices {
  readonly kind = 'matrices';
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly complex: boolean;

  constructor(slot: Slot<unknown>, { batch, rows, columns, complex }: Shape) {
    super(slot);
    this.batch = batch;
    this.rows = rows;
    this.columns = columns;
    this.complex = complex;
    Object.freeze(this);
  }
}

class VectorHandle extends SlotHandle implements Vector {
  readonly kind = 'vector';
  readonly length: number;

  constructor(slot: Slot<unknown>, length: number) {
    super(slot);
    this.length = length;
    Object.freeze(this);
  }
}

function handleOf(slot: Slot<unknown>, shape: Shape | number): Handle {
  return typeof shape === 'number' ? new VectorHandle(slot, shape) : new MatricesHandle(slot, shape);
}

/** What a step computes: the entries of one result, or of each by name. A vector of length 1 may come as its number. */
export type Computed<M> = M | Float64Array | number | Readonly<Record<string, M | Float64Array | number>>;

/** @typeParam M what holds matrices; vectors are arrays. */
export class Queue<M extends object> {
  readonly #storage: Storage<M>;
  readonly #turns: Turns;
  #queue: Step[] = [];
  /** Steps at the front of the queue that have been run. */
  #ran = 0;
  /** An abort has left steps whose results nobody may want any more. */
  #aborted = false;
  /** The data of all slots. */
  readonly #held = new Set<object>();
  /** Ends when every run asked for so far has ended. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;
  #liveBytes = 0;
  #peakBytes = 0;

  /** @param turns those of the operations as well: an abort then ends the one in progress */
  constructor(storage: Storage<M>, turns: Turns) {
    this.#storage = storage;
    this.#turns = turns;
  }

  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Matrices of what `make` makes from now on. */
  holdMatrices(operation: string, shape: Shape, make: () => M): Matrices {
    const slot = this.#newSlot(operation);
    this.#fill(slot, make());
    return new MatricesHandle(slot, shape);
  }

  /** A vector that holds a copy of the data from now on. */
  holdVector(operation: string, data: ArrayLike<number>): Vector {
    const slot = this.#newSlot(operation);
    this.#fill(slot, new Float64Array(data));
    return new VectorHandle(slot, data.length);
  }

  /** Records the computation of new matrices. */
  matrices(operation: string, shape: Shape, compute: () => Eventually<M>): Matrices {
    const slot = this.#newSlot(operation);
    this.#record([slot], [], () => when(compute(), (data) => this.#fill(slot, data)));
    return new MatricesHandle(slot, shape);
  }

  /** Records the computation of results of a shape.
   *  @param operands that have been checked
   *  @param compute gives what the shape says: results by name where it names them */
  computed(
    operation: string,
    shape: ResultShape,
    operands: readonly Handle[],
    compute: () => Eventually<Computed<M>>,
  ): Handle | Record<string, Handle> {
    const needs = operands.map((handle) => SlotHandle.slotOf(handle)!);
    if (isShape(shape)) {
      const slot = this.#newSlot(operation);
      this.#record([slot], needs, () =>
        when(compute(), (data) => this.#fill(slot, data as M | Float64Array | number)),
      );
      return handleOf(slot, shape);
    }
    const slots = Object.entries(shape).map(([name, one]) => ({
      name,
      one,
      slot: this.#newSlot(operation),
    }));
    const filled = slots.map(({ slot }) => slot);
    this.#record(filled, needs, () =>
      when(compute(), (data) => {
        const byName = data as Readonly<Record<string, M | Float64Array | number>>;
        for (const { name, slot } of slots) this.#fill(slot, byName[name]!);
      }),
    );
    return Object.fromEntries(slots.map(({ name, one, slot }) => [name, handleOf(slot, one)]));
  }

  /** Records a step that leaves no data. @param operands that have been checked */
  step(operation: string, operands: readonly Handle[], work: Work): void {
    this.#assertOpen(operation);
    this.#record(
      undefined,
      operands.map((handle) => SlotHandle.slotOf(handle)!),
      work,
    );
  }

  /** The handle itself, for an operand of a step that is recorded now.
   *  @throws Error if it is of another engine or was released */
  checked<H extends Handle>(operation: string, handle: H): H {
    this.#slot(operation, handle);
    return handle;
  }

  /** What a checked handle stands for, once the steps before have run.
   *  @throws Error if it could not be computed */
  value(operation: string, handle: Handle): Stored<M> | Float64Array {
    const slot = SlotHandle.slotOf(handle) as Slot<M>;
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
  }

  release(handles: readonly Handle[]): void {
    const slots = handles.map((handle) => {
      const slot = this.#slot('release', handle);
      slot.released = true;
      return slot;
    });
    this.#record(undefined, [], () => {
      for (const slot of slots) {
        if (slot.data === undefined) continue;
        this.#liveBytes -= this.#storage.bytes(slot.data);
        this.#held.delete(slot.data);
        this.#storage.free(slot.data);
        slot.data = undefined;
      }
    });
  }

  /** Runs what has been recorded up to this call. Steps left by an abort, in their middle too, stay recorded for the next run, as far as
   *  their results are still wanted then; a step that throws is dropped, and whatever needs its outputs will throw too. */
  run(signal?: AbortSignal): Promise<void> {
    this.#assertOpen('run');
    // A mark in the queue: what others record while this runs is not waited for.
    let reached = false;
    this.#record(undefined, [], () => {
      reached = true;
    });
    const turn = this.#turn.then(async () => {
      this.#turns.heed(signal);
      if (this.#aborted) this.#forgetUnwanted();
      let step: Step | undefined;
      try {
        while (!reached) {
          signal?.throwIfAborted();
          this.#assertOpen('run');
          step = this.#takeStep();
          // Most steps are done when they return, and waiting for what is there costs more than they do.
          const working = step.work();
          if (working) await working;
          step = undefined;
          const turning = this.#turns.breathe();
          if (turning) await turning;
        }
      } catch (error) {
        if (signal?.aborted && error === signal.reason) {
          this.#aborted = true;
          if (step) this.#putBack(step);
        }
        throw error;
      }
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Forgets what is recorded and waits for the end of the step in progress, which comes soon. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#turns.end();
    await this.#turn;
    this.#queue = [];
    this.#ran = 0;
    this.#held.clear();
  }

  #takeStep(): Step {
    const step = this.#queue[this.#ran++]!;
    // Now and then: taking what is run off the front moves all the rest.
    if (2 * this.#ran >= this.#queue.length) {
      this.#queue.splice(0, this.#ran);
      this.#ran = 0;
    }
    return step;
  }

  #putBack(step: Step): void {
    if (this.#ran > 0) this.#queue[--this.#ran] = step;
    else this.#queue.unshift(step);
  }

  #record(fills: readonly Slot<unknown>[] | undefined, needs: readonly Slot<unknown>[], work: Work): void {
    this.#queue.push(fills ? { work, fills, needs } : { work, needs });
  }

  /** Drops the steps of which nothing will be read: their results are released, unless others need them that are wanted. */
  #forgetUnwanted(): void {
    const wanted = new Set<Slot<unknown>>();
    const kept: Step[] = [];
    for (let k = this.#queue.length - 1; k >= this.#ran; k--) {
      const step = this.#queue[k]!;
      if (step.fills && !step.fills.some((slot) => !slot.released || wanted.has(slot))) continue;
      for (const slot of step.needs) wanted.add(slot);
      kept.push(step);
    }
    this.#queue = kept.reverse();
    this.#ran = 0;
    this.#aborted = false;
  }

  #newSlot(operation: string): Slot<M> {
    this.#assertOpen(operation);
    return { owner: this, origin: operation, data: undefined, released: false };
  }

  #fill(slot: Slot<M>, computed: M | Float64Array | number): void {
    const data = typeof computed === 'number' ? Float64Array.of(computed) : computed;
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
    const slot = SlotHandle.slotOf(handle) as Slot<M> | undefined;
    if (slot?.owner !== this)
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
