import type { Dense } from '../dense.ts';
import { allocate } from '../storage.ts';

/** diag(left) · A · diag(right); an absent side is the identity. */
export function scaleSides(
  a: Dense,
  left: Float64Array | undefined,
  right: Float64Array | undefined,
): Float64Array {
  const width = a.complex ? 2 : 1;
  const out = allocate(a.data.length);
  let at = 0;
  for (let b = 0; b < a.batch; b++) {
    for (let i = 0; i < a.rows; i++) {
      const l = left?.[i] ?? 1;
      for (let j = 0; j < a.columns; j++) {
        const r = right?.[j] ?? 1;
        for (let part = 0; part < width; part++, at++) out[at] = l * a.data[at]! * r;
      }
    }
  }
  return out;
}
