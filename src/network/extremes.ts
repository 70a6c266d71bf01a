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

/** The largest modulus: 0 of nothing, NaN where there is one. */
export function largestModulus(values: ArrayLike<number>): number {
  let most = 0;
  for (let k = 0; k < values.length; k++) {
    const size = Math.abs(values[k]!);
    // NaN comes, and stays.
    if (size > most || Number.isNaN(size)) most = size;
  }
  return most;
}
