/** Matrices of which few entries differ from 0. */
import type { Pattern } from './partition.ts';

/** A matrix of few entries, those of a pattern, row by row. */
export interface SparseRows extends Pattern {
  readonly values: Float64Array;
}

/** The entries of A [… × width] that a pattern has. */
export function gathered(a: Float64Array, width: number, { starts, columns }: Pattern): SparseRows {
  const values = new Float64Array(columns.length);
  for (let i = 0; i + 1 < starts.length; i++)
    for (let at = starts[i]!; at < starts[i + 1]!; at++) values[at] = a[i * width + columns[at]!]!;
  return { starts, columns, values };
}

/** What of A [n × n] is not 0. */
export function nonzeros(a: Float64Array, n: number): SparseRows {
  const starts = new Int32Array(n + 1);
  for (let i = 0; i < n; i++) {
    starts[i + 1] = starts[i]!;
    for (let at = i * n; at < (i + 1) * n; at++) if (a[at] !== 0) starts[i + 1]!++;
  }
  const columns = new Int32Array(starts[n]!);
  const values = new Float64Array(starts[n]!);
  for (let at = 0, k = 0; at < a.length; at++) {
    if (a[at] === 0) continue;
    columns[k] = at % n;
    values[k++] = a[at]!;
  }
  return { starts, columns, values };
}

/** Aᵀ with all its entries, [columns × rows]. */
export function denseColumns({ starts, columns, values }: SparseRows, count: number): Float64Array {
  const rows = starts.length - 1;
  const out = new Float64Array(count * rows);
  for (let i = 0; i < rows; i++)
    for (let at = starts[i]!; at < starts[i + 1]!; at++) out[columns[at]! * rows + i] = values[at]!;
  return out;
}

/** Where an entry is in a list; −1 where it is not. */
export function placesOf(list: Int32Array, size: number): Int32Array {
  const places = new Int32Array(size).fill(-1);
  for (let k = 0; k < list.length; k++) places[list[k]!] = k;
  return places;
}

/** Row sums of what is uncertain, in rows and columns. */
export function sumsWithin({ starts, columns, values }: SparseRows, uncertain: Int32Array): Float64Array {
  const places = placesOf(uncertain, starts.length - 1);
  return Float64Array.from(uncertain, (i) => {
    let sum = 0;
    for (let at = starts[i]!; at < starts[i + 1]!; at++) if (places[columns[at]!]! >= 0) sum += values[at]!;
    return sum;
  });
}
