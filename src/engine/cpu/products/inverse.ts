import { type Dense, entryLength } from '../dense.ts';
import type { Kernels } from '../kernels.ts';
import { writeShifted } from '../shifted.ts';
import { allocate } from '../storage.ts';

/** R = (diag D − S)⁻¹ per batch entry, by Cholesky; where one of them is not positive definite, NaN all over and `definite` 0 rather than 1. */
export async function inverse(
  kernels: Kernels,
  d: Float64Array,
  s: Dense,
): Promise<{ inverse: Float64Array; definite: number }> {
  const n = s.rows;
  const length = entryLength(s);
  const out = allocate(s.data.length);
  for (let b = 0; b < s.batch; b++) {
    writeShifted(out, b * length, s.data, b * length, n, s.complex, d, -1);
  }
  const definite = await kernels.invert(out, s.batch, n, s.complex);
  if (!definite) out.fill(Number.NaN);
  return { inverse: out, definite: Number(definite) };
}
