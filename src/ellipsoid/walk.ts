/**
 * The steps of one segment on pieces of its frequencies. Symbols are made once per step and piece and shared by the runs of a
 * sweep; states are at hand, or recomputed from the segment's start where they do not fit the memory.
 */
import type { Engine, Matrices, Vector } from '../engine/engine.ts';
import { scoped } from '../engine/scope.ts';
import type { Frequencies } from '../spectrum/frequencies.ts';
import { affine, read, type State, type StepTaps } from './affine.ts';
import { maximum } from './maximum.ts';
import { nonlinearity, type Updated } from './nonlinearity.ts';
import type { Partition, Piece } from './partition.ts';
import { type MaximumStep, type NonlinearityStep, type Segment, type Step, totalRows } from './program.ts';
import type { Choice, Run } from './run.ts';
import { Symbols } from './symbols.ts';

/** A state, and how to say that it is no longer needed. */
interface Held {
  readonly state: State;
  readonly done: () => void;
}

export class Walk {
  readonly #engine: Engine;
  readonly segment: Segment;
  readonly partition: Partition;
  readonly #symbols: Symbols;
  /** The symbol last made. */
  #symbol: { step: number; piece: number; symbol: Matrices } | undefined;

  constructor(engine: Engine, segment: Segment, partition: Partition) {
    this.#engine = engine;
    this.segment = segment;
    this.partition = partition;
    this.#symbols = new Symbols(engine, segment, partition.uploads);
  }

  /** Releases the taps and the symbol of step k, which no run will ask for again. */
  forget(k: number): void {
    if (this.#symbol?.step === k) this.#dropSymbol();
    this.#symbols.forget(k);
  }

  /** Releases what is shared; states belong to the runs. */
  close(): void {
    this.#dropSymbol();
    this.#symbols.close();
  }

  noteDefinite(run: Run, definite: Vector): void {
    const next = this.#engine.multiply(run.definite, definite);
    this.#engine.release(run.definite, definite);
    run.definite = next;
  }

  /** The pieces before step k. */
  pieces(k: number): readonly Piece[] {
    return this.partition.pieces[k]!;
  }

  /** One nonlinear step on one piece. The state is not released. */
  step(step: NonlinearityStep | MaximumStep, state: State, choice: Choice): Updated {
    return scoped(this.#engine, (e) => {
      const shifted = e.scaleByPower(this.asMatrices(e, state, step), choice.shift, -1);
      const after =
        step.kind === 'nonlinearity'
          ? nonlinearity(e, step, shifted, choice.d)
          : maximum(e, step, shifted, choice.d, choice.image!);
      return { state: after.state, definite: after.definite };
    });
  }

  /** One linear step onto a piece after it, from its parts before, each asked for in turn. */
  linear(k: number, piece: number, before: (part: number) => Held): Matrices {
    const [first, end] = this.pieces(k + 1)[piece]!.parts;
    const copies = this.frequencies(k, first).count / this.frequencies(k + 1, piece).count;
    let sum: Matrices | undefined;
    for (let part = first; part < end; part++) {
      const { state, done } = before(part);
      const own = this.#affine(k, part, state, copies);
      done();
      sum = sum ? this.#sum(sum, own) : own;
    }
    return end - first === 1 ? sum! : this.#scaled(sum!, 1 / (end - first));
  }

  /** The state after step k on one of the pieces after it. */
  stateAfter(run: Run, k: number, piece: number): Matrices {
    const step = this.segment.steps[k]!;
    switch (step.kind) {
      case 'linear':
        return this.linear(k, piece, (part) => this.stateBefore(run, k, part));
      case 'nonlinearity':
      case 'maximum': {
        const { state, done } = this.stateBefore(run, k, piece);
        const next = this.step(step, state, run.choices.get(k)!);
        done();
        this.noteDefinite(run, next.definite);
        return next.state;
      }
      case 'read':
        throw new Error(`sweep: a read step has no state per piece (${run.choosing.name})`);
      default:
        return step satisfies never;
    }
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
    return this.read(k, (piece) => this.stateBefore(run, k, piece));
  }

  /** The covariance of what a step reads, from the states of all pieces before it, each asked for in turn. */
  read(k: number, before: (piece: number) => Held): Matrices {
    let sum: Matrices | undefined;
    for (const piece of this.pieces(k).keys()) {
      const { state, done } = before(piece);
      const symbol = this.symbolAt(k, piece);
      const own = scoped(this.#engine, (e) => read(e, symbol, state, this.frequencies(k, piece)));
      done();
      sum = sum ? this.#sum(sum, own) : own;
    }
    return sum!;
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

  #affine(k: number, piece: number, state: State, copies: number): Matrices {
    if (state?.kind !== 'matrices' && this.#symbols.isWide(k))
      return this.#symbols.congruenceByColumns(k, state);
    const symbol = this.symbolAt(k, piece);
    return scoped(this.#engine, (e) => affine(e, symbol, state, copies));
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
