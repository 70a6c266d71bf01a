/**
 * Signals of any length: what is shown at the frequencies of a grid, made to hold between them. There what lives, V f with
 * Cov f ⪯ c I, is compared with its chord between neighbouring frequencies, an angle h apart. Of a map W behind it
 *
 *     ‖W V − chord‖ ≤ ε = ⅛ Σ_axes (h² ‖∂²W‖ ‖V‖ + 2 h ‖∂W‖ ‖∂V‖),     ‖∂ʲW‖ ≤ Σ_u |u − u₀|ʲ ‖K_u‖ for any u₀,
 *
 * and for any τ > 0 the covariance (1 + τ) S + (1 + 1/τ) ε² c I instead of S = W Cov Wᴴ holds between them too (docs/certificate.md).
 */
import type { Index, Taps } from './symbol.ts';

/** τ and (1 + 1/τ) ε² c. */
export interface Gap {
  readonly stretch: number;
  readonly share: number;
}

/** Covers the roundings of sums of positive numbers here. */
const UP = 1 + 2 ** -30;

export class Chord {
  /** ‖V‖ and, axis by axis, h ‖∂V‖. */
  #norm = 1;
  #slopes: readonly number[];
  #limit: number;

  /** Starts as the chord of f itself: V = I. @param limit c */
  constructor(limit: number, axes: number) {
    this.#limit = limit;
    this.#slopes = new Array<number>(axes).fill(0);
  }

  /** Behind a nonlinearity that makes of Cov f at most κ Cov f, where V grows by a factor at most `growth`, and whose results, with
   *  a covariance of at most `image`, join f. */
  join(kappa: number, growth: number, image: number): void {
    this.#limit = UP * (kappa * this.#limit + image);
    this.#norm = UP * Math.max(1, growth * this.#norm);
    this.#slopes = this.#slopes.map((x) => UP * growth * x);
  }

  /** Goes on behind a map from a grid of these sides; says what its covariance needs. */
  through(taps: Taps, sides: Index): Gap | undefined {
    const norms = taps.norms();
    const sum = (weight: (offset: Index) => number) =>
      UP * norms.reduce((s, { offset, norm }) => s + weight(offset) * norm, 0);
    const total = sum(() => 1);
    const axes = sides.map((n, a) => {
      const width = UP * (6.283185307179588 / n);
      const centre = total > 0 ? sum((u) => u[a]!) / total : 0;
      const first = width * sum((u) => Math.abs(u[a]! - centre));
      const second = width * width * sum((u) => (u[a]! - centre) * (u[a]! - centre));
      return { slope: this.#slopes[a]!, first, second };
    });
    const epsilon =
      (UP * axes.reduce((s, { slope, first, second }) => s + second * this.#norm + 2 * first * slope, 0)) / 8;
    // Of exactly 0 nothing has to be made good; what is no number, or infinite, goes on to where nothing is proven by it.
    const stretch = epsilon === 0 ? 0 : epsilon / (2 * taps.size * this.#norm);
    const noise = epsilon === 0 ? 0 : UP * Math.sqrt(1 + 1 / stretch) * epsilon;
    const gap = { stretch, share: UP * noise * noise * this.#limit };
    this.#slopes = axes.map(({ slope, first }) => UP * (first * this.#norm + total * slope));
    // What is added counts as one more increment, independent of all.
    const norm = total * this.#norm;
    this.#norm = UP * Math.sqrt(norm * norm + noise * noise);
    this.#limit *= UP * (1 + stretch);
    return epsilon === 0 ? undefined : gap;
  }
}
