/**
 * The steps of one segment on chunks of its frequencies. Symbols are made once per step and chunk and shared by the runs of a
 * sweep; states are at hand, or recomputed from the segment's start where they do not fit the memory.
 */
import type { Engine, Matrices, Vector } from '../engine/engine.ts';
import { scoped } from '../engine/scope.ts';
import type { Frequencies } from '../spectrum/frequencies.ts';
import { affine, read, type State, type StepTaps, symbolOf, tapsOf } from './affine.ts';
import type { Partition } from './chunks.ts';
import { maximum } from './maximum.ts';
import { nonlinearity, type Updated } from './nonlinearity.ts';
import { type Segment, type Step, totalRows } from './program.ts';
import type { Choice, Run } from './run.ts';

export class Walk {
  readonly #engine: Engine;
  readonly segment: Segment;
  readonly partition: Partition;
  /** Taps of linear steps, made when first needed. */
  readonly #taps = new Map<number, { taps: StepTaps; matrices: Matrices | undefined }>();
  /** The symbol last made. */
  #symbol: { step: number; chunk: number; symbol: Matrices } | undefined;

  constructor(engine: Engine, segment: Segment, partition: Partition) {
    this.#engine = engine;
    this.segment = segment;
    this.partition = partition;
  }

  /** Releases the taps and the symbol of step k, which no run will ask for again. */
  forget(k: number): void {
    if (this.#symbol?.step === k) this.#dropSymbol();
    const matrices = this.#taps.get(k)?.matrices;
    if (matrices) this.#engine.release(matrices);
    this.#taps.delete(k);
  }

  /** Releases what is shared; states belong to the runs. */
  close(): void {
    this.#dropSymbol();
    for (const { matrices } of this.#taps.values()) if (matrices) this.#engine.release(matrices);
    this.#taps.clear();
  }

  noteDefinite(run: Run, definite: Vector): void {
    const next = this.#engine.multiply(run.definite, definite);
    this.#engine.release(run.definite, definite);
    run.definite = next;
  }

  /** One step on one chunk. The state is not released. */
  step(
    run: Run,
    k: number,
    chunk: number,
    state: State,
    choice: Choice | undefined,
  ): Partial<Updated> & { state: State } {
    const engine = this.#engine;
    const step = this.segment.steps[k]!;
    switch (step.kind) {
      case 'linear': {
        const symbol = this.symbolAt(k, chunk);
        const copies = step.ratio.reduce((p, r) => p * r, 1);
        return { state: scoped(engine, (e) => affine(e, symbol, state, copies)) };
      }
      case 'nonlinearity':
      case 'maximum': {
        const { d, image, shift } = choice!;
        return scoped(engine, (e) => {
          const shifted = e.scaleByPower(this.asMatrices(e, state, step), shift, -1);
          const after =
            step.kind === 'nonlinearity'
              ? nonlinearity(e, step, shifted, d)
              : maximum(e, step, shifted, d, image!);
          return { state: after.state, definite: after.definite };
        });
      }
      case 'read':
        throw new Error(`sweep: a read step has no state per chunk (${run.choosing.name})`);
      default:
        return step satisfies never;
    }
  }

  asMatrices(engine: Engine, state: State, step: Step): Matrices {
    if (state?.kind === 'matrices') return state;
    const diagonal = state ?? engine.vector(new Float64Array(totalRows(step.before)).fill(1));
    return engine.diagonalMatrix(diagonal, this.segment.axes > 0);
  }

  /** The state of a chunk before step k: at hand, or recomputed. `done` releases what was made. */
  stateBefore(run: Run, k: number, chunk: number): { state: State; done: () => void } {
    let state = run.states[chunk];
    let made: State;
    for (let j = run.at; j < k; j++) {
      const next = this.step(run, j, chunk, state, run.choices.get(j));
      if (made) this.#engine.release(made);
      if (next.definite) this.noteDefinite(run, next.definite);
      state = next.state;
      made = state;
    }
    return {
      state,
      done: () => {
        if (made) this.#engine.release(made);
      },
    };
  }

  readAll(run: Run, k: number): Matrices {
    let sum: Matrices | undefined;
    for (let c = 0; c < this.partition.chunks.length; c++) {
      const { state, done } = this.stateBefore(run, k, c);
      const part = this.readPart(k, c, state);
      done();
      const previous = sum;
      sum = previous ? this.#engine.add(previous, part) : part;
      if (previous) this.#engine.release(previous, part);
    }
    return sum!;
  }

  readPart(k: number, chunk: number, state: State): Matrices {
    const symbol = this.symbolAt(k, chunk);
    return scoped(this.#engine, (e) => read(e, symbol, state, this.frequencies(k, chunk)));
  }

  frequencies(k: number, chunk: number): Frequencies {
    return this.partition.chunks[chunk]!.frequencies[k]!;
  }

  tapsOf(k: number): { taps: StepTaps; matrices: Matrices | undefined } {
    let found = this.#taps.get(k);
    if (!found) {
      const step = this.segment.steps[k]!;
      if (step.kind !== 'linear' && step.kind !== 'read')
        throw new Error('sweep: only linear steps have taps');
      const taps = tapsOf(step, this.segment.axes);
      const matrices =
        this.segment.axes > 0
          ? this.#engine.matrices(taps.matrices, 1, taps.taps.length, taps.rows * taps.columns, false)
          : undefined;
      found = { taps, matrices };
      this.#taps.set(k, found);
    }
    return found;
  }

  symbolAt(k: number, chunk: number): Matrices {
    const last = this.#symbol;
    if (last && last.step === k && last.chunk === chunk) return last.symbol;
    this.#dropSymbol();
    const { taps, matrices } = this.tapsOf(k);
    const symbol = scoped(this.#engine, (e) => symbolOf(e, taps, matrices, this.frequencies(k, chunk)));
    this.#symbol = { step: k, chunk, symbol };
    return symbol;
  }

  #dropSymbol(): void {
    if (this.#symbol) this.#engine.release(this.#symbol.symbol);
    this.#symbol = undefined;
  }
}
