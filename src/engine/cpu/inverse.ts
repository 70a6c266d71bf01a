import type { Dense } from './dense.ts';
import type { Kernels } from './kernels.ts';

/** R = (diag D − S)⁻¹ per batch entry, by Cholesky; NaN all over where one of them is not positive definite. */
export async function inverse(
  kernels: Kernels,
  d: Float64Array,
  s: Dense,
): Promise<{ inverse: Float64Array; definite: boolean }> {
  const n = s.rows;
  const width = s.complex ? 2 : 1;
  const out = s.data.map((value) => -value);
  for (let b = 0; b < s.batch; b++) {
    for (let i = 0; i < n; i++) out[((b * n + i) * n + i) * width]! += d[i]!;
  }
  const definite = await kernels.invert(out, s.batch, n, s.complex);
  if (!definite) out.fill(Number.NaN);
  return { inverse: out, definite };
}
