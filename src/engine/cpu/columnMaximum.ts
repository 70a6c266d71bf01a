import type { Dense } from './dense.ts';

/** out_i = max_b x_i of columns x [B | n × 1]; NaN wins. */
export function columnMaximum(x: Dense): Float64Array {
  const n = x.rows;
  const out = x.data.slice(0, n);
  for (let at = n; at < x.data.length; at++) out[at % n] = Math.max(out[at % n]!, x.data[at]!);
  return out;
}
