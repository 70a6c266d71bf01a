import type { Kernel, Matrices } from './kernel.ts';

/**
 * op(A)·op(B) of real matrices, summed over k. `turnedA`, `turnedB`: 1 for a transpose, else 0; `strideA`, `strideB`: 0 where one matrix
 * is used for all, else 1. A product known to be symmetric (`symmetric`: 1) is computed in its lower triangle on both sides.
 */
export function product(
  this: Kernel,
  a: Matrices,
  b: Matrices,
  k: number,
  turnedA: number,
  turnedB: number,
  strideA: number,
  strideB: number,
  symmetric: number,
): number {
  let i = this.thread.y;
  let j = this.thread.x;
  if (symmetric > 0 && this.thread.y < this.thread.x) {
    i = this.thread.x;
    j = this.thread.y;
  }
  const za = this.thread.z * strideA;
  const zb = this.thread.z * strideB;
  // Row and column of the first factors, and the steps from one to the next.
  const rowA = i * (1 - turnedA);
  const columnA = i * turnedA;
  const rowB = j * turnedB;
  const columnB = j * (1 - turnedB);
  let sum = 0;
  for (let l = 0; l < k; l++) {
    sum +=
      a[za][rowA + l * turnedA][columnA + l * (1 - turnedA)] *
      b[zb][rowB + l * (1 - turnedB)][columnB + l * turnedB];
  }
  return sum;
}
