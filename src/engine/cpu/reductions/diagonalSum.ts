import type { Dense } from '../dense.ts';

/** out_i = Σ_b Re A_ii. */
export function diagonalSum(a: Dense): Float64Array {
  const n = a.rows;
  const width = a.complex ? 2 : 1;
  const out = new Float64Array(n);
  for (let b = 0; b < a.batch; b++) {
    for (let i = 0; i < n; i++) out[i]! += a.data[((b * n + i) * n + i) * width]!;
  }
  return out;
}
