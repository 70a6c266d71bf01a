import type { Kernel, Matrices, Numbers } from './kernel.ts';

/** Rows and columns by their numbers. */
export function submatrix(this: Kernel, a: Matrices, rows: Numbers, columns: Numbers): number {
  return a[this.thread.z][rows[this.thread.y]][columns[this.thread.x]];
}
