import type { Kernel, Matrices } from './kernel.ts';

/** As product, for complex matrices and conjugate transposes. The diagonal of a Hermitian product is real. */
export function productComplex(
  this: Kernel,
  a: Matrices,
  b: Matrices,
  k: number,
  turnedA: number,
  turnedB: number,
  strideA: number,
  strideB: number,
  hermitian: number,
): number {
  const column = Math.floor((this.thread.x + 0.5) / 2);
  const part = this.thread.x - 2 * column;
  let i = this.thread.y;
  let j = column;
  let sign = 1;
  if (hermitian > 0) {
    if (this.thread.y < column) {
      i = column;
      j = this.thread.y;
      sign = 1 - 2 * part;
    }
    if (this.thread.y === column) sign = 1 - part;
  }
  const za = this.thread.z * strideA;
  const zb = this.thread.z * strideB;
  const rowA = i * (1 - turnedA);
  const columnA = i * turnedA;
  const rowB = j * turnedB;
  const columnB = j * (1 - turnedB);
  // Re = a.re b.re − s a.im b.im and Im = t a.re b.im + u a.im b.re, where s, t, u are signs of the conjugations.
  const conjugateA = 1 - 2 * turnedA;
  const conjugateB = 1 - 2 * turnedB;
  const first = part > 0.5 ? conjugateB : 1;
  const second = part > 0.5 ? conjugateA : -conjugateA * conjugateB;
  let sum = 0;
  for (let l = 0; l < k; l++) {
    const ra = rowA + l * turnedA;
    const ca = 2 * (columnA + l * (1 - turnedA));
    const rb = rowB + l * (1 - turnedB);
    const cb = 2 * (columnB + l * turnedB);
    sum +=
      a[za][ra][ca] * first * b[zb][rb][cb + part] + a[za][ra][ca + 1] * second * b[zb][rb][cb + 1 - part];
  }
  // Not a product with zero: NaN on the diagonal is kept by its real part.
  return sign === 0 ? 0 : sign * sum;
}
