import { type Dense, mirrorLower } from './dense.ts';

/** diag(left) R diag(left) − diag(subtract): lower triangle, mirrored, so that rounding leaves it Hermitian. */
export function throughSector(
  r: Dense,
  left: Float64Array,
  subtract: Float64Array | undefined,
): Float64Array {
  const n = r.rows;
  const width = r.complex ? 2 : 1;
  const out = new Float64Array(r.data.length);
  for (let b = 0; b < r.batch; b++) {
    for (let i = 0; i < n; i++) {
      const row = (b * n + i) * n * width;
      for (let j = 0; j <= i; j++) {
        for (let part = 0; part < width; part++) {
          const at = row + j * width + part;
          out[at] = left[i]! * r.data[at]! * left[j]!;
        }
      }
      out[row + i * width]! -= subtract?.[i] ?? 0;
    }
  }
  mirrorLower(out, r.batch, n, r.complex);
  return out;
}
