import type { Kernel, Matrices } from './kernel.ts';

/** Parts of max_b Σ_j |S_ij| for real S: of `share` matrices each, of which there are `entries`. */
export function rowSums(this: Kernel, s: Matrices, n: number, share: number, entries: number): number {
  const first = this.thread.y * share;
  let most = 0;
  for (let k = 0; k < share; k++) {
    if (first + k < entries) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += Math.abs(s[first + k][this.thread.x][j]);
      most = larger(most, sum);
    }
  }
  return most;
}
