/**
 * The one lemma that every matrix inequality here rests on. For symmetric A and any nonsingular N:
 *
 *     ‖I − N A Nᵀ‖ ≤ η < 1   implies   A ≻ 0   and   A⁻¹ ⪯ Nᵀ N / (1 − η).
 *
 * Proof: N A Nᵀ ⪰ (1 − η) I ≻ 0, so A ≻ 0 and N⁻ᵀ A⁻¹ N⁻¹ = (N A Nᵀ)⁻¹ ⪯ I / (1 − η). ∎
 * N comes from Cholesky's factorisation, but nothing depends on how good that was.
 */
import { absoluteTimes, inverseFactor, product } from './kernels.ts';
import { gamma, up } from './numbers.ts';

/** Entries of states and factors beyond this are refused: all that underflow can do to a sum is then below `TINY`. */
export const LARGEST = 2 ** 220;
export const TINY = 2 ** -500;

export interface Positive {
  /** N, lower triangular with a positive diagonal: [n, n]. */
  readonly factor: Float64Array;
  /** Not below 1 / (1 − η). */
  readonly excess: number;
}

/**
 * Proof that a ≻ 0 for every symmetric matrix whose entries off the diagonal are those of `a` and on it within a relative
 * error of U; undefined where there is none.
 */
export function positive(a: Float64Array, n: number): Positive | undefined {
  const factor = inverseFactor(a, n);
  if (!factor) return undefined;
  const half = product(factor, a, [n, n, n], { a: 'lower' });
  const whitened = product(half, factor, [n, n, n], { b: 'lower', symmetric: true });
  // |computed − N A Nᵀ| ≤ (2 γ_n + γ_n² + U) |N| |A| |N|ᵀ, by its row sums.
  const sums = absoluteTimes(factor, n, n, new Float64Array(n).fill(1), true);
  const bound = absoluteTimes(factor, n, n, absoluteTimes(a, n, n, sums));
  let eta = 0;
  for (let i = 0; i < n; i++) {
    let row = gamma(2 * n + 4) * bound[i]!;
    for (let j = 0; j < n; j++) row += Math.abs((i === j ? 1 : 0) - whitened[i * n + j]!);
    // Rows after rows: ‖ · ‖₂ ≤ ‖ · ‖_∞ for symmetric matrices. NaN fails.
    if (!(row < 0.5) || !(sums[i]! < LARGEST) || !(factor[i * n + i]! > 0)) return undefined;
    eta = Math.max(eta, row);
  }
  return { factor, excess: up(1 / (1 - (1.001 * eta + TINY))) };
}
