import type { Kernel, Matrices, Numbers } from './kernel.ts';

/**
 * Parts of Σ_b weights[b] · Re(T[b] W[b]ᴴ): of `share` matrices each, of which there are `entries`; k numbers a row. The sum is
 * symmetric: its lower triangle is computed on both sides.
 */
export function windowSum(
  this: Kernel,
  t: Matrices,
  w: Matrices,
  weights: Numbers,
  k: number,
  share: number,
  entries: number,
  strideT: number,
  strideW: number,
): number {
  const i = Math.max(this.thread.x, this.thread.y);
  const j = Math.min(this.thread.x, this.thread.y);
  const first = this.thread.z * share;
  let sum = 0;
  for (let b = 0; b < share; b++) {
    const entry = first + b;
    if (entry < entries) {
      let own = 0;
      for (let l = 0; l < k; l++) own += t[entry * strideT][i][l] * w[entry * strideW][j][l];
      sum += weights[entry] * own;
    }
  }
  return sum;
}
