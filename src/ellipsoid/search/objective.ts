/** What the search over multipliers minimises. */

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
