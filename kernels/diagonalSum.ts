import type { Kernel, Matrices } from './kernel.ts';

/** Parts of Σ_b Re A_ii: of `share` matrices each, of which there are `entries`. `width` is 2 for complex matrices, else 1. */
export function diagonalSum(
  this: Kernel,
  a: Matrices,
  width: number,
  share: number,
  entries: number,
): number {
  const i = this.thread.x;
  const first = this.thread.y * share;
  let sum = 0;
  for (let k = 0; k < share; k++) {
    if (first + k < entries) sum += a[first + k][i][i * width];
  }
  return sum;
}
