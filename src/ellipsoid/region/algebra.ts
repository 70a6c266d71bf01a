/** Products and inverses of real matrices in plain row-major arrays, done by an engine. */
import type { Engine } from '../../engine/engine.ts';

export class Algebra {
  readonly engine: Engine;
  readonly #signal: AbortSignal | undefined;

  constructor(engine: Engine, signal?: AbortSignal) {
    this.engine = engine;
    this.#signal = signal;
  }

  /** A Bᵀ: A [m × k], B [n × k] → [m × n]. */
  async timesTransposed(a: Float64Array, m: number, b: Float64Array, n: number): Promise<Float64Array> {
    this.#signal?.throwIfAborted();
    const k = a.length / m;
    const { engine } = this;
    const left = engine.matrices(a, 1, m, k, false);
    const right = engine.matrices(b, 1, n, k, false);
    const result = engine.product(left, right, { adjointB: true });
    return this.#only(result, left, right);
  }

  /** W Q Wᵀ, exactly symmetric: W [m × n], Q [n × n] symmetric → [m × m]. */
  async congruence(w: Float64Array, m: number, q: Float64Array): Promise<Float64Array> {
    this.#signal?.throwIfAborted();
    const n = w.length / m;
    const { engine } = this;
    const left = engine.matrices(w, 1, m, n, false);
    const middle = engine.matrices(q, 1, n, n, false);
    return this.#only(engine.congruence(left, middle), left, middle);
  }

  /** W diag(q) Wᵀ, exactly symmetric: W [m × n] → [m × m]. */
  async diagonalCongruence(w: Float64Array, m: number, q: Float64Array): Promise<Float64Array> {
    this.#signal?.throwIfAborted();
    const { engine } = this;
    const left = engine.matrices(w, 1, m, q.length, false);
    const middle = engine.vector(q);
    const result = engine.congruence(left, middle);
    const [entries] = await engine.read(result);
    engine.release(result, left, middle);
    return entries!;
  }

  /** (diag D − S)⁻¹, exactly symmetric, by Cholesky; undefined where the factorisation does not run through. */
  async inverse(d: Float64Array, s: Float64Array): Promise<Float64Array | undefined> {
    this.#signal?.throwIfAborted();
    const { engine } = this;
    const matrix = engine.matrices(s, 1, d.length, d.length, false);
    const diagonal = engine.vector(d);
    const { inverse, definite } = engine.inverse(diagonal, matrix);
    const [entries, flag] = await engine.read(inverse, definite);
    engine.release(matrix, diagonal, inverse, definite);
    return flag![0] === 1 ? entries : undefined;
  }

  async #only(
    result: ReturnType<Engine['product']>,
    ...operands: ReturnType<Engine['matrices']>[]
  ): Promise<Float64Array> {
    const { engine } = this;
    const [entries] = await engine.read(result);
    engine.release(result, ...operands);
    return entries!;
  }
}

/** The transpose of A [rows × columns]. */
export function transposed(a: Float64Array, rows: number, columns: number): Float64Array {
  const t = new Float64Array(a.length);
  const tile = 32;
  for (let top = 0; top < rows; top += tile) {
    const bottom = Math.min(rows, top + tile);
    for (let left = 0; left < columns; left += tile) {
      const right = Math.min(columns, left + tile);
      for (let i = top; i < bottom; i++)
        for (let j = left; j < right; j++) t[j * rows + i] = a[i * columns + j]!;
    }
  }
  return t;
}

/** The rows of A [… × columns] that are listed. */
export function rowsOf(a: Float64Array, columns: number, rows: Int32Array): Float64Array {
  const out = new Float64Array(rows.length * columns);
  for (const [k, row] of rows.entries()) out.set(a.subarray(row * columns, (row + 1) * columns), k * columns);
  return out;
}

/** The columns of A [rows × …] that are listed. */
export function columnsOf(a: Float64Array, rows: number, columns: Int32Array): Float64Array {
  const width = a.length / rows;
  const count = columns.length;
  const out = new Float64Array(rows * count);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < count; k++) out[i * count + k] = a[i * width + columns[k]!]!;
  return out;
}

/** A x: A [rows × n]. */
export function timesVector(a: Float64Array, x: Float64Array): Float64Array {
  const n = x.length;
  const rows = n === 0 ? 0 : a.length / n;
  const y = new Float64Array(rows);
  for (let i = 0, at = 0; i < rows; i++, at += n) {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += a[at + k]! * x[k]!;
    y[i] = sum;
  }
  return y;
}

/** y + Aᵀ x, in y: A [x × y]. */
export function addTransposedTimes(a: Float64Array, x: Float64Array, y: Float64Array): void {
  const n = y.length;
  for (let i = 0, at = 0; i < x.length; i++, at += n) {
    const factor = x[i]!;
    if (factor !== 0) for (let k = 0; k < n; k++) y[k]! += factor * a[at + k]!;
  }
}

/** |A| x for nonnegative x: A [rows × n]. */
export function absoluteTimes(a: Float64Array, x: Float64Array): Float64Array {
  const n = x.length;
  const rows = n === 0 ? 0 : a.length / n;
  const y = new Float64Array(rows);
  for (let i = 0, at = 0; i < rows; i++, at += n) {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += Math.abs(a[at + k]!) * x[k]!;
    y[i] = sum;
  }
  return y;
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}
