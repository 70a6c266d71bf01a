import type { Kernel, Matrices } from './kernel.ts';

/** factor · sums of `count` consecutive matrices. */
export function alias(this: Kernel, s: Matrices, count: number, factor: number): number {
  const first = this.thread.z * count;
  let sum = 0;
  for (let k = 0; k < count; k++) sum += s[first + k][this.thread.y][this.thread.x];
  return factor * sum;
}
