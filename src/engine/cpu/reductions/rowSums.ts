import type { Dense } from '../dense.ts';
import { modulus } from '../modulus.ts';

/** out_i = max_b Σ_j |S_ij|; NaN where a row of some entry holds one. */
export function rowSums(s: Dense): Float64Array {
  const n = s.rows;
  const out = new Float64Array(n);
  let at = 0;
  for (let b = 0; b < s.batch; b++) {
    for (let i = 0; i < n; i++) {
      let sum = 0;
      if (s.complex) {
        for (let j = 0; j < n; j++, at += 2) sum += modulus(s.data[at]!, s.data[at + 1]!);
      } else {
        for (let j = 0; j < n; j++, at++) sum += Math.abs(s.data[at]!);
      }
      out[i] = Math.max(out[i]!, sum);
    }
  }
  return out;
}
