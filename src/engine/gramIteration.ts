/**
 * What rounding does to Gram iteration in float32 (docs/soundness.md): squares Pᴴ P are off by no more than `epsilon` min(‖P‖_F², ‖P‖_1²) in
 * the spectral norm, whatever the order of their sums, when that is computed from P as it is; what is computed of these norms is within
 * the factor `margin`, and what follows from them within `slack`.
 */
import { unitRoundoffs } from './precision.ts';

export interface GramErrors {
  readonly epsilon: number;
  readonly margin: number;
  readonly slack: number;
}

/** Operations besides: roots, which a device may have wrong by a few units, products, and underflow against norms of at least 1. */
const OTHERS = 64;

/**
 * @param rows of P whose products are summed up in one go
 * @param sums of so many rows that are added up, each stored before
 * @param additions that a number goes through on its way into a norm, or the square of one
 */
export function gramErrors(rows: number, sums: number, complex: boolean, additions: number): GramErrors {
  const gamma = (operations: number) => {
    const total = operations * unitRoundoffs.single;
    return total < 1 ? total / (1 - total) : Number.POSITIVE_INFINITY;
  };
  const margin = 1 + gamma(additions + OTHERS);
  // Each component of a complex entry is a sum of 2 products for every row, at most |P|ᵀ |P| in total.
  const products = complex ? Math.SQRT2 * gamma(2 * rows + 1 + sums) : gamma(rows + 1 + sums);
  return { epsilon: products * margin ** 2, margin, slack: 1 + gamma(OTHERS) };
}

/** Squarings until n^(1/2^(k+1)) < 1 + tolerance: then the Frobenius norm of the last power says its spectral norm as exactly. */
export function squaringsFor(n: number, tolerance: number): number {
  return n === 1 ? 0 : Math.max(0, Math.ceil(Math.log2(Math.log(n) / Math.log1p(tolerance))) - 1);
}
