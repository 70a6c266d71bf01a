/** Numbers that a network holds, in the format of its file or in float64. */

/**
 * Row-major numbers that nobody writes to: float64, or float32 where a file holds no more, whose own bytes they may be then. What the
 * methods of typed arrays that are left out here return has the format of what they are called on, so that `map` would round: who computes
 * numbers of these makes float64 of them (`mapped`), and who moves them keeps their format (`gatheredBlocks`).
 */
export interface Numbers {
  readonly length: number;
  readonly byteLength: number;
  readonly [index: number]: number;
  [Symbol.iterator](): IterableIterator<number>;
  entries(): IterableIterator<[number, number]>;
  every(holds: (value: number, index: number) => boolean): boolean;
  includes(value: number): boolean;
  subarray(start: number, end: number): Numbers;
}

/** f of every number, in float64. */
export function mapped(values: Numbers, f: (value: number, index: number) => number): Float64Array {
  const result = new Float64Array(values.length);
  for (let n = 0; n < result.length; n++) result[n] = f(values[n]!, n);
  return result;
}

/** The same numbers in float64: themselves where they are. */
export function inDouble(values: Numbers): Float64Array {
  if (values instanceof Float64Array) return values;
  return values instanceof Float32Array ? new Float64Array(values) : Float64Array.from(values);
}

/** Their moduli, in their own format. */
export function moduli(values: Numbers): Numbers {
  const result = emptyLike(values, values.length);
  for (let n = 0; n < result.length; n++) result[n] = Math.abs(values[n]!);
  return result;
}

/** Block k of the result is block `from[k]` of the values, in blocks of `size`; in their own format. */
export function gatheredBlocks(values: Numbers, from: ArrayLike<number>, size: number): Numbers {
  const result = emptyLike(values, from.length * size);
  for (let k = 0, n = 0; k < from.length; k++) {
    const first = from[k]! * size;
    for (let i = 0; i < size; i++) result[n++] = values[first + i]!;
  }
  return result;
}

/** The transpose of a row-major matrix of so many columns, in its own format. */
export function transposedNumbers(values: Numbers, columns: number): Numbers {
  const rows = values.length / columns;
  const result = emptyLike(values, values.length);
  // A few columns at a time: each line of memory that is read is used up while it is near.
  for (let first = 0; first < columns; first += TRANSPOSED_TOGETHER) {
    const end = Math.min(columns, first + TRANSPOSED_TOGETHER);
    for (let row = 0; row < rows; row++) {
      for (let column = first; column < end; column++) {
        result[column * rows + row] = values[row * columns + column]!;
      }
    }
  }
  return result;
}

const TRANSPOSED_TOGETHER = 16;

/** Zeros to be written to, in the format of the values. */
export function emptyLike(values: Numbers, length: number): Float32Array | Float64Array {
  return values instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
}

/** The index of the first that is NaN or infinite; −1 where none is. */
export function firstNotFinite(values: ArrayLike<number>): number {
  // A sum is not finite if a summand is not. Not the other way round: it may overflow.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = values.length - (values.length % 4);
  for (let n = 0; n < whole; n += 4) {
    a += Math.abs(values[n]!);
    b += Math.abs(values[n + 1]!);
    c += Math.abs(values[n + 2]!);
    d += Math.abs(values[n + 3]!);
  }
  for (let n = whole; n < values.length; n++) a += Math.abs(values[n]!);
  if (Number.isFinite(a) && Number.isFinite(b) && Number.isFinite(c) && Number.isFinite(d)) return -1;
  for (let n = 0; n < values.length; n++) if (!Number.isFinite(values[n])) return n;
  return -1;
}
