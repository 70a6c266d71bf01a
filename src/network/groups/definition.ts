/** What is known of a function of a group of entries, and the words in which it is said. */
import { largestModulus } from '../extremes.ts';

/**
 * A function of n entries at once, into as many or into one, that is L-Lipschitz in ℓ2: ‖φ(x) − φ(y)‖₂ ≤ L ‖x − y‖₂. That is all that bounds
 * ask of it; docs/soundness.md proves the constants. `F` is its name and its parameters, all of them finite numbers.
 */
export interface GroupDefinition<F extends { readonly name: string }> {
  /** Parameters that show every case of this record. Tests go through them. */
  readonly examples: readonly [F, ...F[]];
  /** What is wrong with the parameters, if anything is: what must hold, and what was got. */
  fault?(f: F): readonly [rule: string, got: number] | undefined;
  /** Whether the image of a group is one number, not a number for each entry. */
  readonly scalar: boolean;
  /** L for groups of n entries, rounded up. */
  lipschitz(f: F, n: number): number;
  /**
   * A σ such that φ is L-Lipschitz in every norm (Σ x_i²/d_i)^½ with max d ≤ σ min d as well; absent: 1, in ℓ2 alone. Where it is more than
   * 1, slopes J also have wᵀJSJᵀw ≤ L² max(wᵀSw, λ_max(S) ‖w‖² / `WHOLE_SPREAD`) for every positive semidefinite S.
   */
  spread?(f: F): number;
  value(f: F, x: Float64Array): Float64Array;
  /** The derivative at x; where there is none, that of one of the pieces that meet there. */
  differentiate(f: F, x: Float64Array): GroupDifferential;
  /** By how much entries of a computed value may be off, at most. */
  error(f: F, x: Float64Array): number;
}

/** See `GroupDefinition.spread`. */
export const WHOLE_SPREAD = 4;

/** A derivative, as its products. */
export interface GroupDifferential {
  push(dx: Float64Array): Float64Array;
  /** The transpose. */
  pull(u: Float64Array): Float64Array;
}

/** Of functions with a symmetric Jacobian. */
export function symmetric(product: (dx: Float64Array) => Float64Array): GroupDifferential {
  return { push: product, pull: product };
}

/** Of functions into one number: its gradient. */
export function gradient(g: Float64Array): GroupDifferential {
  return { push: (dx) => Float64Array.of(inner(g, dx)), pull: ([u]) => g.map((x) => u! * x) };
}

export function inner(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

/** ‖x‖₂, also of numbers whose squares leave float64. */
export function length(x: Float64Array): number {
  const most = largestModulus(x);
  if (!(most > 0 && most < Infinity)) return most;
  let sum = 0;
  for (const value of x) sum += (value / most) ** 2;
  return most * Math.sqrt(sum);
}

/** Unit roundoff of float64. */
export const U = 2 ** -53;

/** A number that a few correctly rounded operations have made, from above. */
export function above(value: number): number {
  return value * (1 + 8 * U);
}
