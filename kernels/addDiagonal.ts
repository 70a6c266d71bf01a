import type { Kernel, Matrices, Numbers } from './kernel.ts';

/** S + diag(d), the same d for every matrix. `width` is 2 for complex matrices, else 1. */
export function addDiagonal(this: Kernel, s: Matrices, d: Numbers, width: number): number {
  const value = s[this.thread.z][this.thread.y][this.thread.x];
  return this.thread.x === this.thread.y * width ? value + d[this.thread.y] : value;
}
