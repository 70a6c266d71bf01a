import type { Kernel, Matrices, Numbers } from './kernel.ts';

/** Every matrix times its factor. `stride` is 0 where one matrix is repeated for all factors, else 1. */
export function scaleBatch(this: Kernel, a: Matrices, factors: Numbers, stride: number): number {
  return factors[this.thread.z] * a[this.thread.z * stride][this.thread.y][this.thread.x];
}
