import type { Kernel, Matrices, Numbers } from './kernel.ts';

/** diag(left) · A · diag(right). `width` is 2 for complex matrices, else 1. */
export function scaleSides(this: Kernel, a: Matrices, left: Numbers, right: Numbers, width: number): number {
  const j = Math.floor((this.thread.x + 0.5) / width);
  return left[this.thread.y] * a[this.thread.z][this.thread.y][this.thread.x] * right[j];
}
