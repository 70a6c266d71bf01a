/** Products of a stretch of a row-major matrix with vectors, four rows at a time: plain loops run at the speed of their loads. */

import type { Numbers } from '../numbers.ts';

/** Rows of a row-major matrix; the first of them starts at `data[start]`. */
export interface Rows {
  readonly data: Numbers;
  readonly start: number;
  readonly rows: number;
  readonly columns: number;
}

/** y[at + r · step] += Σ_k A[r, k] x[k] */
export function addProduct(
  { data, start, rows, columns }: Rows,
  x: Float64Array,
  y: Float64Array,
  at: number,
  step: number,
): void {
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    const a = start + r * columns;
    const b = a + columns;
    const c = b + columns;
    const d = c + columns;
    let sumA = 0;
    let sumB = 0;
    let sumC = 0;
    let sumD = 0;
    for (let k = 0; k < columns; k++) {
      const value = x[k]!;
      sumA += data[a + k]! * value;
      sumB += data[b + k]! * value;
      sumC += data[c + k]! * value;
      sumD += data[d + k]! * value;
    }
    const to = at + r * step;
    y[to]! += sumA;
    y[to + step]! += sumB;
    y[to + 2 * step]! += sumC;
    y[to + 3 * step]! += sumD;
  }
  for (; r < rows; r++) {
    let sum = 0;
    for (let k = 0, a = start + r * columns; k < columns; k++) sum += data[a + k]! * x[k]!;
    y[at + r * step]! += sum;
  }
}

/** x[k] += Σ_r A[r, k] y[at + r · step] */
export function addTransposedProduct(
  { data, start, rows, columns }: Rows,
  y: Float64Array,
  at: number,
  step: number,
  x: Float64Array,
): void {
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    const a = start + r * columns;
    const b = a + columns;
    const c = b + columns;
    const d = c + columns;
    const to = at + r * step;
    const yA = y[to]!;
    const yB = y[to + step]!;
    const yC = y[to + 2 * step]!;
    const yD = y[to + 3 * step]!;
    for (let k = 0; k < columns; k++) {
      x[k]! += data[a + k]! * yA + data[b + k]! * yB + data[c + k]! * yC + data[d + k]! * yD;
    }
  }
  for (; r < rows; r++) {
    const value = y[at + r * step]!;
    for (let k = 0, a = start + r * columns; k < columns; k++) x[k]! += data[a + k]! * value;
  }
}
