/** A softmax at the end of a network, in the norms of what follows it. */
import type { Norm } from './norm.ts';

/** Of one that every entry is in: whether its logarithm is taken, and the entries of its largest group. */
export interface Ending {
  readonly logarithm: boolean;
  readonly size: number;
}

/**
 * What it multiplies changes with, at most, in the same norm before and behind it: norms of Jacobians. diag p − p pᵀ is symmetric, its rows have
 * sums of moduli 2 p (1 − p) ≤ ½. I − 1 pᵀ has rows of 2 (1 − p) and columns of 1 + (n − 2) p.
 */
export function endingFactor(norm: Norm, { logarithm, size }: Ending): number {
  if (!logarithm) return 0.5;
  return norm === '2' ? Math.sqrt(size) : norm === 'inf' ? 2 : Math.max(1, size - 1);
}
