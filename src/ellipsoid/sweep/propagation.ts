/**
 * The steps of one segment on pieces of its frequencies. Symbols are made once per step and piece and shared by the runs of a
 * sweep; states are at hand, or recomputed from the segment's start where they do not fit the memory.
 */
import type { Engine, Handle, Matrices, Ranges, Vector } from '../../engine/engine.ts';
import { scoped } from '../../engine/scope.ts';
import {
  type MaximumStep,
  type NonlinearityStep,
  type Segment,
  type Step,
  totalRows,
} from '../../program/program.ts';
import type { Variable } from '../../program/variables.ts';
import type { Frequencies } from '../../spectrum/frequencies.ts';
import { meansOf, overGap } from '../anyLength/gap.ts';
import type { Partition, Piece } from '../memory/partition.ts';
import type { Rounding } from '../rounding/rounding.ts';
import { affine, read, type State, type StepTaps } from '../rules/affine.ts';
import {
  affineAbove,
  denseError,
  readAbove,
  type SymbolError,
  sumAbove,
  symbolError,
} from '../rules/affineAbove.ts';
import { maximum } from '../rules/maximum.ts';
import { maximumAbove } from '../rules/maximumAbove.ts';
import { nonlinearity, rangesOf } from '../rules/nonlinearity.ts';
import { nonlinearityAbove } from '../rules/nonlinearityAbove.ts';
import type { Choice, Evidence, Run } from './run.ts';
import { type Held, largestRadius, type States } from './states.ts';
import { Symbols } from './symbols.ts';

/** What a step's result rests on: `definite` as the rules have it, the rest where rounding is bounded. */
export type Proof = Evidence & { readonly definite?: Vector };

export interface Proven {
  readonly state: Matrices;
  readonly proof: Proof;
}

export function handlesOf(proof: Proof): Handle[] {
  return Object.values(proof).filter((handle) => handle !== undefined);
}

export class Propagation implements States {
  readonly #engine: Engine;
  readonly segment: Segment;
  readonly partition: Partition;
  readonly #rounding: Rounding | undefined;
  readonly #symbols: Symbols;
  /** What rounding may do to the symbols of linear steps. */
  readonly #errors = new Map<number, SymbolError>();
  /** The symbol last made. */
  #symbol: { step: number; piece: number; symbol: Matrices } | undefined;

  /** @param rounding to be bounded; absent: covariances as they are computed */
  constructor(engine: Engine, segment: Segment, partition: Partition, rounding: Rounding | undefined) {
    this.#engine = engine;
    this.#rounding = rounding;
    this.segment = segment;
    this.partition = partition;
    this.#symbols = new Symbols(engine, segment, partition.uploads);
  }

  /** Releases the taps and the symbol of step k, which no run will ask for again. */
  forget(k: number): void {
    if (this.#symbol?.step === k) this.#dropSymbol();
    this.#symbols.forget(k);
    const moduli = this.#errors.get(k)?.moduli;
    if (moduli) this.#engine.release(moduli);
    this.#errors.delete(k);
  }

  /** Releases what is shared; states belong to the runs. */
  close(): void {
    this.#dropSymbol();
    for (const k of [...this.#errors.keys()]) this.forget(k);
    this.#symbols.close();
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
    run.evidence.set(step, this.#merged(run.evidence.get(step), evidence));
  }

  #merged(before: Evidence | undefined, evidence: Evidence): Evidence {
    if (!before) return evidence;
    const engine = this.#engine;
    const merged = Object.entries(evidence).map(([name, own]) => {
      const other = before[name as keyof Evidence]!;
      const most = engine.maximum(other, own);
      engine.release(other, own);
      return [name, most];
    });
    return Object.fromEntries(merged) as Evidence;
  }

  /** The pieces before step k. */
  pieces(k: number): readonly Piece[] {
    return this.partition.pieces[k]!;
  }

  /** One nonlinear step on one piece. The state is not released.
   *  @param rounding to be bounded; absent, as in trials: the bare numbers */
  step(
    step: NonlinearityStep | MaximumStep,
    state: State,
    { shift, ...choice }: Choice,
    rounding: Rounding | undefined,
  ): Proven {
    return scoped(this.#engine, (e) => {
      const shifted = e.scaleByPower(this.asMatrices(e, state, step), shift, -1);
      const { state: after, ...proof } = nonlinear(e, step, shifted, choice, rounding);
      return { state: after, proof };
    });
  }

  /** One linear step onto a piece after it, from its parts before, each asked for in turn. */
  linear(k: number, piece: number, before: (part: number) => Held, rounding: Rounding | undefined): Proven {
    const [first, end] = this.pieces(k + 1)[piece]!.parts;
    const copies = this.frequencies(k, first).count / this.frequencies(k + 1, piece).count;
    let sum: Matrices | undefined;
    let proof: Proof = {};
    for (let part = first; part < end; part++) {
      const { state, done } = before(part);
      const own = this.#affine(k, part, state, copies, rounding);
      done();
      sum = sum ? this.#sum(sum, own.state) : own.state;
      proof = this.#merged(proof.added && proof, own.proof);
    }
    if (end - first === 1) return { state: sum!, proof };
    return { state: this.#above(k, this.#scaled(sum!, 1 / (end - first)), end - first, rounding), proof };
  }

  /** The state after step k on one of the pieces after it. */
  stateAfter(run: Run, k: number, piece: number): Matrices {
    const { state, proof } = this.#proven(run, k, piece);
    this.note(run, k, proof);
    return state;
  }

  #proven(run: Run, k: number, piece: number): Proven {
    const step = this.segment.steps[k]!;
    switch (step.kind) {
      case 'linear':
        return this.#overGap(
          run,
          k,
          this.linear(k, piece, (part) => this.stateBefore(run, k, part), this.#rounding),
        );
      case 'nonlinearity':
      case 'maximum': {
        const { state, done } = this.stateBefore(run, k, piece);
        const next = this.step(step, state, run.choices.get(k)!, this.#rounding);
        done();
        return next;
      }
      case 'read':
        throw new Error(`propagation: a read step has no state per piece (${run.choosing.name})`);
      default:
        return step satisfies never;
    }
  }

  /** A covariance after a linear step so that it holds between frequencies too. */
  #overGap(run: Run, k: number, next: Proven): Proven {
    const gap = this.segment.interpolation?.gaps.get(k);
    if (!gap || gap.share === 0) return next;
    const raised = scoped(this.#engine, (e) =>
      overGap(e, this.#rounding, gap, next.state, run.reaches.get(k)!, this.#blocks(k)),
    );
    this.#engine.release(next.state);
    return { ...next, state: raised };
  }

  asMatrices(engine: Engine, state: State, step: Step): Matrices {
    if (state?.kind === 'matrices') return state;
    const diagonal = state ?? engine.vector(new Float64Array(totalRows(step.before)).fill(1));
    return engine.diagonalMatrix(diagonal, this.segment.axes > 0);
  }

  /** The state of a piece before step k: at hand, or recomputed. `done` releases what was made. */
  stateBefore(run: Run, k: number, piece: number): Held {
    if (k === run.at) return { state: run.states[piece], done: () => {} };
    const state = this.stateAfter(run, k - 1, piece);
    return { state, done: () => this.#engine.release(state) };
  }

  readAll(run: Run, k: number): Matrices {
    const { interpolation } = this.segment;
    const { state, proof } = interpolation
      ? this.#means(k, interpolation.samples, run)
      : this.read(k, (piece) => this.stateBefore(run, k, piece), this.#rounding);
    this.note(run, k, proof);
    return state;
  }

  /** The covariance of means over signals of any length, from the largest that any frequency can have. */
  #means(k: number, samples: ReadonlyMap<Variable, number>, run: Run): Proven {
    const step = this.segment.steps[k]!;
    if (step.kind !== 'read') throw new Error('propagation: only read steps take means');
    const largest = largestRadius(this.#engine, this, run, k, this.#rounding);
    const { exponent, matrices, magnitudes, rows, columns } = meansOf(step, samples);
    run.hostExponent += 2 * (exponent - this.tapsOf(k).exponent);
    const result = scoped(this.#engine, (e): Proven => {
      const state = e.multiply(e.vector(new Float64Array(columns).fill(1)), largest);
      const map = e.matrices(matrices, 1, rows, columns, false);
      const rounding = this.#rounding;
      if (!rounding) return { state: affine(e, map, state, 1), proof: {} };
      const error = denseError(e, rounding, { rows, columns, ...(magnitudes && { magnitudes }) });
      return affineAbove(e, rounding, map, state, 1, error, this.#blocks(k));
    });
    this.#engine.release(largest);
    return result;
  }

  /** The covariance of what a step reads, from the states of all pieces before it, each asked for in turn. */
  read(k: number, before: (piece: number) => Held, rounding: Rounding | undefined): Proven {
    let sum: Matrices | undefined;
    let proof: Proof = {};
    for (const piece of this.pieces(k).keys()) {
      const { state, done } = before(piece);
      const own = this.#read(k, piece, state, rounding);
      done();
      sum = sum ? this.#sum(sum, own.state) : own.state;
      proof = this.#merged(proof.added && proof, own.proof);
    }
    const count = this.pieces(k).length;
    return { state: count === 1 ? sum! : this.#above(k, sum!, count, rounding), proof };
  }

  #read(k: number, piece: number, state: State, rounding: Rounding | undefined): Proven {
    const symbol = this.symbolAt(k, piece);
    const frequencies = this.frequencies(k, piece);
    return scoped(this.#engine, (e) => {
      if (!rounding) return { state: read(e, symbol, state, frequencies), proof: {} };
      return readAbove(e, rounding, symbol, state, frequencies, this.#errorOf(k, rounding), this.#blocks(k));
    });
  }

  frequencies(k: number, piece: number): Frequencies {
    return this.pieces(k)[piece]!.frequencies;
  }

  tapsOf(k: number): StepTaps {
    return this.#symbols.tapsOf(k);
  }

  symbolAt(k: number, piece: number): Matrices {
    const last = this.#symbol;
    if (last && last.step === k && last.piece === piece) return last.symbol;
    this.#dropSymbol();
    const symbol = this.#symbols.at(k, this.frequencies(k, piece));
    this.#symbol = { step: k, piece, symbol };
    return symbol;
  }

  #affine(k: number, piece: number, state: State, copies: number, rounding: Rounding | undefined): Proven {
    if (state?.kind !== 'matrices' && this.#symbols.isWide(k)) return this.#byColumns(k, state, rounding);
    return this.#congruence(k, this.symbolAt(k, piece), state, copies, rounding);
  }

  /** W D Wᵀ for the dense matrix of step k, where that is too wide to be on the engine as a whole: the sum over slices of columns.
   *  @param diagonal absent: the identity */
  #byColumns(k: number, diagonal: Vector | undefined, rounding: Rounding | undefined): Proven {
    let sum: Matrices | undefined;
    let proof: Proof = {};
    let count = 0;
    for (const { matrices, magnitudes, columns } of this.#symbols.byColumns(k)) {
      const own = diagonal && this.#engine.sumOver(diagonal, columns());
      const part = this.#congruence(k, matrices, own, 1, rounding, magnitudes);
      this.#engine.release(matrices, ...(own ? [own] : []));
      sum = sum ? this.#sum(sum, part.state) : part.state;
      proof = this.#merged(proof.added && proof, part.proof);
      count++;
    }
    return { state: count === 1 ? sum! : this.#above(k, sum!, count, rounding), proof };
  }

  /** @param magnitudes of a slice of columns of the dense matrix of step k, where it has them */
  #congruence(
    k: number,
    symbol: Matrices,
    state: State,
    copies: number,
    rounding: Rounding | undefined,
    magnitudes?: Float64Array,
  ): Proven {
    return scoped(this.#engine, (e) => {
      if (!rounding) return { state: affine(e, symbol, state, copies), proof: {} };
      const { rows, columns } = symbol;
      const error = magnitudes
        ? denseError(e, rounding, { rows, columns, magnitudes })
        : this.#errorOf(k, rounding);
      return affineAbove(e, rounding, symbol, state, copies, error, this.#blocks(k));
    });
  }

  /** A sum of so many covariances, with what adding them up may have lost. */
  #above(k: number, sum: Matrices, count: number, rounding: Rounding | undefined): Matrices {
    if (!rounding) return sum;
    const raised = scoped(this.#engine, (e) => sumAbove(e, rounding, sum, count, this.#blocks(k)));
    this.#engine.release(sum);
    return raised;
  }

  #errorOf(k: number, rounding: Rounding): SymbolError {
    let error = this.#errors.get(k);
    if (!error) {
      error = symbolError(
        this.#engine,
        rounding,
        this.tapsOf(k),
        this.segment.axes > 0,
        this.#symbols.additions(k),
      );
      this.#errors.set(k, error);
    }
    return error;
  }

  #blocks(k: number): Ranges {
    return rangesOf(this.segment.steps[k]!.after);
  }

  #sum(a: Matrices, b: Matrices): Matrices {
    const sum = this.#engine.add(a, b);
    this.#engine.release(a, b);
    return sum;
  }

  #scaled(a: Matrices, factor: number): Matrices {
    const scaled = scoped(this.#engine, (e) =>
      e.scaleBatch(a, e.vector(new Float64Array(a.batch).fill(factor))),
    );
    this.#engine.release(a);
    return scaled;
  }

  #dropSymbol(): void {
    if (this.#symbol) this.#engine.release(this.#symbol.symbol);
    this.#symbol = undefined;
  }
}

function nonlinear(
  engine: Engine,
  step: NonlinearityStep | MaximumStep,
  state: Matrices,
  { d, image, dominated }: Omit<Choice, 'shift'>,
  rounding: Rounding | undefined,
): { readonly state: Matrices } & Proof {
  if (step.kind === 'maximum') {
    if (rounding) return maximumAbove(engine, rounding, step, state, d, image!, dominated);
    const { state: after, definite } = maximum(engine, step, state, d, image!);
    return { state: after, definite };
  }
  if (rounding) return nonlinearityAbove(engine, rounding, step, state, d, dominated);
  const { state: after, definite } = nonlinearity(engine, step, state, d);
  return { state: after, definite };
}
