import type { Dense } from '../dense.ts';
import { allocate } from '../storage.ts';

/** S + diag(d), the same d for every batch entry. */
export function addDiagonal(s: Dense, d: Float64Array): Float64Array {
  const n = s.rows;
  const width = s.complex ? 2 : 1;
  const out = allocate(s.data.length);
  out.set(s.data);
  for (let b = 0; b < s.batch; b++) {
    for (let i = 0; i < n; i++) out[((b * n + i) * n + i) * width]! += d[i]!;
  }
  return out;
}
