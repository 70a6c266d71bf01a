import type { Dense } from '../dense.ts';

/** out_i = max_b Re S_ii; NaN where one of them is. */
export function diagonal(s: Dense): Float64Array {
  const n = s.rows;
  const width = s.complex ? 2 : 1;
  const out = new Float64Array(n).fill(Number.NEGATIVE_INFINITY);
  for (let b = 0; b < s.batch; b++) {
    for (let i = 0; i < n; i++) out[i] = Math.max(out[i]!, s.data[((b * n + i) * n + i) * width]!);
  }
  return out;
}
