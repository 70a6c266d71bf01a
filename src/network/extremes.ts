/** Extremes of lists of any length: `Math.max(...list)` overflows the stack where a list is as long as a tensor. */

/** −∞ of nothing, NaN where there is one. */
export function largest(values: Iterable<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/** ∞ of nothing, NaN where there is one. */
export function smallest(values: Iterable<number>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const value of values) least = Math.min(least, value);
  return least;
}
