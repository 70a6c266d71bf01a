import { allocate } from '../storage.ts';

/** diag(d), once. */
export function diagonalMatrix(d: Float64Array, complex: boolean): Float64Array {
  const width = complex ? 2 : 1;
  const out = allocate(d.length * d.length * width).fill(0);
  for (let i = 0; i < d.length; i++) out[(i * d.length + i) * width] = d[i]!;
  return out;
}
