import type { Kernel, Matrices } from './kernel.ts';

/** As inverseStep, for Hermitian matrices, whose pivots are real. */
export function inverseStepComplex(this: Kernel, x: Matrices, k: number, n: number): number {
  const i = this.thread.y;
  const j = Math.floor((this.thread.x + 0.5) / 2);
  const part = this.thread.x - 2 * j;
  const pivot = x[this.thread.z][k][2 * k];
  if (j >= n) return i === k ? pivot : x[this.thread.z][i][this.thread.x];
  if (i === k) {
    if (j !== k) return x[this.thread.z][k][this.thread.x] / pivot;
    return part > 0.5 ? 0 : 1 / pivot;
  }
  const re = x[this.thread.z][i][2 * k] / pivot;
  const im = x[this.thread.z][i][2 * k + 1] / pivot;
  if (j === k) return part > 0.5 ? -im : -re;
  const own = x[this.thread.z][k][this.thread.x];
  const other = x[this.thread.z][k][2 * j + 1 - part];
  const cross = part > 0.5 ? im * other : -im * other;
  return x[this.thread.z][i][this.thread.x] - (re * own + cross);
}
