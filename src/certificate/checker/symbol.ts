/**
 * Linear maps between signals on a torus, frequency by frequency: W(ω) = Σ_u K_u e^{2πi⟨ω,u⟩/n}. Frequencies with ω ≠ −ω
 * stand for the pair ±ω, whose complex matrices X are written as the real [[Re X, −Im X], [Im X, Re X]]; products and order
 * (⪯) carry over.
 */
import { exponentOf, gamma, powerOfTwo, rootsOfUnity } from './numbers.ts';
import { demand } from './refusal.ts';

export type Index = readonly number[];

/** Calls back for every index vector of a box, in row-major order. */
export function each(sides: Index, visit: (index: number[], position: number) => void): void {
  const total = sides.reduce((p, n) => p * n, 1);
  for (let position = 0; position < total; position++) {
    const index = new Array<number>(sides.length);
    let rest = position;
    for (let a = sides.length - 1; a >= 0; a--) {
      index[a] = rest % sides[a]!;
      rest = Math.floor(rest / sides[a]!);
    }
    visit(index, position);
  }
}

const isOwnOpposite = (omega: Index, sides: Index) => omega.every((w, a) => (2 * w) % sides[a]! === 0);
const linear = (omega: Index, sides: Index) => omega.reduce((p, w, a) => p * sides[a]! + w, 0);

/** 2 where real matrices of twice the size stand for complex ones. */
export const halves = (omega: Index, sides: Index) => (isOwnOpposite(omega, sides) ? 1 : 2);

/**
 * The frequencies of a grid `ratio` times as fine that alias to ω, one of each pair ±, each with the number of
 * frequencies it stands for in their sum. (With ω = 0 of a grid of one sample: all frequencies.)
 */
export function aliases(omega: Index, sides: Index, ratio: Index): { omega: number[]; weight: number }[] {
  const fine = sides.map((n, a) => n * ratio[a]!);
  const own = isOwnOpposite(omega, sides);
  const list: { omega: number[]; weight: number }[] = [];
  each(ratio, (turn) => {
    const alias = turn.map((t, a) => omega[a]! + t * sides[a]!);
    const opposite = alias.map((w, a) => (fine[a]! - w) % fine[a]!);
    if (!own) list.push({ omega: alias, weight: 1 });
    else if (linear(alias, fine) <= linear(opposite, fine)) {
      list.push({ omega: alias, weight: isOwnOpposite(alias, fine) ? 1 : 2 });
    }
  });
  return list;
}

/** One of each pair ±ω of a torus. */
export function halfTorus(sides: Index): number[][] {
  const one = sides.map(() => 1);
  return aliases(
    sides.map(() => 0),
    one,
    sides,
  ).map((f) => f.omega);
}

/** Entries of a map by the offset u that they read at. */
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
  /** |K| summed over all offsets: bounds |W(ω)|. */
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

  /** Adds entries at an offset. */
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

  /** Scales by the power of two that brings row sums of the magnitude below 2. @param uncertainty relative error of every entry and phase */
  finish(uncertainty: number): this {
    let largest = 0;
    let additions = 0;
    for (let i = 0; i < this.rows; i++) {
      let sum = 0;
      for (let j = 0; j < this.columns; j++) sum += this.magnitude[i * this.columns + j]!;
      largest = Math.max(largest, sum);
    }
    for (const count of this.#additions) additions = Math.max(additions, count);
    demand(
      largest === 0 || (largest > 2 ** -400 && largest < 2 ** 400),
      'weights beyond 1e±120 are not covered',
    );
    this.exponent = largest === 0 ? 0 : exponentOf(largest);
    const factor = powerOfTwo(-this.exponent);
    for (let k = 0; k < this.magnitude.length; k++) this.magnitude[k]! *= factor;
    for (const { values } of this.#taps.values())
      for (let k = 0; k < values.length; k++) values[k]! *= factor;
    this.error = 1.001 * (gamma(additions + 4) + uncertainty);
    return this;
  }

  /** W(ω): [rows, columns], or twice that each way for a pair ±ω. */
  symbol(omega: Index, sides: Index): Float64Array {
    const h = halves(omega, sides);
    const width = h * this.columns;
    const w = new Float64Array(h * this.rows * width);
    const below = this.rows * width;
    const beside = this.columns;
    for (const { offset, rows, columns, values } of this.#taps.values()) {
      const [re, im] = phase(omega, offset, sides);
      for (let k = 0; k < values.length; k++) {
        const at = rows[k]! * width + columns[k]!;
        w[at]! += values[k]! * re;
        if (h === 2) w[at + below]! += values[k]! * im;
      }
    }
    if (h === 2) {
      for (let i = 0; i < this.rows; i++) {
        for (let j = 0; j < this.columns; j++) {
          const at = i * width + j;
          w[at + below + beside] = w[at]!;
          w[at + beside] = -w[at + below]!;
        }
      }
    }
    return w;
  }
}

const ROOTS = new Map<number, Float64Array>();

function phase(omega: Index, offset: Index, sides: Index): [number, number] {
  let [re, im] = [1, 0];
  for (let a = 0; a < sides.length; a++) {
    const n = sides[a]!;
    let roots = ROOTS.get(n);
    if (!roots) {
      if (ROOTS.size > 64) ROOTS.clear();
      roots = rootsOfUnity(n);
      ROOTS.set(n, roots);
    }
    const k = (((omega[a]! * offset[a]!) % n) + n) % n;
    const [c, s] = [roots[2 * k]!, roots[2 * k + 1]!];
    [re, im] = [re * c - im * s, re * s + im * c];
  }
  return [re, im];
}
