/** The one tap of a fully connected layer: its weights as they lie, scaled when somebody wants them. */
import type { Precision } from '../../engine/precision.ts';
import { mapped, type Numbers } from '../../network/numbers.ts';
import type { Tap } from '../../spectrum/frequencies.ts';
import { scaleOf, type Taps } from '../../spectrum/taps.ts';

/** As `Taps`, of a matrix that is the weights of one layer. */
export class DenseTaps implements Taps {
  readonly rows: number;
  readonly columns: number;
  readonly taps: readonly Tap[] = [{ offset: [], extent: [] }];
  readonly exponent: number;
  readonly magnitudes?: Float64Array;
  readonly vanishes: boolean;
  readonly #weight: Numbers;
  readonly #factors: readonly [number, number];

  /**
   * @param weight [rows, columns]
   * @param magnitude as of `Affine`
   */
  constructor(weight: Numbers, columns: number, magnitude: Float64Array | undefined) {
    this.rows = weight.length / columns;
    this.columns = columns;
    this.#weight = weight;
    const uncertain = magnitude?.some((most, k) => most > Math.abs(weight[k]!)) ? magnitude : undefined;
    const { exponent, factors, vanishes } = scaleOf([weight], uncertain ? [uncertain] : []);
    this.exponent = exponent;
    this.#factors = factors;
    this.vanishes = vanishes;
    if (uncertain) this.magnitudes = mapped(uncertain, (most) => most * factors[0] * factors[1]);
  }

  /** Made anew at every call, as it may be larger than all that is computed of it. */
  get matrices(): Float64Array {
    return this.slice(0, this.columns) as Float64Array;
  }

  /** Columns first … end − 1 of the matrix, as they are or rounded to float32. */
  slice(first: number, end: number, precision: Precision = 'double'): Float64Array | Float32Array {
    const [weight, [one, other], { rows, columns }] = [this.#weight, this.#factors, this];
    const size = rows * (end - first);
    const out = precision === 'single' ? new Float32Array(size) : new Float64Array(size);
    for (let r = 0, n = 0; r < rows; r++) {
      const row = r * columns;
      for (let c = first; c < end; c++) out[n++] = weight[row + c]! * one * other;
    }
    return out;
  }
}
