import type { Dense } from '../dense.ts';
import { allocate } from '../storage.ts';

/** Interleaved with zero imaginary parts. */
export function toComplex(a: Dense): Float64Array {
  const out = allocate((a.complex ? 1 : 2) * a.data.length);
  if (a.complex) {
    out.set(a.data);
    return out;
  }
  for (let i = 0; i < a.data.length; i++) {
    out[2 * i] = a.data[i]!;
    out[2 * i + 1] = 0;
  }
  return out;
}
