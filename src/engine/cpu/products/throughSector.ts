import { type Dense, mirrorLower } from '../dense.ts';
import { allocate } from '../storage.ts';

/** diag(left) R diag(left) − diag(subtract): lower triangle, mirrored, so that rounding leaves it Hermitian. */
export function throughSector(
  r: Dense,
  left: Float64Array,
  subtract: Float64Array | undefined,
): Float64Array {
  const n = r.rows;
  const width = r.complex ? 2 : 1;
  const out = allocate(r.data.length);
  for (let b = 0; b < r.batch; b++) {
    for (let i = 0; i < n; i++) {
      const row = (b * n + i) * n * width;
      const factor = left[i]!;
      if (r.complex) {
        for (let j = 0, at = row; j <= i; j++, at += 2) {
          out[at] = factor * r.data[at]! * left[j]!;
          out[at + 1] = factor * r.data[at + 1]! * left[j]!;
        }
      } else {
        for (let j = 0; j <= i; j++) out[row + j] = factor * r.data[row + j]! * left[j]!;
      }
      out[row + i * width]! -= subtract?.[i] ?? 0;
    }
  }
  mirrorLower(out, r.batch, n, r.complex);
  return out;
}
