/**
 * The steps of one segment on chunks of its frequencies. Symbols are made once per step and chunk and shared by the runs of a
 * sweep; states are at hand, or recomputed from the segment's start where they do not fit the memory.
 */
import type { Engine, Handle, Matrices, Vector } from '../engine/engine.ts';
import { scoped } from '../engine/scope.ts';
import type { Frequencies } from '../spectrum/frequencies.ts';
import { affine, read, type State, type StepTaps, symbolOf, tapsOf } from './affine.ts';
import type { Partition } from './chunks.ts';
import { maximum } from './maximum.ts';
import { nonlinearity, rangesOf } from './nonlinearity.ts';
import {
  type LinearStep,
  type MaximumStep,
  type NonlinearityStep,
  type Segment,
  type Step,
  totalRows,
} from './program.ts';
import { affineAbove, readAbove, type SymbolError, symbolError } from './rounding/affine.ts';
import type { Rounding } from './rounding/rounding.ts';
import { maximumAbove, nonlinearityAbove } from './rounding/sector.ts';
import type { Choice, Evidence, Run } from './run.ts';

/** What a step's result rests on: `definite` as the rules have it, the rest where rounding is bounded. */
export type Proof = Evidence & { readonly definite?: Vector };

interface Taps {
  readonly taps: StepTaps;
  readonly matrices: Matrices | undefined;
  readonly error: SymbolError | undefined;
}

export function handlesOf(proof: Proof): Handle[] {
  return Object.values(proof).filter((handle) => handle !== undefined);
}

export class Walk {
  readonly #engine: Engine;
  readonly segment: Segment;
  readonly partition: Partition;
  readonly #rounding: Rounding | undefined;
  /** Taps of linear steps, made when first needed. */
  readonly #taps = new Map<number, Taps>();
  /** The symbol last made. */
  #symbol: { step: number; chunk: number; symbol: Matrices } | undefined;

  /** @param rounding to be bounded; absent: covariances as they are computed */
  constructor(engine: Engine, segment: Segment, partition: Partition, rounding: Rounding | undefined) {
    this.#engine = engine;
    this.#rounding = rounding;
    this.segment = segment;
    this.partition = partition;
  }

  /** Releases the taps and the symbol of step k, which no run will ask for again. */
  forget(k: number): void {
    if (this.#symbol?.step === k) this.#dropSymbol();
    this.#dropTaps(this.#taps.get(k));
    this.#taps.delete(k);
  }

  /** Releases what is shared; states belong to the runs. */
  close(): void {
    this.#dropSymbol();
    for (const taps of this.#taps.values()) this.#dropTaps(taps);
    this.#taps.clear();
  }

  #dropTaps(taps: Taps | undefined): void {
    if (taps?.matrices) this.#engine.release(taps.matrices);
    if (taps?.error?.moduli) this.#engine.release(taps.error.moduli);
  }

  /** Adds what step k rests on to what the run does, and takes the handles over. */
  note(run: Run, k: number, { definite, ...evidence }: Proof): void {
    const engine = this.#engine;
    if (definite) {
      const next = engine.multiply(run.definite, definite);
      engine.release(run.definite, definite);
      run.definite = next;
    }
    const step = this.segment.steps[k]!;
    const before = run.evidence.get(step);
    if (!before) {
      run.evidence.set(step, evidence);
      return;
    }
    const merged = Object.entries(evidence).map(([name, own]) => {
      const other = before[name as keyof Evidence]!;
      const most = engine.maximum(other, own);
      engine.release(other, own);
      return [name, most];
    });
    run.evidence.set(step, Object.fromEntries(merged) as Evidence);
  }

  /** One step on one chunk. The state is not released. */
  step(
    run: Run,
    k: number,
    chunk: number,
    state: State,
    choice: Choice | undefined,
  ): { state: State; proof: Proof } {
    const step = this.segment.steps[k]!;
    switch (step.kind) {
      case 'linear':
        return this.linear(k, chunk, state);
      case 'nonlinearity':
      case 'maximum':
        return scoped(this.#engine, (e) => {
          const shifted = e.scaleByPower(this.asMatrices(e, state, step), choice!.shift, -1);
          const { state: after, ...proof } = this.#nonlinear(e, step, shifted, choice!);
          return { state: after, proof };
        });
      case 'read':
        throw new Error(`sweep: a read step has no state per chunk (${run.choosing.name})`);
      default:
        return step satisfies never;
    }
  }

  /** A linear step on one chunk. */
  linear(k: number, chunk: number, state: State): { state: Matrices; proof: Proof } {
    const step = this.segment.steps[k] as LinearStep;
    const symbol = this.symbolAt(k, chunk);
    const copies = step.ratio.reduce((p, r) => p * r, 1);
    const { error } = this.tapsOf(k);
    return scoped(this.#engine, (e) => {
      if (!this.#rounding || !error) return { state: affine(e, symbol, state, copies), proof: {} };
      const blocks = rangesOf(step.after);
      const raised = affineAbove(e, this.#rounding, symbol, state, copies, error, blocks);
      return { state: raised.state, proof: { added: raised.added } };
    });
  }

  #nonlinear(
    engine: Engine,
    step: NonlinearityStep | MaximumStep,
    state: Matrices,
    { d, image, dominated }: Choice,
  ): { state: Matrices } & Proof {
    const rounding = this.#rounding;
    if (step.kind === 'maximum') {
      if (rounding) return maximumAbove(engine, rounding, step, state, d, image!, dominated);
      const { state: after, definite } = maximum(engine, step, state, d, image!);
      return { state: after, definite };
    }
    if (rounding) return nonlinearityAbove(engine, rounding, step, state, d, dominated);
    const { state: after, definite } = nonlinearity(engine, step, state, d);
    return { state: after, definite };
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
      this.note(run, j, next.proof);
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
      const { state: part, proof } = this.readPart(k, c, state);
      this.note(run, k, proof);
      done();
      const previous = sum;
      sum = previous ? this.#engine.add(previous, part) : part;
      if (previous) this.#engine.release(previous, part);
    }
    return sum!;
  }

  readPart(k: number, chunk: number, state: State): { state: Matrices; proof: Proof } {
    const symbol = this.symbolAt(k, chunk);
    const frequencies = this.frequencies(k, chunk);
    const { error } = this.tapsOf(k);
    const blocks = rangesOf(this.segment.steps[k]!.after);
    return scoped(this.#engine, (e) => {
      if (!this.#rounding || !error) return { state: read(e, symbol, state, frequencies), proof: {} };
      const parts = this.partition.chunks.length;
      const raised = readAbove(e, this.#rounding, symbol, state, frequencies, parts, error, blocks);
      return { state: raised.state, proof: { added: raised.added } };
    });
  }

  frequencies(k: number, chunk: number): Frequencies {
    return this.partition.chunks[chunk]!.frequencies[k]!;
  }

  tapsOf(k: number): Taps {
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
      const error = this.#rounding && symbolError(this.#engine, this.#rounding, taps, this.segment.axes > 0);
      found = { taps, matrices, error };
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
