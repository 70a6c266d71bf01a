import type { Kernel, Numbers } from './kernel.ts';

/** diag(d). `width` is 2 for a complex matrix, else 1. */
export function diagonalMatrix(this: Kernel, d: Numbers, width: number): number {
  return this.thread.x === this.thread.y * width ? d[this.thread.y] : 0;
}
