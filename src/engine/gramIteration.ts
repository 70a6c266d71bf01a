/**
 * What rounding does to Gram iteration in float32 (docs/soundness.md): squares P Pᴴ are off by no more than `epsilon` ‖P‖_F² in the
 * Frobenius norm, whatever the order of their sums, and what is computed of Frobenius norms is within the factor `margin`, as is the rest.
 */
import { unitRoundoffs } from './precision.ts';

export interface GramErrors {
  readonly epsilon: number;
  readonly margin: number;
}

/** Operations besides: roots, which a device may have wrong by a few units, products, and underflow against norms of at least 1. */
const OTHERS = 64;

/**
 * @param additions that a number goes through on its way into a square of a Frobenius norm
 * @param n at most 16,384: beyond it Frobenius norms may overflow, and bounds be infinite
 */
export function gramErrors(n: number, complex: boolean, additions: number): GramErrors {
  const gamma = (operations: number) => {
    const total = operations * unitRoundoffs.single;
    return total < 1 ? total / (1 - total) : Number.POSITIVE_INFINITY;
  };
  const margin = 1 + gamma(additions + OTHERS);
  // Each component of a complex entry is a sum of 2 n products, at most |P| |P|ᵀ in total.
  const products = complex ? Math.SQRT2 * gamma(2 * n + 2) : gamma(n + 2);
  return { epsilon: products * margin, margin };
}
