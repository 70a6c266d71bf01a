import type { Kernel, Matrices, Numbers } from './kernel.ts';

/**
 * |A| x + plus, or |Aᵀ| x + plus for `adjoint`, with |z| = |Re z| + |Im z| and `count` terms to a sum. `width` is 2 for complex A, else 1;
 * `manyA`, `manyX`: 1 for a batch, 0 for one that is repeated.
 */
export function absoluteProduct(
  this: Kernel,
  a: Matrices,
  x: Matrices,
  plus: Numbers,
  count: number,
  width: number,
  adjoint: number,
  manyA: number,
  manyX: number,
): number {
  const i = this.thread.y;
  const entry = this.thread.z * manyA;
  const other = this.thread.z * manyX;
  let sum = plus[i];
  for (let j = 0; j < count; j++) {
    let size = 0;
    for (let part = 0; part < width; part++) {
      if (adjoint > 0.5) size += Math.abs(a[entry][j][i * width + part]);
      else size += Math.abs(a[entry][i][j * width + part]);
    }
    sum += size * x[other][j][0];
  }
  return sum;
}
