import type { Dense } from '../dense.ts';

/** out_i = max_b x_i of columns x [B | n × 1]; NaN wins. */
export function columnMaximum({ batch, rows: n, data }: Dense): Float64Array {
  const out = data.slice(0, n);
  for (let b = 1, at = n; b < batch; b++) {
    for (let i = 0; i < n; i++, at++) out[i] = Math.max(out[i]!, data[at]!);
  }
  return out;
}
