import type { Kernel, Matrices } from './kernel.ts';

/** Matrices as they are. */
export function copy(this: Kernel, a: Matrices): number {
  return a[this.thread.z][this.thread.y][this.thread.x];
}
