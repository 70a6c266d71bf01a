/** Margin bounds from output covariances: L_ij² = (e_i − e_j)ᵀ Σ (e_i − e_j) (math.md §0). */
import type { Outcome } from '../ellipsoid/sweep.ts';
import { isLess, type Scaled, scaled, squareRoot, times, toNumber } from '../scaled.ts';

/** Outputs beyond this many have no table of margins. */
const MOST_OUTPUTS = 256;

/**
 * For every pair of outputs the least bound that any covariance gives, and √2 times `bound`, which holds for all pairs.
 * Undefined where there is no pair or no table.
 */
export function marginBounds(outputs: number, outcomes: readonly Outcome[], bound: Scaled): number[][] | undefined {
  if (!(outputs >= 2 && outputs <= MOST_OUTPUTS)) return undefined;
  const ceiling = times(bound, scaled(Math.SQRT2));
  const least = (i: number, j: number): number => {
    let best = ceiling;
    for (const { covariance, squared } of outcomes) {
      if (!covariance || Number.isNaN(squared.mantissa)) continue;
      const { matrix, exponent } = covariance;
      const at = (r: number, c: number) => matrix[r * outputs + c]!;
      const value = squareRoot(scaled(Math.max(0, at(i, i) + at(j, j) - 2 * at(i, j)), exponent));
      if (isLess(value, best)) best = value;
    }
    return toNumber(best) ?? Infinity;
  };
  return Array.from({ length: outputs }, (_, i) =>
    Array.from({ length: outputs }, (_, j) => (i === j ? 0 : least(i, j))),
  );
}
