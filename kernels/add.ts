import type { Kernel, Matrices } from './kernel.ts';

/** A + B. */
export function add(this: Kernel, a: Matrices, b: Matrices): number {
  return a[this.thread.z][this.thread.y][this.thread.x] + b[this.thread.z][this.thread.y][this.thread.x];
}
