import type { Kernel, Matrices } from './kernel.ts';

/** The largest |number| of every row of `count` numbers of every matrix, side by side: [1 | batch × rows]. */
export function peaks(this: Kernel, s: Matrices, count: number): number {
  let most = 0;
  for (let j = 0; j < count; j++) most = larger(most, Math.abs(s[this.thread.y][this.thread.x][j]));
  return most;
}
