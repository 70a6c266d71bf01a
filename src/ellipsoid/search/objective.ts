/** What the search over multipliers minimises. */
import type { Engine, Matrices, Vector } from '../../engine/engine.ts';
import { type SmoothMaximum, total } from '../rules/smoothMaximum.ts';

export type Objective =
  /** L: the largest eigenvalue of Σ_out, smoothed. */
  | { readonly kind: 'radius' }
  /** The largest √Σ_ii of a vector output, smoothed. */
  | { readonly kind: 'entries' }
  /** √Σ w_i Σ_ii of a vector output, w_i ≥ 0. */
  | { readonly kind: 'diagonal'; readonly weights: Float64Array }
  /** √tr(C Σ_out) for a vector output and a positive semidefinite C [outputs, outputs]. */
  | { readonly kind: 'trace'; readonly matrix: Float64Array };

/** The bound on output i minus output j. */
export function difference(outputs: number, i: number, j: number): Objective {
  const matrix = new Float64Array(outputs * outputs);
  matrix[i * outputs + i] = 1;
  matrix[j * outputs + j] = 1;
  matrix[i * outputs + j] = -1;
  matrix[j * outputs + i] = -1;
  return { kind: 'trace', matrix };
}

/** All pairs at once: the root of the sum of L_ij² over i < j, since Σ (e_i − e_j)(e_i − e_j)ᵀ = n I − 11ᵀ. */
export function allDifferences(outputs: number): Objective {
  const matrix = new Float64Array(outputs * outputs).fill(-1);
  for (let i = 0; i < outputs; i++) matrix[i * outputs + i] = outputs - 1;
  return { kind: 'trace', matrix };
}

/** tr(C Σ) in the form of a `SmoothMaximum` without a majorant: t = 1. */
export function linearFunctional(
  engine: Engine,
  state: Matrices,
  matrix: Float64Array,
): Pick<SmoothMaximum, 'radius' | 'trace' | 'power'> {
  const c = engine.matrices(matrix, 1, state.rows, state.rows, false);
  const value = total(engine, engine.diagonalSum(engine.product(c, state)));
  return { radius: value, trace: engine.vector([1]), power: c };
}

/** As `smoothMaximum`, of the entries of the diagonal: max Σ_ii ≤ (Σ Σ_ii^p)^{1/p}, p = 2^doublings. */
export function smoothLargestEntry(
  engine: Engine,
  state: Matrices,
  doublings: number,
): Pick<SmoothMaximum, 'radius' | 'trace' | 'power'> {
  const variances = engine.diagonal(state);
  const radius = engine.largest(variances);
  let square: Vector = engine.multiply(variances, engine.reciprocal(radius));
  // x^{p−1} = x · x² · x⁴ ⋯
  let power = square;
  for (let k = 1; k < doublings; k++) {
    square = engine.multiply(square, square);
    power = engine.multiply(power, square);
  }
  const trace = total(engine, engine.multiply(square, square));
  return { radius, trace, power: engine.diagonalMatrix(power, false) };
}

/** Σ w_i Σ_ii, as `linearFunctional`. */
export function diagonalFunctional(
  engine: Engine,
  state: Matrices,
  weights: Float64Array,
): Pick<SmoothMaximum, 'radius' | 'trace' | 'power'> {
  const each = engine.vector(weights);
  const radius = total(engine, engine.multiply(each, engine.diagonal(state)));
  return { radius, trace: engine.vector([1]), power: engine.diagonalMatrix(each, false) };
}
