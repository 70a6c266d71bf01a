import { type Dense, entryLength } from './dense.ts';

/** Means of `count` consecutive batch entries. */
export function alias(s: Dense, count: number): Float64Array {
  const length = entryLength(s);
  const out = new Float64Array((s.batch / count) * length);
  for (let b = 0; b < s.batch; b++) {
    const to = Math.floor(b / count) * length;
    for (let i = 0; i < length; i++) out[to + i]! += s.data[b * length + i]!;
  }
  for (let i = 0; i < out.length; i++) out[i]! /= count;
  return out;
}
