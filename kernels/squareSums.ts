import type { Kernel, Matrices } from './kernel.ts';

/** Σ of squares of every row of `count` numbers of every matrix, side by side: [1 | batch × rows]. */
export function squareSums(this: Kernel, s: Matrices, count: number): number {
  let sum = 0;
  for (let j = 0; j < count; j++) {
    sum += s[this.thread.y][this.thread.x][j] * s[this.thread.y][this.thread.x][j];
  }
  return sum;
}
