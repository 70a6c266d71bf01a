/**
 * One differentiable pass through a program: the bound for given multipliers and its gradient, recorded as a whole and read
 * back once.
 *
 * Multipliers are relative (math.md §5): at a nonlinearity D = e^θ ρ(S), ρ the row sums of |S|, so that θ is what matters and
 * deep networks converge. At a max pooling, where nothing repels D from S, D is scaled onto the boundary of D ⪰ S:
 * D = e^θ λ_max(e^{−θ/2} S e^{−θ/2}).
 */
import type { Engine, Matrices, Vector } from '../engine/engine.ts';
import { scoped } from '../engine/scope.ts';
import type { Frequencies } from '../spectrum/frequencies.ts';
import { sectorAdjoint, stateGradient, sumOverBatch } from './adjoint.ts';
import { affine, read, type State, symbolOf, tapsOf } from './affine.ts';
import type { Chunk } from './chunks.ts';
import { dominating } from './multipliers.ts';
import { argument, nonlinearity, type SectorTape } from './nonlinearity.ts';
import type { Objective } from './objective.ts';
import { type PoolTape, pool, poolAdjoint, poolParameters } from './pool.ts';
import {
  type LinearStep,
  type MaximumStep,
  type NonlinearityStep,
  type Program,
  type ReadStep,
  type Segment,
  type Step,
  totalRows,
} from './program.ts';
import { smoothMaximum, total } from './smoothMaximum.ts';

/** θ of every nonlinear step, in the order of `nonlinearSteps`. */
export type Relative = readonly Float64Array[];

export function nonlinearSteps(program: Program): (NonlinearityStep | MaximumStep)[] {
  return program.segments.flatMap((s) =>
    s.steps.filter((k) => k.kind === 'nonlinearity' || k.kind === 'maximum'),
  );
}

/** Entries of θ at a step: one per row of a nonlinearity's argument, one per row of a pooling's result. */
export function parametersOf(step: NonlinearityStep | MaximumStep): number {
  return step.kind === 'nonlinearity' ? step.source.rows : poolParameters(step);
}

export interface Evaluation {
  /** ln of the bound L itself (of the frequencies at hand), from above; +∞ where D ≻ S failed. */
  readonly bound: number;
  /** The smooth objective: ln of a majorant of L. +∞ where D ≻ S failed. */
  readonly objective: number;
  /** ∂ objective / ∂θ. */
  readonly gradient: Relative;
}

type Tape =
  | { readonly kind: 'repeat'; readonly rows: number; readonly channels: number }
  | {
      readonly kind: 'linear';
      readonly step: LinearStep | ReadStep;
      readonly symbol: Matrices;
      readonly before: State;
    }
  | {
      readonly kind: 'nonlinearity';
      readonly step: NonlinearityStep;
      readonly sector: SectorTape;
      readonly scale: Vector;
      readonly sums: Vector;
      readonly d: Vector;
      readonly shift: Vector;
      readonly before: State;
    }
  | {
      readonly kind: 'maximum';
      readonly step: MaximumStep;
      readonly pool: PoolTape;
      readonly shift: Vector;
      readonly before: State;
    };

interface Stage {
  readonly segment: Segment;
  readonly frequencies: readonly Frequencies[];
  readonly symbols: Map<number, Matrices>;
}

/** Smoothing of the bound: p = 2^doublings of the p-norm of eigenvalues. */
export interface Smoothing {
  readonly doublings: number;
}

export class DifferentiablePass {
  readonly #engine: Engine;
  readonly #stages: Stage[];
  #hostExponent = 0;

  /** @param chunks the frequencies of every segment, all or some of them */
  constructor(engine: Engine, program: Program, chunks: readonly Chunk[]) {
    this.#engine = engine;
    this.#stages = program.segments.map((segment, i) => ({
      segment,
      frequencies: chunks[i]!.frequencies,
      symbols: new Map(),
    }));
    for (const stage of this.#stages) {
      stage.segment.steps.forEach((step, k) => {
        if (step.kind !== 'linear' && step.kind !== 'read') return;
        const taps = tapsOf(step, stage.segment.axes);
        this.#hostExponent += 2 * taps.exponent;
        stage.symbols.set(
          k,
          scoped(engine, (e) => {
            const uploaded =
              stage.segment.axes > 0
                ? e.matrices(taps.matrices, 1, taps.taps.length, taps.rows * taps.columns, false)
                : undefined;
            return symbolOf(e, taps, uploaded, stage.frequencies[k]!);
          }),
        );
      });
    }
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
    const record = scoped(this.#engine, (engine) => {
      const forward = this.#forward(engine, theta);
      const last = this.#stages.at(-1)!;
      const state = asMatrices(
        engine,
        forward.state,
        totalRows(lastLayout(last.segment)),
        last.segment.axes > 0,
      );
      const weights = engine.vector(state.batch === 1 ? [1] : last.frequencies.at(-1)!.weights);
      const top =
        target.kind === 'radius'
          ? smoothMaximum(engine, state, weights, smoothing.doublings)
          : linearFunctional(engine, state, target.matrix);
      const gradients = this.#backward(engine, forward.tapes, top.power);
      return {
        value: top.radius,
        trace: top.trace,
        exponent: forward.exponent,
        definite: forward.definite,
        gradients,
      };
    });
    const handles = [record.value, record.trace, record.exponent, record.definite, ...record.gradients];
    try {
      await this.#engine.settle(signal);
      const [value, trace, exponent, definite, ...gradients] = await this.#engine.read(...handles);
      const [v, t] = [value![0]!, trace![0]!];
      const infeasible = definite![0] !== 1 || !(v > 0) || !(t > 0) || !(t < Infinity);
      const bound = 0.5 * (Math.log(v) + (exponent![0]! + this.#hostExponent) * Math.LN2);
      const objective = bound + (0.5 * Math.log(t)) / 2 ** smoothing.doublings;
      // ∂ ln λ̃ / ∂Σ = X^{p−1} / (t · radius); L is the square root.
      const factor = 0.5 / (t * v);
      return {
        bound: infeasible ? Infinity : bound,
        objective: infeasible ? Infinity : objective,
        gradient: gradients.map((g) => g.map((x) => x * factor)),
      };
    } finally {
      this.#engine.release(...handles);
    }
  }

  // ---- forward --------------------------------------------------------------------------------

  #forward(engine: Engine, theta: Relative) {
    const tapes: Tape[] = [];
    let state: State;
    let exponent = engine.vector([0]);
    let definite = engine.vector([1]);
    let parameter = 0;
    for (const stage of this.#stages) {
      const rows = totalRows(stage.segment.start);
      if (stage.segment.white && state?.kind === 'vector' && state.length !== rows) {
        const channels = state.length;
        state = engine.sumOver(state, repeats(rows, channels));
        tapes.push({ kind: 'repeat', rows, channels });
      }
      stage.segment.steps.forEach((step, k) => {
        const before = state;
        switch (step.kind) {
          case 'linear':
          case 'read': {
            const symbol = stage.symbols.get(k)!;
            state = scoped(engine, (e) =>
              step.kind === 'read'
                ? read(e, symbol, before, stage.frequencies[k]!)
                : affine(e, symbol, before, copiesOf(step)),
            );
            tapes.push({ kind: 'linear', step, symbol, before });
            return;
          }
          case 'nonlinearity':
          case 'maximum': {
            const made = scoped(engine, (e) => {
              const scale = e.vector(theta[parameter]!.map(Math.exp));
              const matrices = asMatrices(e, before, totalRows(step.before), stage.segment.axes > 0);
              return step.kind === 'nonlinearity'
                ? sector(e, step, matrices, scale)
                : pool(e, step, matrices, scale, stage.frequencies[k]!.weights);
            });
            parameter++;
            state = made.state;
            exponent = engine.combine([
              [1, exponent],
              [1, made.shift],
            ]);
            if (made.definite) definite = engine.multiply(definite, made.definite);
            if (step.kind === 'nonlinearity' && 'tape' in made) {
              const { tape, scale, sums, d, shift } = made;
              tapes.push({ kind: 'nonlinearity', step, sector: tape, scale, sums, d, shift, before });
            } else if (step.kind === 'maximum' && 'pool' in made) {
              tapes.push({ kind: 'maximum', step, pool: made.pool, shift: made.shift, before });
            }
            return;
          }
          default:
            step satisfies never;
        }
      });
    }
    return { state, exponent, definite, tapes };
  }

  // ---- backward -------------------------------------------------------------------------------

  /** Gradients of θ, in the order of the steps. */
  #backward(engine: Engine, tapes: readonly Tape[], top: Matrices): Vector[] {
    const gradients: Vector[] = [];
    let g: Matrices | Vector = top;
    for (const tape of [...tapes].reverse()) {
      const result = scoped(engine, (e) => this.#adjointOf(e, tape, g));
      if (result.theta) gradients.unshift(result.theta);
      if (!result.before) break;
      g = result.before;
    }
    return gradients;
  }

  #adjointOf(
    engine: Engine,
    tape: Tape,
    g: Matrices | Vector,
  ): { before?: Matrices | Vector; theta?: Vector } {
    switch (tape.kind) {
      case 'repeat': {
        if (g.kind !== 'vector') throw new Error('pass: a gradient of a diagonal was expected');
        const perChannel = tape.rows / tape.channels;
        const rowsOf = (c: number) => Int32Array.from({ length: perChannel }, (_, u) => c * perChannel + u);
        return {
          before: engine.sumOver(
            g,
            Array.from({ length: tape.channels }, (_, c) => rowsOf(c)),
          ),
        };
      }
      case 'linear': {
        if (tape.before === undefined) return {};
        const inner = this.#linearAdjoint(engine, tape.step, tape.symbol, matricesOnly(g));
        return { before: asStateGradient(engine, inner, tape.before) };
      }
      case 'nonlinearity': {
        const { step, sector } = tape;
        const own = sectorAdjoint(engine, step, sector, matricesOnly(g));
        // D = scale · ρ(S): θ moves D alone, ρ moves with S.
        const throughSums = engine.rowSumsAdjoint(
          sector.s,
          tape.sums,
          engine.multiply(own.multiplier, tape.scale),
        );
        const blocks = { ...own, argument: engine.add(own.argument, throughSums) };
        const theta = engine.multiply(own.multiplier, tape.d);
        if (tape.before === undefined) return { theta };
        const whole = stateGradient(engine, step, totalRows(step.before), blocks);
        return {
          theta,
          before: asStateGradient(engine, engine.scaleByPower(whole, tape.shift, -1), tape.before),
        };
      }
      case 'maximum': {
        const { whole, theta } = poolAdjoint(engine, tape.step, tape.pool, g);
        if (tape.before === undefined) return { theta };
        return {
          theta,
          before: asStateGradient(engine, engine.scaleByPower(whole, tape.shift, -1), tape.before),
        };
      }
      default:
        return tape satisfies never;
    }
  }

  #linearAdjoint(engine: Engine, step: LinearStep | ReadStep, symbol: Matrices, g: Matrices): Matrices {
    if (step.kind === 'linear') {
      const copies = copiesOf(step);
      return engine.congruenceAdjoint(symbol, copies === 1 ? g : engine.aliasAdjoint(g, copies));
    }
    const { frequencies } = this.#stages.find((s) => s.segment.steps.includes(step))!;
    const at = frequencies[frequencies.length - 2]!;
    const samples = at.torus.reduce((p, n) => p * n, 1);
    const inner = engine.congruenceAdjoint(symbol, engine.toComplex(g));
    return engine.scaleBatch(inner, engine.vector(at.weights.map((w) => w / samples)));
  }
}

/** The rule of a nonlinearity with D = scale · ρ(S), on the state scaled to order 1. */
function sector(engine: Engine, step: NonlinearityStep, state: Matrices, scale: Vector) {
  const shift = engine.exponent(engine.diagonal(argument(engine, state, step.source)));
  const scaled = engine.scaleByPower(state, shift, -1);
  const sums = engine.rowSums(argument(engine, scaled, step.source));
  const d = dominating(engine, engine.multiply(scale, sums));
  return { ...nonlinearity(engine, step, scaled, d), shift, scale, sums, d };
}

/** tr(C Σ) in the form of `smoothMaximum`: no majorant, t = 1. */
function linearFunctional(engine: Engine, state: Matrices, matrix: Float64Array) {
  const c = engine.matrices(matrix, 1, state.rows, state.rows, false);
  const value = total(engine, engine.diagonalSum(engine.product(c, state)));
  return { radius: value, trace: engine.vector([1]), power: c };
}

function copiesOf(step: LinearStep): number {
  return step.ratio.reduce((p, r) => p * r, 1);
}

/** For every row of an image read as a vector, the channel it belongs to. */
function repeats(rows: number, channels: number): Int32Array[] {
  return Array.from({ length: rows }, (_, k) => Int32Array.of(Math.floor(k / (rows / channels))));
}

function asMatrices(engine: Engine, state: State, rows: number, complex: boolean): Matrices {
  if (state?.kind === 'matrices') return state;
  return engine.diagonalMatrix(state ?? engine.vector(new Float64Array(rows).fill(1)), complex);
}

/** A gradient in the form of the state it belongs to: matrices per frequency, one for all, or a diagonal. */
function asStateGradient(engine: Engine, g: Matrices, before: Matrices | Vector): Matrices | Vector {
  if (before.kind === 'matrices') return before.batch === g.batch ? g : sumOverBatch(engine, g);
  return engine.diagonalSum(g);
}

function matricesOnly(g: Matrices | Vector): Matrices {
  if (g.kind !== 'matrices') throw new Error('pass: a gradient of matrices was expected');
  return g;
}

function lastLayout(segment: Segment) {
  const step: Step | undefined = segment.steps.at(-1);
  return step ? step.after : segment.start;
}
