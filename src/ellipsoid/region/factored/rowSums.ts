/** Sums that multipliers are chosen by, which need not be exact. */
import { transposed } from '../algebra.ts';
import type { Partition } from './partition.ts';
import { placesOf, type SparseRows } from './sparseRows.ts';
import type { Core } from './step.ts';

/** Row sums of |S_UU|, about. */
export function rowSumsOf(
  { starts, columns, values }: SparseRows,
  { inverse }: Core,
  { blocks: lists, starts: places, blockOf, diagonal, size }: Partition,
  blocks: Float64Array,
  uncertain: Int32Array,
): Float64Array {
  const inputs = Math.sqrt(inverse.length);
  const count = uncertain.length;
  const rows = new Float64Array(count * inputs);
  for (let k = 0; k < count; k++) {
    const i = uncertain[k]!;
    addRows(rows, k * inputs, 0, inputs, inverse, inputs, columns, values, starts[i]!, starts[i + 1]!);
  }
  // (I − K)⁻¹ G_Uᵀ, [inputs × uncertain]
  const images = transposed(rows, count, inputs);
  const among = placesOf(uncertain, size);
  const sums = new Float64Array(count);
  const row = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    const i = uncertain[k]!;
    row.fill(0, k);
    addRows(row, 0, k, count, images, count, columns, values, starts[i]!, starts[i + 1]!);
    const entries = lists[blockOf[i]!]!;
    const width = entries.length;
    const first = diagonal[i]! - ((diagonal[i]! - places[blockOf[i]!]!) % width);
    for (let q = 0; q < width; q++) {
      const column = among[entries[q]!]!;
      if (column >= k) row[column]! += blocks[first + q]!;
    }
    let own = Math.abs(row[k]!);
    for (let l = k + 1; l < count; l++) {
      const modulus = Math.abs(row[l]!);
      own += modulus;
      sums[l]! += modulus;
    }
    sums[k]! += own;
  }
  return sums;
}

/**
 * Adds Σ values[at] · (row columns[at] of A [… × width]) to y, which begins at `to`, in the columns from `from` to `end`: four rows at a time,
 * y being read and written once for them.
 */
function addRows(
  y: Float64Array,
  to: number,
  from: number,
  end: number,
  a: Float64Array,
  width: number,
  columns: Int32Array,
  values: Float64Array,
  first: number,
  last: number,
): void {
  let at = first;
  for (; at + 4 <= last; at += 4) {
    const v0 = values[at]!;
    const v1 = values[at + 1]!;
    const v2 = values[at + 2]!;
    const v3 = values[at + 3]!;
    const r0 = columns[at]! * width;
    const r1 = columns[at + 1]! * width;
    const r2 = columns[at + 2]! * width;
    const r3 = columns[at + 3]! * width;
    for (let l = from; l < end; l++)
      y[to + l]! += v0 * a[r0 + l]! + v1 * a[r1 + l]! + v2 * a[r2 + l]! + v3 * a[r3 + l]!;
  }
  for (; at < last; at++) {
    const value = values[at]!;
    const row = columns[at]! * width;
    for (let l = from; l < end; l++) y[to + l]! += value * a[row + l]!;
  }
}
