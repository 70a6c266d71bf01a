/**
 * Linear maps on a torus, frequency by frequency: W(ω) = Σ_u K_u e^{2πi⟨ω,u⟩/n}. A frequency ω ≠ −ω stands for the pair ±ω; its
 * complex matrices X are written as the real [[Re X, −Im X], [Im X, Re X]], which keeps products and order (⪯).
 */
import type { Put } from '../../network/signals/signal.ts';
import { product } from '../../network/size.ts';
import { type Matrix, matrix } from './matrix.ts';
import { exponentOf, gamma, powerOfTwo, rootsOfUnity } from './numbers.ts';

export type Index = readonly number[];

/** Calls back for every index vector of a box, in row-major order. */
export function each(sides: Index, visit: (index: number[], position: number) => void): void {
  for (let position = 0; position < product(sides); position++) {
    let rest = position;
    const index = sides.map(() => 0);
    for (let a = sides.length - 1; a >= 0; a--) {
      index[a] = rest % sides[a]!;
      rest = Math.floor(rest / sides[a]!);
    }
    visit(index, position);
  }
}

/** 2 where real matrices of twice the size stand for complex ones. */
export const halves = (omega: Index, sides: Index) =>
  omega.every((w, a) => (2 * w) % sides[a]! === 0) ? 1 : 2;

/** The frequencies of a grid `ratio` times as fine that alias to ω, of pairs ± only one. (With a coarse grid of one sample:
 *  those of a whole torus.) */
export function aliases(omega: Index, sides: Index, ratio: Index): number[][] {
  const fine = sides.map((n, a) => n * ratio[a]!);
  const positionOf = (index: Index) => index.reduce((p, w, a) => p * fine[a]! + w, 0);
  const list: number[][] = [];
  each(ratio, (turn) => {
    const alias = turn.map((t, a) => omega[a]! + t * sides[a]!);
    const opposite = alias.map((w, a) => (fine[a]! - w) % fine[a]!);
    if (halves(omega, sides) === 2 || positionOf(alias) <= positionOf(opposite)) list.push(alias);
  });
  return list;
}

/** Entries of a map that read at the offset u. */
interface Tap {
  readonly offset: Index;
  readonly rows: number[];
  readonly columns: number[];
  readonly values: number[];
}

/** Rows that are zero have this scale against the largest. */
const NOTHING = -400;

/** A block matrix of maps. */
export class Taps {
  /** |computed − exact| ≤ error · magnitude, for real and imaginary parts. */
  error = 0;
  readonly #magnitude: Matrix;
  /** Of the real matrix that stands for a pair: F in every block. */
  #paired?: Matrix;
  readonly #taps = new Map<string, Tap>();
  #calls = 0;

  constructor(rows: number, columns: number) {
    this.#magnitude = matrix(rows, columns);
  }

  get rows(): number {
    return this.#magnitude.rows;
  }

  /** F = Σ_u |K_u| ≥ |W(ω)|, or its like for a pair. */
  magnitude(h: number): Matrix {
    const { rows, columns, data } = this.#magnitude;
    if (h === 1) return this.#magnitude;
    this.#paired ??= matrix(2 * rows, 2 * columns, (i, j) => data[(i % rows) * columns + (j % columns)]!);
    return this.#paired;
  }

  /** Takes entries at an offset, each at most once. */
  at(offset: Index): Put {
    const key = offset.join();
    const tap = this.#taps.get(key) ?? { offset, rows: [], columns: [], values: [] };
    this.#taps.set(key, tap);
    this.#calls++;
    const { columns, data } = this.#magnitude;
    return (row, column, value, magnitude = Math.abs(value)) => {
      if (magnitude === 0) return;
      tap.rows.push(row);
      tap.columns.push(column);
      tap.values.push(value);
      data[row * columns + column]! += magnitude;
    };
  }

  /**
   * Row j of the argument is to be multiplied by 2^scale_j. Scales rows likewise, so that their largest entry is in [1, 2), and
   * returns their exponents. @param uncertainty relative error of every entry times its phase
   */
  finish(scale: readonly number[], uncertainty: number): number[] {
    const { rows, columns, data } = this.#magnitude;
    const own = Array.from({ length: rows }, (_, i) =>
      scale.reduce((most, e, j) => {
        const x = data[i * columns + j]!;
        return x === 0 ? most : Math.max(most, exponentOf(x) + e);
      }, -Infinity),
    );
    const top = Math.max(...own.filter((e) => e > -Infinity));
    const result = own.map((e) => (e > -Infinity ? e : (top > -Infinity ? top : 0) + NOTHING));
    const factor = (row: number, column: number) => powerOfTwo(scale[column]! - result[row]!);
    for (const k of data.keys()) data[k]! *= factor(Math.floor(k / columns), k % columns);
    for (const { rows: at, columns: from, values } of this.#taps.values()) {
      for (const k of values.keys()) values[k]! *= factor(at[k]!, from[k]!);
    }
    this.error = 1.001 * (gamma(this.#calls + 4) + uncertainty);
    return result;
  }

  /** W(ω): [rows, columns], or twice that each way for a pair ±ω. */
  symbol(omega: Index, sides: Index): Matrix {
    const h = halves(omega, sides);
    const { rows: m, columns: n } = this.#magnitude;
    const result = matrix(h * m, h * n);
    const { columns: width, data: w } = result;
    for (const { offset, rows, columns, values } of this.#taps.values()) {
      const [re, im] = phase(omega, offset, sides);
      for (let k = 0; k < values.length; k++) {
        const at = rows[k]! * width + columns[k]!;
        w[at]! += values[k]! * re;
        if (h === 2) w[at + m * width]! += values[k]! * im;
      }
    }
    for (let i = 0; h === 2 && i < m; i++) {
      for (let j = 0; j < n; j++) {
        const [upper, lower] = [i * width + j, (i + m) * width + j];
        w[lower + n] = w[upper]!;
        w[upper + n] = -w[lower]!;
      }
    }
    return result;
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
