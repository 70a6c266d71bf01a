import type { Kernel, Matrices } from './kernel.ts';

/** S without its diagonal, of which NaN stays. `width` is 2 for complex S, else 1. */
export function offDiagonal(this: Kernel, s: Matrices, width: number): number {
  const j = Math.floor((this.thread.x + 0.5) / width);
  const value = s[this.thread.z][this.thread.y][this.thread.x];
  return j === this.thread.y ? zeroUnlessNaN(value) : value;
}
