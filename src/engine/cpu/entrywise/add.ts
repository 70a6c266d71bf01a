import type { Dense } from '../dense.ts';
import { allocate } from '../storage.ts';

/** A + B. */
export function add(a: Dense, b: Dense): Float64Array {
  const out = allocate(a.data.length);
  for (let i = 0; i < out.length; i++) out[i] = a.data[i]! + b.data[i]!;
  return out;
}
