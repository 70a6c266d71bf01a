import type { Kernel, Matrices } from './kernel.ts';

/** ½ (c_i + c_j) S_ij / |S_ij|, with the coefficients of a matrix in a row; 0 where S_ij is 0. `width` is 2 for complex S, else 1. */
export function rowSumsAdjoint(this: Kernel, s: Matrices, coefficients: Matrices, width: number): number {
  const i = this.thread.y;
  const j = Math.floor((this.thread.x + 0.5) / width);
  const own = s[this.thread.z][i][this.thread.x];
  const re = s[this.thread.z][i][j * width];
  const im = s[this.thread.z][i][j * width + width - 1];
  const size = width > 1 ? modulus(re, im) : Math.abs(own);
  if (size === 0) return 0;
  return (0.5 * (coefficients[0][this.thread.z][i] + coefficients[0][this.thread.z][j]) * own) / size;
}
