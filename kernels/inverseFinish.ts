import type { Kernel, Matrices } from './kernel.ts';

/** The lower triangle of what elimination left, mirrored, with a real diagonal. `width` is 2 for complex matrices, else 1. */
export function inverseFinish(this: Kernel, x: Matrices, width: number): number {
  const column = Math.floor((this.thread.x + 0.5) / width);
  const part = this.thread.x - width * column;
  if (this.thread.y === column && part > 0.5) return 0;
  if (this.thread.y >= column) return x[this.thread.z][this.thread.y][this.thread.x];
  const value = x[this.thread.z][column][this.thread.y * width + part];
  return part > 0.5 ? -value : value;
}
