/** Linear maps row by row, without their zeros: convolutions are never dense here. Sums are plain, in the order of the entries. */
import { type Matrix, matrix } from '../checker/matrix.ts';

export interface Rows {
  readonly columns: number;
  /** Of row r: entries starts[r] to starts[r + 1]. */
  readonly starts: Int32Array;
  readonly index: Int32Array;
  readonly values: Float64Array;
  /** What errors of the values are relative to: at least their moduli. */
  readonly sizes: Float64Array;
}

/** Takes an entry; `size` defaults to its modulus. */
export type Put = (column: number, value: number, size?: number) => void;

/** @param entries puts those of a row, which may name a column more than once */
export function rowsOf(count: number, columns: number, entries: (row: number, put: Put) => void): Rows {
  const starts = new Int32Array(count + 1);
  const walk = (take: (row: number, column: number, value: number, size: number) => void) => {
    for (let row = 0; row < count; row++)
      entries(row, (column, value, size = Math.abs(value)) => {
        if (!(value === 0 && size === 0)) take(row, column, value, size);
      });
  };
  // Counted first: arrays that grow would lie in the engine's heap, which ends the process where it is full.
  walk((row) => starts[row + 1]!++);
  for (let row = 0; row < count; row++) starts[row + 1]! += starts[row]!;
  const total = starts[count]!;
  const [index, values, sizes] = [new Int32Array(total), new Float64Array(total), new Float64Array(total)];
  let at = 0;
  walk((_, column, value, size) => {
    index[at] = column;
    values[at] = value;
    sizes[at++] = size;
  });
  return { columns, starts, index, values, sizes };
}

/** The most entries of a row. */
export function longest({ starts }: Rows): number {
  let most = 0;
  for (let r = 0; r + 1 < starts.length; r++) most = Math.max(most, starts[r + 1]! - starts[r]!);
  return most;
}

/** W x. */
export function applied({ starts, index, values }: Rows, x: Float64Array): Float64Array {
  return summed(starts, index, values, x);
}

/** F x, F the sizes of W. */
export function sized({ starts, index, sizes }: Rows, x: Float64Array): Float64Array {
  return summed(starts, index, sizes, x);
}

function summed(starts: Int32Array, index: Int32Array, values: Float64Array, x: Float64Array): Float64Array {
  const y = new Float64Array(starts.length - 1);
  for (let r = 0; r < y.length; r++) {
    let sum = 0;
    for (let at = starts[r]!; at < starts[r + 1]!; at++) sum += values[at]! * x[index[at]!]!;
    y[r] = sum;
  }
  return y;
}

/** Fᵀ y. */
export function sizedTransposed({ columns, starts, index, sizes }: Rows, y: Float64Array): Float64Array {
  const x = new Float64Array(columns);
  for (let r = 0; r < y.length; r++)
    for (let at = starts[r]!; at < starts[r + 1]!; at++) x[index[at]!]! += sizes[at]! * y[r]!;
  return x;
}

/** W S Wᵀ for a symmetric S, exactly symmetric; undefined: the identity. Entries are two sums of at most `longest` products. */
export function congruence({ columns, starts, index, values }: Rows, s: Matrix | undefined): Matrix {
  const m = starts.length - 1;
  const out = matrix(m, m);
  const image = new Float64Array(columns);
  for (let r = 0; r < m; r++) {
    image.fill(0);
    for (let at = starts[r]!; at < starts[r + 1]!; at++) {
      const [value, from] = [values[at]!, index[at]! * columns];
      if (s) for (let j = 0; j < columns; j++) image[j]! += value * s.data[from + j]!;
      else image[index[at]!]! += value;
    }
    for (let c = 0; c <= r; c++) {
      let sum = 0;
      for (let at = starts[c]!; at < starts[c + 1]!; at++) sum += values[at]! * image[index[at]!]!;
      out.data[r * m + c] = sum;
      out.data[c * m + r] = sum;
    }
  }
  return out;
}
