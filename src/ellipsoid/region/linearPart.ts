/**
 * The linear part of a network between two of its nonlinearities: from all that is live behind the one to all that is live in front of the
 * next. Matrices pass through it row by row; a convolution is never a dense matrix.
 */

import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import type { Ball } from '../../network/evaluation/enclosure.ts';
import type { AffineMap } from '../../network/evaluation/linearMap.ts';
import type { Algebra } from './algebra.ts';

/** Where a tensor lies in a state. */
export interface Slot {
  readonly tensor: number;
  readonly start: number;
  readonly size: number;
}

/** One summand A x of a tensor. */
export interface Term {
  readonly source: number;
  readonly map: AffineMap;
  /** |A|, entry by entry. */
  readonly absolute: AffineMap;
  /** Relative errors of 2^−53 that entries of A may have from the way from the file. */
  readonly foldings: number;
  /** A Xᵀ for many x at once, the rows of X [rows × inputs] → [rows × outputs], where there is a better way than one by one. */
  readonly rows?: (algebra: Algebra, x: Float64Array, rows: number) => Promise<Float64Array>;
  /** A, dense [outputs × inputs], where it is one. */
  readonly matrix?: Float64Array;
}

/** A tensor that is a sum of linear images of others, and a constant. */
export interface LinearStep {
  readonly name: string;
  readonly output: number;
  readonly size: number;
  readonly terms: readonly Term[];
  /** One entry per entry of the tensor. */
  readonly constant?: Float64Array;
  /** What errors of the constant are relative to. */
  readonly constantSize?: Float64Array;
}

/** More than what is too small for float64 can lose in a sum, and many times that. */
export const LOST = 2 ** -1040;
const UNDERFLOW = 2 ** -1000;
/** Entries of a matrix of unit vectors that are passed through at a time. */
const MOST_UNIT_ENTRIES = 2 ** 22;

export interface SparseColumns {
  /** Of column i: entries starts[i] to starts[i + 1]. */
  readonly starts: Int32Array;
  readonly rows: Int32Array;
  readonly values: Float64Array;
}

export class LinearPart {
  readonly inputs: number;
  readonly outputs: number;
  /** Most rounding errors of 2^−53, foldings included, that a summand of an entry of C x meets. */
  readonly roundings: number;
  readonly #from: readonly Slot[];
  readonly #to: readonly Slot[];
  readonly #steps: readonly LinearStep[];
  #columns: SparseColumns | undefined;
  #lost: Float64Array | undefined;
  #norms: Float64Array | undefined;
  #columnSums: Float64Array | undefined;
  #rowSums: Float64Array | undefined;

  constructor(from: readonly Slot[], to: readonly Slot[], steps: readonly LinearStep[]) {
    this.#from = from;
    this.#to = to;
    this.#steps = steps;
    this.inputs = total(from);
    this.outputs = total(to);
    const met = new Map(from.map(({ tensor }) => [tensor, 0]));
    for (const { terms, output } of steps) {
      const most = terms.map(({ source, map, foldings }) => met.get(source)! + map.roundings + foldings);
      met.set(output, Math.max(...most) + terms.length - 1);
    }
    this.roundings = Math.max(0, ...to.map(({ tensor }) => met.get(tensor)!));
  }

  /** C x, without the constant. */
  apply(x: Float64Array): Float64Array {
    return this.#forward(x, ({ map }) => map.apply);
  }

  /** |C| x for x ≥ 0, where |C| is made of the moduli of all factors. */
  absolute(x: Float64Array): Float64Array {
    return this.#forward(x, ({ absolute }) => absolute.apply);
  }

  /** Cᵀ y */
  transpose(y: Float64Array): Float64Array {
    return this.#backward(y, ({ map }) => map.transpose);
  }

  /** |C|ᵀ y for y ≥ 0. */
  absoluteTranspose(y: Float64Array): Float64Array {
    return this.#backward(y, ({ absolute }) => absolute.transpose);
  }

  /** |C|ᵀ 1 */
  columnSums(): Float64Array {
    this.#columnSums ??= this.absoluteTranspose(new Float64Array(this.outputs).fill(1));
    return this.#columnSums;
  }

  /** |C| 1 */
  rowSums(): Float64Array {
    this.#rowSums ??= this.absolute(new Float64Array(this.inputs).fill(1));
    return this.#rowSums;
  }

  /** What entries of C x lose at most where something on the way is too small for float64. */
  underflow(): Float64Array {
    this.#lost ??= this.#forward(new Float64Array(this.inputs), ({ absolute }) => absolute.apply, LOST);
    return this.#lost;
  }

  /** C x + b for all x of a ball. */
  enclose(x: Ball): Ball {
    const balls = new Map<number, Ball>();
    for (const { tensor, start, size } of this.#from) {
      const part = (values: Float64Array) => values.subarray(start, start + size);
      balls.set(tensor, { middle: part(x.middle), radius: part(x.radius) });
    }
    for (const { output, size, terms, constant, constantSize } of this.#steps) {
      const middle = new Float64Array(size);
      const radius = new Float64Array(size);
      for (const { source, map, absolute, foldings } of terms) {
        const ball = balls.get(source)!;
        add(middle, map.apply(ball.middle));
        const gamma = 2 * U * (map.roundings + foldings + terms.length + 3);
        add(radius, absolute.apply(ball.radius.map((r, k) => r + gamma * Math.abs(ball.middle[k]!))));
      }
      const gamma = 2 * U * (terms.length + 3 + Math.max(...terms.map(({ foldings }) => foldings)));
      if (constant) {
        add(middle, constant);
        const sizes = constantSize ?? constant;
        for (let k = 0; k < size; k++) radius[k]! += gamma * Math.abs(sizes[k]!);
      }
      // The radii are sums of as many terms as the middles.
      const slack = 1 + 2 * U * (Math.max(...terms.map(({ map }) => map.roundings)) + terms.length + 8);
      for (let k = 0; k < size; k++)
        radius[k] = (radius[k]! + U * terms.length * Math.abs(middle[k]!)) * slack + UNDERFLOW;
      balls.set(output, { middle, radius });
    }
    const all = { middle: new Float64Array(this.outputs), radius: new Float64Array(this.outputs) };
    for (const { tensor, start } of this.#to) {
      all.middle.set(balls.get(tensor)!.middle, start);
      all.radius.set(balls.get(tensor)!.radius, start);
    }
    return all;
  }

  /** X Cᵀ: the rows of X [rows × inputs] through the map → [rows × outputs]. */
  async rows(algebra: Algebra, x: Float64Array, rows: number): Promise<Float64Array> {
    const parts = new Map<number, Float64Array>();
    for (const { tensor, start, size } of this.#from)
      parts.set(tensor, block(x, rows, this.inputs, start, size));
    for (const { output, terms } of this.#steps) {
      let sum: Float64Array | undefined;
      for (const term of terms) {
        const part = await rowsThrough(algebra, term, parts.get(term.source)!, rows);
        if (sum) add(sum, part);
        else sum = part;
      }
      parts.set(output, sum!);
    }
    if (this.#to.length === 1) return parts.get(this.#to[0]!.tensor)!;
    const out = new Float64Array(rows * this.outputs);
    for (const { tensor, start, size } of this.#to) {
      const part = parts.get(tensor)!;
      for (let r = 0; r < rows; r++)
        out.set(part.subarray(r * size, (r + 1) * size), r * this.outputs + start);
    }
    return out;
  }

  /** Adds factor_k · (column index_k of C) to the row `to`_k of V [… × outputs]; where that is left out, to the row index_k. */
  async addColumns(
    algebra: Algebra,
    v: Float64Array,
    index: Int32Array,
    factors: Float64Array,
    to: Int32Array = index,
  ): Promise<void> {
    const dense = this.#dense();
    if (dense) {
      for (const [k, i] of index.entries()) {
        const first = to[k]! * this.outputs;
        for (let row = 0, at = i; row < this.outputs; row++, at += this.inputs)
          v[first + row]! += factors[k]! * dense[at]!;
      }
      return;
    }
    const { starts, rows, values } = await this.#sparse(algebra);
    for (const [k, i] of index.entries()) {
      const first = to[k]! * this.outputs;
      for (let at = starts[i]!; at < starts[i + 1]!; at++) v[first + rows[at]!]! += factors[k]! * values[at]!;
    }
  }

  /** All columns, where most entries are 0: undefined where the map is one dense matrix. */
  async columns(algebra: Algebra): Promise<SparseColumns | undefined> {
    return this.#dense() ? undefined : this.#sparse(algebra);
  }

  /** ‖column i of C‖² for every input i. */
  async columnNorms(algebra: Algebra): Promise<Float64Array> {
    if (this.#norms) return this.#norms;
    const norms = new Float64Array(this.inputs);
    const dense = this.#dense();
    if (dense) {
      for (let at = 0; at < dense.length; at++) norms[at % this.inputs]! += dense[at]! ** 2;
    } else {
      const { starts, values } = await this.#sparse(algebra);
      for (let i = 0; i < this.inputs; i++)
        for (let at = starts[i]!; at < starts[i + 1]!; at++) norms[i]! += values[at]! ** 2;
    }
    this.#norms = norms;
    return norms;
  }

  /** The matrix, where the map is one product with it. */
  #dense(): Float64Array | undefined {
    const [step] = this.#steps;
    const whole =
      this.#steps.length === 1 &&
      step!.terms.length === 1 &&
      this.#from.length === 1 &&
      this.#to.length === 1 &&
      this.#to[0]!.tensor === step!.output;
    return whole ? step!.terms[0]!.matrix : undefined;
  }

  async #sparse(algebra: Algebra): Promise<SparseColumns> {
    if (this.#columns) return this.#columns;
    const { inputs, outputs } = this;
    const starts = new Int32Array(inputs + 1);
    const rows: Int32Array[] = [];
    const values: Float64Array[] = [];
    const band = Math.max(1, Math.floor(MOST_UNIT_ENTRIES / Math.max(inputs, outputs)));
    for (let first = 0; first < inputs; first += band) {
      const count = Math.min(band, inputs - first);
      const units = new Float64Array(count * inputs);
      for (let k = 0; k < count; k++) units[k * inputs + first + k] = 1;
      const images = await this.rows(algebra, units, count);
      for (let k = 0; k < count; k++) {
        const image = images.subarray(k * outputs, (k + 1) * outputs);
        const where: number[] = [];
        for (let row = 0; row < outputs; row++) if (image[row] !== 0) where.push(row);
        rows.push(Int32Array.from(where));
        values.push(Float64Array.from(where, (row) => image[row]!));
        starts[first + k + 1] = starts[first + k]! + where.length;
      }
    }
    const all = { rows: new Int32Array(starts[inputs]!), values: new Float64Array(starts[inputs]!) };
    for (let i = 0; i < inputs; i++) {
      all.rows.set(rows[i]!, starts[i]!);
      all.values.set(values[i]!, starts[i]!);
    }
    this.#columns = { starts, ...all };
    return this.#columns;
  }

  /** @param more is added to every entry of every step */
  #forward(x: Float64Array, by: (term: Term) => (x: Float64Array) => Float64Array, more = 0): Float64Array {
    const parts = new Map<number, Float64Array>();
    for (const { tensor, start, size } of this.#from) parts.set(tensor, x.subarray(start, start + size));
    for (const { output, size, terms } of this.#steps) {
      const sum = new Float64Array(size).fill(more);
      for (const term of terms) add(sum, by(term)(parts.get(term.source)!));
      parts.set(output, sum);
    }
    const out = new Float64Array(this.outputs);
    for (const { tensor, start } of this.#to) out.set(parts.get(tensor)!, start);
    return out;
  }

  #backward(y: Float64Array, by: (term: Term) => (y: Float64Array) => Float64Array): Float64Array {
    const parts = new Map<number, Float64Array>();
    const gather = (tensor: number, part: Float64Array) => {
      const sum = parts.get(tensor);
      if (sum) add(sum, part);
      else parts.set(tensor, part.slice());
    };
    for (const { tensor, start, size } of this.#to) gather(tensor, y.subarray(start, start + size));
    for (const { output, terms } of [...this.#steps].reverse()) {
      const own = parts.get(output);
      if (own) for (const term of terms) gather(term.source, by(term)(own));
    }
    const out = new Float64Array(this.inputs);
    for (const { tensor, start } of this.#from) {
      const part = parts.get(tensor);
      if (part) out.set(part, start);
    }
    return out;
  }
}

async function rowsThrough(
  algebra: Algebra,
  { map, rows: many }: Term,
  x: Float64Array,
  rows: number,
): Promise<Float64Array> {
  if (many) return many(algebra, x, rows);
  const width = x.length / rows;
  const first = map.apply(x.subarray(0, width));
  const out = new Float64Array(rows * first.length);
  out.set(first);
  for (let r = 1; r < rows; r++) out.set(map.apply(x.subarray(r * width, (r + 1) * width)), r * first.length);
  return out;
}

/** Columns [start, start + size) of X [rows × columns]; X itself where that is all. */
function block(x: Float64Array, rows: number, columns: number, start: number, size: number): Float64Array {
  if (size === columns) return x;
  const out = new Float64Array(rows * size);
  for (let r = 0; r < rows; r++)
    out.set(x.subarray(r * columns + start, r * columns + start + size), r * size);
  return out;
}

function add(to: Float64Array, what: Float64Array): void {
  for (let k = 0; k < to.length; k++) to[k]! += what[k]!;
}

function total(slots: readonly Slot[]): number {
  return slots.reduce((sum, { size }) => sum + size, 0);
}
