/** The incremental quadratic constraint of elementwise functions. */
import { broadcast } from '../network/size.ts';
import { combination, type Form } from './form.ts';
import type { MatrixInequality } from './program.ts';

/** Slopes of neurons: one interval each, or one for all. */
export interface Slopes {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Subtracts 2 Σ λ_i (β_i y_i − φ_i)(φ_i − α_i y_i). */
export function constrain(
  inequality: MatrixInequality,
  multipliers: readonly number[],
  y: readonly Form[],
  phi: readonly Form[],
  { lower, upper }: Slopes,
): void {
  for (const [i, multiplier] of multipliers.entries()) {
    const above = combination([broadcast(upper, i), -1], [y[i]!, phi[i]!]);
    const below = combination([1, -broadcast(lower, i)], [phi[i]!, y[i]!]);
    inequality.add(multiplier, -2, above, below);
  }
}
