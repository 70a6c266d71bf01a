import type { Kernel, Matrices } from './kernel.ts';

/** Real matrices as complex ones. */
export function toComplex(this: Kernel, a: Matrices): number {
  const j = Math.floor((this.thread.x + 0.5) / 2);
  const isReal = this.thread.x - 2 * j < 0.5;
  return isReal ? a[this.thread.z][this.thread.y][j] : 0;
}
