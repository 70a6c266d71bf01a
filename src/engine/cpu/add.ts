import type { Dense } from './dense.ts';

/** A + B. */
export function add(a: Dense, b: Dense): Float64Array {
  return a.data.map((value, i) => value + b.data[i]!);
}
