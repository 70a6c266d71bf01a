import type { Dense } from '../dense.ts';
import { allocate } from '../storage.ts';

/** [[a, b], [bᴴ, c]] per batch entry. */
export function assemble(a: Dense, b: Dense, c: Dense): Float64Array {
  const m = a.rows;
  const n = c.rows;
  const width = a.complex ? 2 : 1;
  const line = (m + n) * width;
  const out = allocate(a.batch * (m + n) * line);
  for (let entry = 0; entry < a.batch; entry++) {
    const base = entry * (m + n) * line;
    const off = entry * m * n * width;
    for (let i = 0; i < m; i++) {
      const row = (entry * m + i) * m * width;
      out.set(a.data.subarray(row, row + m * width), base + i * line);
      out.set(b.data.subarray(off + i * n * width, off + (i + 1) * n * width), base + i * line + m * width);
    }
    for (let i = 0; i < n; i++) {
      const to = base + (m + i) * line;
      for (let j = 0; j < m; j++) {
        const from = off + (j * n + i) * width;
        out[to + j * width] = b.data[from]!;
        if (b.complex) out[to + 2 * j + 1] = -b.data[from + 1]!;
      }
      const row = (entry * n + i) * n * width;
      out.set(c.data.subarray(row, row + n * width), to + m * width);
    }
  }
  return out;
}
