import { type Dense, entryLength } from '../dense.ts';
import { allocate } from '../storage.ts';

/** Means of `count` consecutive batch entries. */
export function alias(s: Dense, count: number): Float64Array {
  const length = entryLength(s);
  const out = allocate((s.batch / count) * length);
  for (let b = 0; b < s.batch; b++) {
    const from = b * length;
    const to = Math.floor(b / count) * length;
    if (b % count === 0) out.set(s.data.subarray(from, from + length), to);
    else for (let i = 0; i < length; i++) out[to + i]! += s.data[from + i]!;
  }
  for (let i = 0; i < out.length; i++) out[i]! /= count;
  return out;
}
