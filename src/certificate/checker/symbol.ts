/**
 * Linear maps on a torus, frequency by frequency: W(ω) = Σ_u K_u e^{2πi⟨ω,u⟩/n}. A frequency ω ≠ −ω stands for the pair ±ω; its
 * complex matrices X are written as the real [[Re X, −Im X], [Im X, Re X]], which keeps products and order (⪯).
 */

import { indices } from '../../network/size.ts';
import type { Put } from '../reading/signal.ts';
import { absolute, type Matrix, matrix } from './matrix.ts';
import { exponentOf, gamma, ROOT_ERROR, rootsOfUnity, timesPower } from './numbers.ts';
import { demand } from './refusal.ts';

export type Index = readonly number[];

/** 2 where real matrices of twice the size stand for complex ones. */
export const halves = (omega: Index, sides: Index) =>
  omega.every((w, a) => (2 * w) % sides[a]! === 0) ? 1 : 2;

/** The frequencies of a grid `ratio` times as fine that alias to ω, of pairs ± only one. (With a coarse grid of one sample:
 *  those of a whole torus.) */
export function aliases(omega: Index, sides: Index, ratio: Index): number[][] {
  const fine = sides.map((n, a) => n * ratio[a]!);
  const positionOf = (index: Index) => index.reduce((p, w, a) => p * fine[a]! + w, 0);
  const list = indices(ratio).map((turn) => turn.map((t, a) => omega[a]! + t * sides[a]!));
  return list.filter((alias) => {
    const opposite = alias.map((w, a) => (fine[a]! - w) % fine[a]!);
    return halves(omega, sides) === 2 || positionOf(alias) <= positionOf(opposite);
  });
}

/** Rows that are zero have this scale against the largest. */
const NOTHING = -400;
const MOST_ENTRIES = 2 ** 28;

/** A block matrix of maps: K_u, [rows, columns], by the offset u at which it reads. */
export class Taps {
  /** |computed − exact| ≤ error · magnitude, for real and imaginary parts. */
  error = 0;
  /** F = Σ_u |K_u| ≥ |W(ω)|. */
  readonly #sum: Matrix;
  readonly #taps = new Map<string, { readonly offset: Index; readonly values: Float64Array }>();
  #paired?: Matrix;
  #calls = 0;

  constructor(rows: number, columns: number) {
    this.#sum = matrix(rows, columns);
  }

  get rows(): number {
    return this.#sum.rows;
  }

  /** F for a frequency that is its own opposite, or for a pair, with F in every block. */
  magnitude(h: number): Matrix {
    const { rows, columns, data } = this.#sum;
    this.#paired ??= matrix(2 * rows, 2 * columns, (i, j) => data[(i % rows) * columns + (j % columns)]!);
    return h === 2 ? this.#paired : this.#sum;
  }

  /** Takes entries at an offset, each at most once, of the block that begins at a row and a column. */
  at(offset: Index, top: number, left: number): Put {
    const { columns, data } = this.#sum;
    const key = offset.join();
    const { values } = this.#taps.get(key) ?? { values: new Float64Array(data.length) };
    this.#taps.set(key, { offset, values });
    demand(this.#taps.size * data.length <= MOST_ENTRIES, 'a map of more than 2^28 entries is not covered');
    this.#calls++;
    return (row, column, value, magnitude = Math.abs(value)) => {
      const at = (top + row) * columns + left + column;
      values[at]! += value;
      data[at]! += magnitude;
    };
  }

  /**
   * Row j of the argument is to be multiplied by 2^scale_j. Scales rows likewise, so that their largest entry is in [1, 2), and
   * returns their exponents. @param uncertainty relative error of every entry
   */
  finish(scale: readonly number[], uncertainty: number): number[] {
    const { rows, columns, data } = this.#sum;
    const own = new Array<number>(rows).fill(-Infinity);
    for (const [k, x] of data.entries()) {
      const row = Math.floor(k / columns);
      if (x > 0) own[row] = Math.max(own[row]!, exponentOf(x) + scale[k % columns]!);
    }
    const top = own.reduce((most, e) => Math.max(most, e));
    const nothing = NOTHING + (top > -Infinity ? top : 0);
    const result = own.map((e) => Math.max(e, nothing));
    for (const array of [data, ...[...this.#taps.values()].map((tap) => tap.values)]) {
      for (let i = 0, k = 0; i < rows; i++)
        for (let j = 0; j < columns; j++, k++) array[k] = timesPower(array[k]!, scale[j]! - result[i]!);
    }
    // A phase is a product of at most three roots.
    this.error = 1.001 * (gamma(this.#calls + 4) + uncertainty + 5 * ROOT_ERROR);
    return result;
  }

  /** Largest 2-norm of a row of all K_u side by side, roughly. */
  get size(): number {
    const { rows, columns } = this.#sum;
    const squares = new Float64Array(rows);
    for (const { values } of this.#taps.values())
      for (const [k, x] of values.entries()) squares[Math.floor(k / columns)]! += x * x;
    return Math.sqrt(squares.reduce((most, x) => Math.max(most, x), 0));
  }

  /** ‖K_u‖ from above, but for roundings: at most the Frobenius norm and √(‖K_u‖₁ ‖K_u‖_∞). */
  norms(): { readonly offset: Index; readonly norm: number }[] {
    const frobenius = (x: Float64Array) => Math.sqrt(x.reduce((sum, y) => sum + y * y, 0));
    const largest = (x: Float64Array) => x.reduce((most, y) => Math.max(most, y), 0);
    const { rows, columns, data } = this.#sum;
    const uncertain = this.error * frobenius(data);
    return [...this.#taps.values()].map(({ offset, values }) => {
      const tap = { rows, columns, data: values };
      const byRows = largest(absolute(tap, new Float64Array(columns).fill(1)));
      const byColumns = largest(absolute(tap, new Float64Array(rows).fill(1), true));
      return { offset, norm: Math.min(frobenius(values), Math.sqrt(byRows * byColumns)) + uncertain };
    });
  }

  /** W(ω): [rows, columns], or twice that each way for a pair ±ω. */
  symbol(omega: Index, sides: Index): Matrix {
    const { rows, columns } = this.#sum;
    const [re, im] = [new Float64Array(rows * columns), new Float64Array(rows * columns)];
    for (const { offset, values } of this.#taps.values()) {
      const [cosine, sine] = phase(omega, offset, sides);
      for (let k = 0; k < values.length; k++) {
        re[k]! += values[k]! * cosine;
        im[k]! += values[k]! * sine;
      }
    }
    const h = halves(omega, sides);
    return matrix(h * rows, h * columns, (i, j) => {
      const at = (i % rows) * columns + (j % columns);
      if (i < rows === j < columns) return re[at]!;
      return i < rows ? -im[at]! : im[at]!;
    });
  }
}

const ROOTS = new Map<number, Float64Array>();

/** e^{2πi⟨ω,u⟩/n}: a product of at most three roots. */
function phase(omega: Index, offset: Index, sides: Index): [number, number] {
  let [re, im] = [1, 0];
  for (const [a, n] of sides.entries()) {
    const roots = ROOTS.get(n) ?? rootsOfUnity(n);
    if (ROOTS.size < 64) ROOTS.set(n, roots);
    const k = (((omega[a]! * offset[a]!) % n) + n) % n;
    const [c, s] = [roots[2 * k]!, roots[2 * k + 1]!];
    [re, im] = [re * c - im * s, re * s + im * c];
  }
  return [re, im];
}
