import type { Kernel, Matrices } from './kernel.ts';

/** One number of every row of every matrix, side by side: [1 | batch × rows]. */
export function column(this: Kernel, x: Matrices, at: number): number {
  return x[this.thread.y][this.thread.x][at];
}
