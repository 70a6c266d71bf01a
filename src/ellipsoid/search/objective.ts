/** What the search over multipliers minimises. */
import type { Engine, Matrices } from '../../engine/engine.ts';
import { type SmoothMaximum, total } from '../rules/smoothMaximum.ts';

export type Objective =
  /** L: the largest eigenvalue of Σ_out, smoothed. */
  | { readonly kind: 'radius' }
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
