/**
 * Bounds on rounding errors (docs/mathematics.md §6; Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapters 3 and 10).
 *
 * The recursion is monotone in the Löwner order, so a computed covariance may be replaced by any upper bound of it. An error of
 * which |E_ij| ≤ F_ij is known, F symmetric, is below diag(F 1): what is added to diagonals here. What is assumed of an engine, whose
 * unit roundoff u it tells: sums and products are within u of the exact ones, in whatever order, fused or not; what would be subnormal
 * may become 0; divisions and square roots are within 4u. docs/soundness.md has the proofs.
 */
import type { EngineInformation } from '../../engine/engine.ts';
import { precisionOf, unitRoundoffs } from '../../engine/precision.ts';

/** Covers the rounding of the error bounds themselves: sums of nonnegative terms. */
export const SLACK = 1.05;
/** Longest sum times u that SLACK covers. */
const LARGEST_GAMMA = 0.04;
const DOUBLE = unitRoundoffs.double;

export class Rounding {
  readonly unit: number;
  readonly #single: boolean;
  /** Relative error of a weight that a network hands over (float64 arithmetic of folded scales), and of its conversion. */
  readonly weights: number;
  /** What products of numbers of ordinary size may lose by underflow, per term. */
  readonly #underflow: number;
  /** Relative errors of 2^−53 in a weight that a network hands over. */
  readonly foldings: number;

  /** @param foldings see `foldingsOf` */
  constructor(information: EngineInformation, foldings: number) {
    const { unitRoundoff } = information;
    this.#single = precisionOf(information) === 'single';
    this.foldings = foldings;
    this.unit = unitRoundoff;
    this.weights = 2 * foldings * DOUBLE + (this.#single ? unitRoundoff : 0);
    this.#underflow = this.#single ? 2 ** -116 : 2 ** -1000;
  }

  /** Bounds for the same network on another engine. */
  on(information: EngineInformation): Rounding {
    return new Rounding(information, this.foldings);
  }

  /** γ_k = k u / (1 − k u): the relative error, against the sum of moduli, of a sum of products that takes k operations. NaN, which
   *  spoils whatever it touches, where that says nothing. */
  gamma(operations: number): number {
    const total = operations * this.unit;
    return total <= LARGEST_GAMMA ? total / (1 - total) : NaN;
  }

  /** γ of each component of a sum of n products, of complex numbers if so. */
  product(n: number, complex: boolean): number {
    return this.gamma((complex ? 2 * n : n) + 2);
  }

  /** k u of the bounds on Cholesky's algorithm: factorisation, inversion of the factor, product. */
  cholesky(n: number, complex: boolean): number {
    return (complex ? 8 : 4) * (n + 8) * this.unit * SLACK;
  }

  /** What each of `terms` products may lose by underflow, against the largest factors. */
  floor(terms: number): number {
    return this.#underflow * (terms + 1);
  }

  /** Factor from an engine's `spectralRadius` to a bound: what multiplying by it may lose. Engines account for their own rounding. */
  get radius(): number {
    return 1 + 4 * this.unit;
  }

  /** Whether a residual has to be computed: in float64 what is known beforehand of Cholesky's algorithm suffices. */
  get coarse(): boolean {
    return this.#single;
  }
}
