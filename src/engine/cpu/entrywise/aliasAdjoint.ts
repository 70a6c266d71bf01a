import { type Dense, entryLength } from '../dense.ts';
import { allocate } from '../storage.ts';

/** Every batch entry `count` times, divided by `count`. */
export function aliasAdjoint(g: Dense, count: number): Float64Array {
  const length = entryLength(g);
  const out = allocate(g.batch * count * length);
  for (let b = 0; b < g.batch; b++) {
    const entry = g.data.subarray(b * length, (b + 1) * length).map((x) => x / count);
    for (let j = 0; j < count; j++) out.set(entry, (b * count + j) * length);
  }
  return out;
}
