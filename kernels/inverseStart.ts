import type { Kernel, Matrices, Numbers } from './kernel.ts';

/** diag D − S, and one more number in every row, for its pivot. `width` is 2 for complex S, else 1. */
export function inverseStart(this: Kernel, d: Numbers, s: Matrices, n: number, width: number): number {
  if (this.thread.x >= n * width) return 0;
  const own = -s[this.thread.z][this.thread.y][this.thread.x];
  return this.thread.x === this.thread.y * width ? d[this.thread.y] + own : own;
}
