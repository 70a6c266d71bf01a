import type { Kernel, Matrices } from './kernel.ts';

/** [[a, b], [bᴴ, c]], with `a` m × m. `width` is 2 for complex matrices, else 1. */
export function assemble(
  this: Kernel,
  a: Matrices,
  b: Matrices,
  c: Matrices,
  m: number,
  width: number,
): number {
  const i = this.thread.y;
  const edge = m * width;
  if (i < m) {
    if (this.thread.x < edge) return a[this.thread.z][i][this.thread.x];
    return b[this.thread.z][i][this.thread.x - edge];
  }
  if (this.thread.x >= edge) return c[this.thread.z][i - m][this.thread.x - edge];
  const j = Math.floor((this.thread.x + 0.5) / width);
  const part = this.thread.x - width * j;
  const value = b[this.thread.z][j][(i - m) * width + part];
  return part > 0.5 ? -value : value;
}
