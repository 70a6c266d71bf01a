import type { Ranges } from '../../handles.ts';
import type { Dense } from '../dense.ts';
import { allocate } from '../storage.ts';

/** Adds the entries of square matrices at the rows and columns that `ranges` gather. */
export function submatrixAdjoint(a: Dense, ranges: Ranges, size: number): Float64Array {
  const index = ranges.flatMap(([start, end]) => Array.from({ length: end - start }, (_, k) => start + k));
  const width = a.complex ? 2 : 1;
  const out = allocate(a.batch * size * size * width).fill(0);
  let from = 0;
  for (let b = 0; b < a.batch; b++) {
    for (const row of index) {
      const base = (b * size + row) * size;
      for (const column of index) {
        const to = (base + column) * width;
        out[to]! += a.data[from++]!;
        if (a.complex) out[to + 1]! += a.data[from++]!;
      }
    }
  }
  return out;
}
