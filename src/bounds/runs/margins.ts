/** Margin bounds from output covariances: L_ij² = (e_i − e_j)ᵀ Σ (e_i − e_j) (docs/mathematics.md §0). */

import type { Outcome } from '../../ellipsoid/sweep/sweep.ts';
import type { Program } from '../../program/program.ts';
import { isLess, roundedUp, type Scaled, scaled, squareRoot, times, toNumber } from '../../scaled.ts';

/** Outputs beyond this many have no table of margins. */
export const MOST_OUTPUTS = 256;

/** What cancels in the difference of nearly equal outputs is rounding: allowed for, relative to the variances. */
const CANCELLATION = 2 ** -48;

/** Whether an outcome has the covariance of the output's entries: not where a signal is only flattened at the end, whose bound is one per frequency. */
export function hasEntries({ output, segments }: Program): boolean {
  return segments.at(-1)?.axes === 0 && output.window.length === 0;
}

/** The bound on output i minus output j; NaN where the outcome has none. */
export function marginOf({ covariance, squared }: Outcome, outputs: number, i: number, j: number): Scaled {
  if (!covariance || Number.isNaN(squared.mantissa)) return scaled(NaN);
  const { matrix, exponent } = covariance;
  return squareRoot(scaled(squaredMargin(matrix, outputs, i, j), exponent));
}

/** The root of the sum of squares of all margins; NaN where the outcome has none. */
export function allMarginsOf({ covariance, squared }: Outcome, outputs: number): Scaled {
  if (!covariance || Number.isNaN(squared.mantissa)) return scaled(NaN);
  const { matrix, exponent } = covariance;
  let sum = 0;
  for (let i = 0; i < outputs; i++) for (let j = 0; j < i; j++) sum += squaredMargin(matrix, outputs, i, j);
  return squareRoot(scaled(sum, exponent));
}

function squaredMargin(matrix: Float64Array, outputs: number, i: number, j: number): number {
  const at = (r: number, c: number) => matrix[r * outputs + c]!;
  return Math.max(0, at(i, i) + at(j, j) - 2 * at(i, j)) + CANCELLATION * (at(i, i) + at(j, j));
}

/** Bounds of all margins. */
export interface MarginTable {
  /** [i][j]: of output i minus output j, symmetric. */
  readonly bounds: readonly (readonly number[])[];
  /** The outcomes that some of them are from. */
  readonly used: ReadonlySet<Outcome>;
}

/**
 * For every pair of outputs the least bound that any outcome gives, and √2 times `bound`, which holds for all pairs.
 * Undefined where there is no pair or no table.
 * @param factor of what the outcomes say
 */
export function marginBounds(
  outputs: number,
  outcomes: readonly Outcome[],
  bound: Scaled,
  factor = 1,
): MarginTable | undefined {
  if (!(outputs >= 2 && outputs <= MOST_OUTPUTS)) return undefined;
  const ceiling = roundedUp(times(bound, scaled(Math.SQRT2)));
  const used = new Set<Outcome>();
  const bounds = Array.from({ length: outputs }, () => new Array<number>(outputs).fill(0));
  for (let i = 0; i < outputs; i++) {
    for (let j = 0; j < i; j++) {
      let best: { readonly value: Scaled; readonly outcome?: Outcome } = { value: ceiling };
      for (const outcome of outcomes) {
        const value = roundedUp(times(marginOf(outcome, outputs, i, j), scaled(factor)));
        if (isLess(value, best.value)) best = { value, outcome };
      }
      if (best.outcome) used.add(best.outcome);
      const number = toNumber(best.value) ?? Infinity;
      bounds[i]![j] = number;
      bounds[j]![i] = number;
    }
  }
  return { bounds, used };
}
