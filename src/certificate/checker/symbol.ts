/**
 * Linear maps on a torus, frequency by frequency: W(ω) = Σ_u K_u e^{2πi⟨ω,u⟩/n}. A frequency ω ≠ −ω stands for the pair ±ω; its
 * complex matrices X are written as the real [[Re X, −Im X], [Im X, Re X]], which keeps products and order (⪯).
 */
import { exponentOf, gamma, powerOfTwo, rootsOfUnity } from './numbers.ts';
import { demand } from './refusal.ts';

export type Index = readonly number[];

/** Calls back for every index vector of a box, in row-major order. */
export function each(sides: Index, visit: (index: number[], position: number) => void): void {
  const total = sides.reduce((p, n) => p * n, 1);
  for (let position = 0; position < total; position++) {
    let rest = position;
    const index = sides.map(() => 0);
    for (let a = sides.length - 1; a >= 0; a--) {
      index[a] = rest % sides[a]!;
      rest = Math.floor(rest / sides[a]!);
    }
    visit(index, position);
  }
}

const opposite = (omega: Index, sides: Index) => omega.map((w, a) => (sides[a]! - w) % sides[a]!);
const positionOf = (omega: Index, sides: Index) => omega.reduce((p, w, a) => p * sides[a]! + w, 0);

/** 2 where real matrices of twice the size stand for complex ones. */
export const halves = (omega: Index, sides: Index) =>
  omega.every((w, a) => (2 * w) % sides[a]! === 0) ? 1 : 2;

/** The frequencies of a grid `ratio` times as fine that alias to ω, of pairs ± only one. (With a coarse grid of one sample:
 *  those of a whole torus.) */
export function aliases(omega: Index, sides: Index, ratio: Index): number[][] {
  const fine = sides.map((n, a) => n * ratio[a]!);
  const own = halves(omega, sides) === 1;
  const list: number[][] = [];
  each(ratio, (turn) => {
    const alias = turn.map((t, a) => omega[a]! + t * sides[a]!);
    if (!own || positionOf(alias, fine) <= positionOf(opposite(alias, fine), fine)) list.push(alias);
  });
  return list;
}

/** Entries of a map by the offset u at which they read. */
interface Tap {
  readonly offset: Index;
  readonly rows: number[];
  readonly columns: number[];
  readonly values: number[];
}

/** A block matrix of maps, [rows, columns]; the true map is 2^exponent times what `symbol` gives. */
export class Taps {
  readonly rows: number;
  readonly columns: number;
  /** Σ_u |K_u|, which bounds |W(ω)|. */
  readonly magnitude: Float64Array;
  exponent = 0;
  /** |computed − exact| ≤ error · magnitude, for real and imaginary parts. */
  error = 0;
  readonly #taps = new Map<string, Tap>();
  readonly #additions: Int32Array;

  constructor(rows: number, columns: number) {
    this.rows = rows;
    this.columns = columns;
    this.magnitude = new Float64Array(rows * columns);
    this.#additions = new Int32Array(rows * columns);
  }

  /** Takes entries at an offset. */
  at(offset: Index): (row: number, column: number, value: number, magnitude: number) => void {
    const key = offset.join();
    const tap = this.#taps.get(key) ?? { offset, rows: [], columns: [], values: [] };
    this.#taps.set(key, tap);
    return (row, column, value, magnitude) => {
      if (magnitude === 0) return;
      tap.rows.push(row);
      tap.columns.push(column);
      tap.values.push(value);
      this.magnitude[row * this.columns + column]! += magnitude;
      this.#additions[row * this.columns + column]! += 1;
    };
  }

  /** Scales by the power of two that brings row sums of the magnitude below 2. @param uncertainty relative error of every
   *  entry times its phase */
  finish(uncertainty: number): void {
    let [largest, additions] = [0, 0];
    for (let i = 0; i < this.rows; i++) {
      const row = this.magnitude.subarray(i * this.columns, (i + 1) * this.columns);
      largest = Math.max(
        largest,
        row.reduce((sum, x) => sum + x, 0),
      );
    }
    for (const count of this.#additions) additions = Math.max(additions, count);
    demand(
      largest === 0 || (largest > 2 ** -400 && largest < 2 ** 400),
      'weights beyond 1e±120 are not covered',
    );
    this.exponent = largest === 0 ? 0 : exponentOf(largest);
    const factor = powerOfTwo(-this.exponent);
    for (const k of this.magnitude.keys()) this.magnitude[k]! *= factor;
    for (const { values } of this.#taps.values()) for (const k of values.keys()) values[k]! *= factor;
    this.error = 1.001 * (gamma(additions + 4) + uncertainty);
  }

  /** W(ω): [rows, columns], or twice that each way for a pair ±ω. */
  symbol(omega: Index, sides: Index): Float64Array {
    const h = halves(omega, sides);
    const width = h * this.columns;
    const w = new Float64Array(h * this.rows * width);
    for (const { offset, rows, columns, values } of this.#taps.values()) {
      const [re, im] = phase(omega, offset, sides);
      for (let k = 0; k < values.length; k++) {
        const at = rows[k]! * width + columns[k]!;
        w[at]! += values[k]! * re;
        if (h === 2) w[at + this.rows * width]! += values[k]! * im;
      }
    }
    for (let i = 0; h === 2 && i < this.rows; i++) {
      for (let j = 0; j < this.columns; j++) {
        const [upper, lower] = [i * width + j, (i + this.rows) * width + j];
        w[lower + this.columns] = w[upper]!;
        w[upper + this.columns] = -w[lower]!;
      }
    }
    return w;
  }
}

const ROOTS = new Map<number, Float64Array>();

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
