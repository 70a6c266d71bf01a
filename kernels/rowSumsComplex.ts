import type { Kernel, Matrices } from './kernel.ts';

/** As rowSums, for complex S. */
export function rowSumsComplex(this: Kernel, s: Matrices, n: number, share: number, entries: number): number {
  const first = this.thread.y * share;
  let most = 0;
  for (let k = 0; k < share; k++) {
    if (first + k < entries) {
      let sum = 0;
      for (let j = 0; j < n; j++) {
        sum += modulus(s[first + k][this.thread.x][2 * j], s[first + k][this.thread.x][2 * j + 1]);
      }
      most = larger(most, sum);
    }
  }
  return most;
}
