/**
 * One differentiable pass through a program: the bound for given multipliers and its gradient, recorded as a whole and read
 * back once.
 *
 * Multipliers are relative (`multipliers/relative.ts`), so that θ is what matters and deep networks converge.
 */
import type { Engine, Matrices, Vector } from '../../../engine/engine.ts';
import { readAllNamed } from '../../../engine/readBack.ts';
import { scoped } from '../../../engine/scope.ts';
import { type NonlinearityStep, type Program, type Segment, totalRows } from '../../../program/program.ts';
import type { Frequencies } from '../../../spectrum/frequencies.ts';
import { exponential, fromRowSums, type Relative } from '../../multipliers/relative.ts';
import { affine, read, type State, symbolOf, tapNumbers } from '../../rules/affine.ts';
import { argument, levelOf, nonlinearity } from '../../rules/nonlinearity.ts';
import { smoothMaximum, sum } from '../../rules/smoothMaximum.ts';
import { type WeightVisitor, weightGradients } from '../../rules/weightGradient.ts';
import type { SegmentFrequencies } from '../frequencies.ts';
import { diagonalFunctional, linearFunctional, type Objective, smoothLargestEntry } from '../objective.ts';
import { asMatrices, copiesOf, lastLayout, repeats, repetition } from '../states.ts';
import { Taps } from '../taps.ts';
import { barrierOf } from './barrier.ts';
import { pool } from './pooling.ts';
import { type Adjoint, adjointOf, symbolAdjointOf, type Tape } from './tapes.ts';

export interface Evaluation {
  /** ln of the bound L itself (of the frequencies at hand), from above; +∞ where D ≻ S failed. */
  readonly bound: number;
  /** The smooth objective: ln of a majorant of L. +∞ where D ≻ S failed. */
  readonly objective: number;
  /** ∂ objective / ∂θ. */
  readonly gradient: Relative;
  /** About the second derivative in every θ alone (docs/mathematics.md §5); NaN at poolings, which have no rule for it. */
  readonly curvature: Relative;
  /** The multipliers that θ stands for at the frequencies at hand, in the order of the nonlinear steps. */
  readonly multipliers: readonly Multipliers[];
}

/** Of one nonlinear step. */
export interface Multipliers {
  /** ln D of a nonlinearity; ln s of a pooling (`multipliers/boundary.ts`). */
  readonly logarithms: Float64Array;
}

/** A covariance 2^exponent · entries. */
export interface Summed {
  readonly entries: Float64Array;
  readonly exponent: number;
}

interface Stage {
  readonly segment: Segment;
  readonly frequencies: readonly Frequencies[];
  readonly symbols: Map<number, Matrices>;
  /** Exponents of the taps of all steps of the program up to step k of this stage. */
  readonly hostExponents: number[];
  /** Of the taps of step k alone. */
  readonly tapExponents: number[];
  /** What is added to the sum of its read. */
  readonly beside: Summed | undefined;
}

/** D of a nonlinearity or s of a pooling, to be multiplied by 2^exponent and by the power of two that belongs to the taps. */
interface Chosen {
  readonly values: Vector;
  readonly exponent: Vector;
}

/** What a pass leaves on the engine. */
interface Recorded {
  readonly value: Vector;
  readonly trace: Vector;
  readonly barrier: Vector;
  readonly exponent: Vector;
  readonly definite: Vector;
  readonly gradients: readonly Vector[];
  readonly curvatures: readonly Vector[];
  readonly chosen: readonly Chosen[];
  /** Half of the gradients of the symbols of linear steps, in their order, where these are wanted. */
  readonly symbols: readonly Matrices[];
}

/** A state on the way; the covariance is 2^exponent times it, but for the taps. */
interface Checkpoint {
  readonly state: State;
  readonly exponent: Vector;
}

/** One thing to do on the way: a step of a stage, or (k = −1) its opening. */
interface Unit {
  readonly stage: Stage;
  readonly k: number;
  /** Index into θ, for nonlinear steps. */
  readonly parameter: number;
}

/** What makes the bound smooth enough to descend. */
export interface Smoothing {
  /** p = 2^doublings of the p-norm of eigenvalues. */
  readonly doublings: number;
  /**
   * Weight μ ≥ 0 of Σ tr(S R) over the nonlinear steps, R = (D − S)⁻¹, each as the mean over frequencies. The optimum can lie on the
   * boundary of D ⪰ S (one output suffices for that), where a line search that takes an indefinite D − S as +∞ stalls.
   */
  readonly barrier: number;
}

export interface PassOptions {
  /** More than 1: only the states between so many blocks of steps are kept, and the tapes of a block are made again when its adjoints are
   *  due; a third more work for that much less memory. */
  readonly blocks?: number;
  /** What frequencies that are not at hand add to the sums of reads, by segment: a constant. */
  readonly beside?: readonly (Summed | undefined)[];
  /** Those of the program, where they are there already. */
  readonly taps?: Taps;
}

export class DifferentiablePass {
  readonly #engine: Engine;
  readonly #stages: Stage[];
  /** The way through the program, cut into blocks: tapes are kept for one block at a time. */
  readonly #blocks: readonly (readonly Unit[])[];
  #hostExponent = 0;

  /**
   * @param frequencies those of every segment, all or some of them
   */
  constructor(
    engine: Engine,
    program: Program,
    frequencies: readonly SegmentFrequencies[],
    { blocks = 1, beside = [], taps: known = new Taps() }: PassOptions = {},
  ) {
    this.#engine = engine;
    this.#stages = program.segments.map((segment, i) => ({
      segment,
      frequencies: frequencies[i]!.frequencies,
      symbols: new Map(),
      hostExponents: [],
      tapExponents: [],
      beside: beside[i],
    }));
    for (const stage of this.#stages) {
      stage.segment.steps.forEach((step, k) => {
        stage.hostExponents[k] = this.#hostExponent;
        if (step.kind !== 'linear' && step.kind !== 'read') return;
        const taps = known.of(step, stage.segment.axes);
        stage.tapExponents[k] = taps.exponent;
        this.#hostExponent += 2 * taps.exponent;
        stage.hostExponents[k] = this.#hostExponent;
        stage.symbols.set(
          k,
          scoped(engine, (e) => {
            const uploaded =
              stage.segment.axes > 0
                ? e.matrices(() => tapNumbers(e, taps), 1, taps.taps.length, taps.rows * taps.columns, false)
                : undefined;
            return symbolOf(e, taps, uploaded, stage.frequencies[k]!);
          }),
        );
      });
    }
    this.#blocks = blocksOf(this.#stages, blocks);
  }

  close(): void {
    for (const stage of this.#stages) this.#engine.release(...stage.symbols.values());
  }

  /** @throws the signal's reason when it is aborted */
  async evaluate(
    theta: Relative,
    smoothing: Smoothing,
    target: Objective = { kind: 'radius' },
    signal?: AbortSignal,
  ): Promise<Evaluation> {
    const record = scoped(this.#engine, (engine) => this.#record(engine, theta, smoothing, target));
    return this.#read(record, smoothing, signal);
  }

  /**
   * The same, and ∂ objective / ∂ weights for the θ that is given (docs/mathematics.md §12), array by array, where D ≻ S held. Taps must be
   * whole (`Taps` with Infinity).
   * @throws the signal's reason when it is aborted
   */
  async evaluateWeights(
    theta: Relative,
    smoothing: Smoothing,
    target: Objective,
    visit: WeightVisitor,
    signal?: AbortSignal,
  ): Promise<Evaluation> {
    const record = scoped(this.#engine, (engine) => this.#record(engine, theta, smoothing, target, true));
    const { symbols, value, trace } = record;
    try {
      // Before the ends are released.
      const [v, t] = await this.#engine.read(value, trace);
      const evaluation = await this.#read(record, smoothing, signal);
      if (evaluation.bound === Infinity) return evaluation;
      const factor = 1 / (t![0]! * v![0]!);
      const linear = this.#blocks.flat().filter((unit) => isLinear(unit));
      for (const [n, { stage, k }] of linear.entries()) {
        const step = stage.segment.steps[k]!;
        if (step.kind !== 'linear' && step.kind !== 'read') continue;
        const [own] = await this.#engine.read(symbols[n]!);
        const power = stage.tapExponents[k]!;
        // In two steps: the whole need not be a float64.
        const [half, rest] = [Math.trunc(-power / 2), -power - Math.trunc(-power / 2)];
        const scale = (x: number) => x * factor * 2 ** half * 2 ** rest;
        weightGradients(step, own!, stage.frequencies[k]!, (weights, gradient, term) =>
          visit(weights, gradient.map(scale), term),
        );
      }
      return evaluation;
    } finally {
      this.#engine.release(...symbols);
    }
  }

  /** What was recorded, but for the gradients of symbols, which stay. */
  async #read(
    { symbols: _, ...record }: Recorded,
    smoothing: Smoothing,
    signal: AbortSignal | undefined,
  ): Promise<Evaluation> {
    const { gradients, curvatures, chosen, ...ends } = record;
    try {
      await this.#engine.settle(signal);
      const [{ value, trace, barrier, exponent, definite }, found, curved, ...own] = await readAllNamed(
        this.#engine,
        [ends, { ...gradients }, { ...curvatures }, ...chosen],
      );
      const [v, t] = [value[0]!, trace[0]!];
      const infeasible = definite[0] !== 1 || !(v > 0) || !(t > 0) || !(t < Infinity);
      const bound = 0.5 * (Math.log(v) + (exponent[0]! + this.#hostExponent) * Math.LN2);
      const objective =
        bound + (0.5 * Math.log(t)) / 2 ** smoothing.doublings + smoothing.barrier * barrier[0]!;
      // ∂ ln λ̃ / ∂Σ = X^{p−1} / (t · radius); L is the square root.
      const factor = 0.5 / (t * v);
      return {
        bound: infeasible ? Infinity : bound,
        objective: infeasible ? Infinity : objective,
        gradient: Object.values(found).map((g: Float64Array) => g.map((x) => x * factor)),
        curvature: Object.values(curved).map((c: Float64Array) => c.map((x) => x * factor)),
        multipliers: this.#logarithms(own),
      };
    } finally {
      const handles = chosen.flatMap(({ values, exponent }) => [values, exponent]);
      this.#engine.release(...new Set([...Object.values(ends), ...gradients, ...curvatures, ...handles]));
    }
  }

  #logarithms(chosen: readonly { readonly values: Float64Array; readonly exponent: Float64Array }[]) {
    const units = this.#blocks.flat().filter(({ parameter }) => parameter >= 0);
    return units.map(({ stage, k, parameter }): Multipliers => {
      const { values, exponent } = chosen[parameter]!;
      const offset = (exponent[0]! + stage.hostExponents[k]!) * Math.LN2;
      return { logarithms: values.map((d) => Math.log(d) + offset) };
    });
  }

  /** Records forward and backward; gradients in the order of the steps. */
  #record(engine: Engine, theta: Relative, smoothing: Smoothing, target: Objective, weigh = false): Recorded {
    const checkpoints: Checkpoint[] = [{ state: undefined, exponent: engine.vector([0]) }];
    const chosen: Chosen[] = [];
    let barrier = engine.vector([0]);
    let definite = engine.vector([1]);
    const note = (part: {
      readonly barrier: Vector;
      readonly definite: Vector;
      readonly chosen: readonly Chosen[];
    }) => {
      chosen.push(...part.chosen);
      barrier = sum(engine, barrier, part.barrier);
      definite = engine.multiply(definite, part.definite);
    };
    for (const block of this.#blocks.slice(0, -1)) {
      const before = checkpoints.at(-1)!;
      const part = scoped(engine, (e) => {
        const { tapes: _, ...ends } = this.#forward(e, theta, block, before);
        return ends;
      });
      note(part);
      checkpoints.push(part);
    }
    const end = scoped(engine, (e) => {
      const forward = this.#forward(e, theta, this.#blocks.at(-1)!, checkpoints.at(-1)!);
      const top = this.#objective(e, forward.state, smoothing, target);
      const { exponent, barrier, definite, chosen } = forward;
      // Twice: L is a square root. The host divides all gradients by t · radius.
      const push = e.combine([[2 * smoothing.barrier, e.multiply(top.trace, top.radius)]]);
      const back = this.#backward(e, forward.tapes, top.power, push, weigh);
      return { value: top.radius, trace: top.trace, exponent, barrier, definite, chosen, push, ...back };
    });
    note(end);
    const gradients = [...end.gradients];
    const curvatures = [...end.curvatures];
    const symbols = [...end.symbols];
    let g = end.before;
    for (let b = this.#blocks.length - 2; b >= 0 && g; b--) {
      const after: Matrices | Vector = g;
      const back = scoped(engine, (e) =>
        this.#backward(
          e,
          this.#forward(e, theta, this.#blocks[b]!, checkpoints[b]!).tapes,
          after,
          end.push,
          weigh,
        ),
      );
      if (back.before !== after) engine.release(after);
      gradients.unshift(...back.gradients);
      curvatures.unshift(...back.curvatures);
      symbols.unshift(...back.symbols);
      g = back.before;
    }
    const { value, trace, exponent } = end;
    return { value, trace, barrier, exponent, definite, gradients, curvatures, chosen, symbols };
  }

  #objective(engine: Engine, state: State, smoothing: Smoothing, target: Objective) {
    const { segment, frequencies } = this.#stages.at(-1)!;
    const matrices = asMatrices(engine, state, totalRows(lastLayout(segment)), segment.axes > 0);
    if (target.kind === 'trace') return linearFunctional(engine, matrices, target.matrix);
    if (target.kind === 'diagonal') return diagonalFunctional(engine, matrices, target.weights);
    if (target.kind === 'entries') return smoothLargestEntry(engine, matrices, smoothing.doublings);
    const weights = engine.vector(matrices.batch === 1 ? [1] : frequencies.at(-1)!.weights);
    return smoothMaximum(engine, matrices, weights, smoothing.doublings);
  }

  // ---- forward --------------------------------------------------------------------------------

  #forward(engine: Engine, theta: Relative, units: readonly Unit[], start: Checkpoint) {
    const tapes: Tape[] = [];
    const chosen: Chosen[] = [];
    let { state, exponent } = start;
    let barrier = engine.vector([0]);
    let definite = engine.vector([1]);
    for (const { stage, k, parameter } of units) {
      const before = state;
      const step = k < 0 ? undefined : stage.segment.steps[k]!;
      switch (step?.kind) {
        case undefined: {
          const repeated = repetition(stage.segment, before);
          if (repeated && before?.kind === 'vector') {
            state = engine.sumOver(before, repeats(repeated.rows, repeated.channels));
            tapes.push({ kind: 'repeat', ...repeated });
          }
          break;
        }
        case 'linear':
        case 'read': {
          const symbol = stage.symbols.get(k)!;
          const level = exponent;
          state = scoped(engine, (e) => {
            if (step.kind === 'linear') return affine(e, symbol, before, copiesOf(step));
            const own = read(e, symbol, before, stage.frequencies[k]!);
            const { beside } = stage;
            return beside ? e.add(own, constant(e, beside, stage.hostExponents[k]!, level, own.rows)) : own;
          });
          tapes.push({ kind: 'linear', step, symbol, frequencies: stage.frequencies[k]!, before });
          break;
        }
        case 'nonlinearity':
        case 'maximum': {
          const made = scoped(engine, (e) => {
            const scale = exponential(e, theta[parameter]!);
            const matrices = asMatrices(e, before, totalRows(step.before), stage.segment.axes > 0);
            return step.kind === 'nonlinearity'
              ? sector(e, step, matrices, scale)
              : pool(e, step, matrices, scale, stage.frequencies[k]!.weights);
          });
          state = made.state;
          exponent = sum(engine, exponent, made.shift);
          if (made.definite) definite = engine.multiply(definite, made.definite);
          if (step.kind === 'nonlinearity' && 'tape' in made) {
            const { tape, scale, sums, d, shift } = made;
            chosen.push({ values: d, exponent });
            barrier = sum(engine, barrier, barrierOf(engine, tape, d));
            tapes.push({ kind: 'nonlinearity', step, sector: tape, scale, sums, d, shift, before });
          } else if (step.kind === 'maximum' && 'pool' in made) {
            chosen.push({ values: made.pool.boundary, exponent });
            tapes.push({ kind: 'maximum', step, pool: made.pool, shift: made.shift, before });
          }
          break;
        }
        default:
          step satisfies never;
      }
    }
    return { state, exponent, barrier, definite, tapes, chosen };
  }

  // ---- backward -------------------------------------------------------------------------------

  /**
   * Gradients and curvatures of θ in the order of the tapes, half of those of symbols where they are wanted, and the gradient of the state
   * before them (none where that is the input's).
   */
  #backward(engine: Engine, tapes: readonly Tape[], top: Matrices | Vector, push: Vector, weigh: boolean) {
    const gradients: Vector[] = [];
    const curvatures: Vector[] = [];
    const symbols: Matrices[] = [];
    let before: Matrices | Vector | undefined = top;
    for (const tape of [...tapes].reverse()) {
      const after: Matrices | Vector = before;
      if (weigh && tape.kind === 'linear') {
        symbols.unshift(scoped(engine, (e) => symbolAdjointOf(e, tape, after)));
      }
      const result: Adjoint = scoped(engine, (e) => adjointOf(e, tape, after, push));
      if (after !== top && after !== result.before) engine.release(after);
      if (result.theta) {
        gradients.unshift(result.theta);
        curvatures.unshift(result.curvature ?? unknown(engine, result.theta.length));
      }
      before = result.before;
      if (!before) break;
    }
    return { gradients, curvatures, symbols, before };
  }
}

function isLinear({ stage, k }: Unit): boolean {
  const kind = k < 0 ? undefined : stage.segment.steps[k]!.kind;
  return kind === 'linear' || kind === 'read';
}

function unknown(engine: Engine, length: number): Vector {
  return engine.vector(new Float64Array(length).fill(Number.NaN));
}

/** A constant covariance in the units of a state. */
function constant(engine: Engine, { entries, exponent }: Summed, host: number, level: Vector, rows: number) {
  const shift = engine.combine([
    [1, engine.vector([exponent - host])],
    [-1, level],
  ]);
  return engine.scaleByPower(engine.matrices(entries, 1, rows, rows, false), shift, 1);
}

/** All units in order, cut into blocks of about equal numbers of units. */
function blocksOf(stages: readonly Stage[], count: number): Unit[][] {
  let parameter = 0;
  const units = stages.flatMap((stage): Unit[] => [
    { stage, k: -1, parameter: -1 },
    ...stage.segment.steps.map((step, k): Unit => {
      const nonlinear = step.kind === 'nonlinearity' || step.kind === 'maximum';
      return { stage, k, parameter: nonlinear ? parameter++ : -1 };
    }),
  ]);
  const size = Math.ceil(units.length / Math.min(count, units.length));
  const blocks: Unit[][] = [];
  for (let start = 0; start < units.length; start += size) blocks.push(units.slice(start, start + size));
  return blocks;
}

/** The rule of a nonlinearity with D = scale · ρ(S), on the state scaled to order 1. */
function sector(engine: Engine, step: NonlinearityStep, state: Matrices, scale: Vector) {
  const shift = engine.exponent(levelOf(engine, state, step.source));
  const scaled = engine.scaleByPower(state, shift, -1);
  const sums = engine.rowSums(argument(engine, scaled, step.source));
  const d = fromRowSums(engine, scale, sums);
  return { ...nonlinearity(engine, step, scaled, d), shift, scale, sums, d };
}
