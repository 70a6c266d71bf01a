/**
 * The rule of an elementwise nonlinearity with slopes in [α, β] (docs/mathematics.md §1; Fazlyab et al. 2019 with D = Λ⁻¹):
 * with S the covariance of its argument, D ≻ S, R = (D − S)⁻¹ and M = diag((α+β)/2),
 *
 *     Σ'_kk = Σ_kk + Σ_kc R Σ_ck      Σ'_kφ = Σ_kc R D M      Σ'_φφ = M D R D M − αβ D
 *
 * where k are the rows that live on beside φ and c the rows of the argument.
 */
import type { Engine, Matrices, Vector } from '../../engine/engine.ts';
import { precisionOf } from '../../engine/precision.ts';
import type { Live, NonlinearityStep } from '../../program/program.ts';

export interface Updated {
  readonly state: Matrices;
  /** 1 where D ≻ S held at every frequency of the chunk, else 0. */
  readonly definite: Vector;
}

export function rangesOf(live: readonly Live[]): [number, number][] {
  return live.map((l) => [l.start, l.start + l.rows]);
}

/** The covariance of the argument alone. */
export function argument(engine: Engine, state: Matrices, source: Live): Matrices {
  if (source.rows === state.rows) return state;
  const range = rangesOf([source]);
  return engine.submatrix(state, range, range);
}

/**
 * The scale of a state before a nonlinear step, length 1: the largest variance of the argument, to which multipliers are relative; where
 * that is next to nothing beside what lives on (a dead branch, of which only bounds on rounding are left), a power of two of that.
 * What is scaled by its reciprocal stays within the engine's range.
 */
export function levelOf(engine: Engine, state: Matrices, source: Live): Vector {
  const variances = engine.diagonal(state);
  if (source.rows === state.rows) return engine.largest(variances);
  const rows = Int32Array.from({ length: source.rows }, (_, i) => source.start + i);
  const least = precisionOf(engine.information) === 'double' ? 2 ** -100 : 2 ** -20;
  return engine.maximum(
    engine.maximumOver(variances, [rows]),
    engine.combine([[least, engine.largest(variances)]]),
  );
}

/** What the rule computes on the way, for its adjoint; the state is the one it was applied to. */
export interface SectorTape {
  /** S, R = (D − S)⁻¹ and, where something is kept, Σ_kc. */
  readonly s: Matrices;
  readonly r: Matrices;
  readonly across: Matrices | undefined;
  /** M and αβ (undefined where it is 0), then M D. */
  readonly middle: Vector;
  readonly square: Vector | undefined;
  readonly left: Vector;
}

/** Slopes as the rule sees them, per row of the argument: M and αβ. */
export interface Sector {
  readonly middle: Float64Array;
  readonly product: Float64Array;
}

export function sectorOf(step: NonlinearityStep): Sector {
  return {
    middle: step.lower.map((l, i) => (l + step.upper[i]!) / 2),
    product: step.lower.map((l, i) => l * step.upper[i]!),
  };
}

/** (D − S)⁻¹, or an upper bound of it. */
export type Inversion = (s: Matrices) => { readonly inverse: Matrices; readonly definite: Vector };

export function nonlinearity(
  engine: Engine,
  step: NonlinearityStep,
  state: Matrices,
  d: Vector,
  sector: Sector = sectorOf(step),
  invert: Inversion = (s) => engine.inverse(d, s),
): Updated & { readonly tape: SectorTape } {
  const s = argument(engine, state, step.source);
  const { inverse: r, definite } = invert(s);
  const middle = engine.vector(sector.middle);
  const square = sector.product.some((x) => x !== 0) ? engine.vector(sector.product) : undefined;
  const left = engine.multiply(middle, d);
  const image = engine.throughSector(r, left, square && engine.multiply(square, d));
  if (step.kept.length === 0) {
    return { state: image, definite, tape: { s, r, across: undefined, middle, square, left } };
  }
  const kept = rangesOf(step.kept);
  const across = engine.submatrix(state, kept, rangesOf([step.source]));
  const keptState = engine.add(engine.submatrix(state, kept, kept), engine.congruence(across, r));
  const cross = engine.scaleSides(engine.product(across, r), undefined, left);
  return {
    state: engine.assemble(keptState, cross, image),
    definite,
    tape: { s, r, across, middle, square, left },
  };
}
