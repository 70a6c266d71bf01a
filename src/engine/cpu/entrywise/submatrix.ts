import type { Ranges } from '../../handles.ts';
import { type Dense, entryLength } from '../dense.ts';
import { allocate } from '../storage.ts';

/** Rows and columns of each matrix, gathered by ranges. */
export function submatrix(a: Dense, rows: Ranges, columns: Ranges): Float64Array {
  const width = a.complex ? 2 : 1;
  const length = entryLength(a);
  const extent = (ranges: Ranges) => ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  const out = allocate(a.batch * extent(rows) * extent(columns) * width);
  let to = 0;
  for (let b = 0; b < a.batch; b++) {
    for (const [top, bottom] of rows) {
      for (let i = top; i < bottom; i++) {
        const row = b * length + i * a.columns * width;
        for (const [left, right] of columns) {
          out.set(a.data.subarray(row + left * width, row + right * width), to);
          to += (right - left) * width;
        }
      }
    }
  }
  return out;
}
