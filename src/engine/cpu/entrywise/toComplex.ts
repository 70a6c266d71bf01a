import type { Dense } from '../dense.ts';

/** Interleaved with zero imaginary parts. */
export function toComplex(a: Dense): Float64Array {
  if (a.complex) return a.data.slice();
  const out = new Float64Array(2 * a.data.length);
  a.data.forEach((x, i) => {
    out[2 * i] = x;
  });
  return out;
}
