import type { Kernel, Matrices } from './kernel.ts';

/** Parts of max_b Re S_ii: of `share` matrices each, of which there are `entries`. `width` is 2 for complex matrices, else 1. */
export function diagonal(this: Kernel, s: Matrices, width: number, share: number, entries: number): number {
  const i = this.thread.x;
  const first = this.thread.y * share;
  let most = s[first][i][i * width];
  for (let k = 1; k < share; k++) {
    if (first + k < entries) most = larger(most, s[first + k][i][i * width]);
  }
  return most;
}
