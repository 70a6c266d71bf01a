import type { Kernel, Matrices, Numbers } from './kernel.ts';

/**
 * The sum of all entries that were gathered from this one, by `count` ranges that start at `starts`, end before `ends`, and are to be
 * found from `places` on. `width` is 2 for complex matrices, else 1.
 */
export function submatrixAdjoint(
  this: Kernel,
  a: Matrices,
  starts: Numbers,
  ends: Numbers,
  places: Numbers,
  count: number,
  width: number,
): number {
  const i = this.thread.y;
  const j = Math.floor((this.thread.x + 0.5) / width);
  const part = this.thread.x - width * j;
  let sum = 0;
  for (let p = 0; p < count; p++) {
    if (i >= starts[p] && i < ends[p]) {
      const row = places[p] + i - starts[p];
      for (let q = 0; q < count; q++) {
        if (j >= starts[q] && j < ends[q]) {
          sum += a[this.thread.z][row][(places[q] + j - starts[q]) * width + part];
        }
      }
    }
  }
  return sum;
}
