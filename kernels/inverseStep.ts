import type { Kernel, Matrices } from './kernel.ts';

/**
 * One step of Gauss–Jordan elimination in place of real symmetric matrices, without exchanges: pivot k, which is that of Cholesky and
 * is kept at the end of its row.
 */
export function inverseStep(this: Kernel, x: Matrices, k: number, n: number): number {
  const i = this.thread.y;
  const j = this.thread.x;
  const pivot = x[this.thread.z][k][k];
  if (j >= n) return i === k ? pivot : x[this.thread.z][i][j];
  if (i === k) return j === k ? 1 / pivot : x[this.thread.z][k][j] / pivot;
  const factor = x[this.thread.z][i][k] / pivot;
  if (j === k) return -factor;
  return x[this.thread.z][i][j] - factor * x[this.thread.z][k][j];
}
