import type { Kernel, Matrices, Numbers } from './kernel.ts';

/** diag(left) R diag(left) − diag(subtract): lower triangle, mirrored, with a real diagonal. `width` is 2 for complex R, else 1. */
export function throughSector(
  this: Kernel,
  r: Matrices,
  left: Numbers,
  subtract: Numbers,
  width: number,
): number {
  const column = Math.floor((this.thread.x + 0.5) / width);
  const part = this.thread.x - width * column;
  const row = this.thread.y;
  if (row === column) {
    if (part > 0.5) return 0;
    return left[row] * r[this.thread.z][row][this.thread.x] * left[row] - subtract[row];
  }
  if (row > column) return left[row] * r[this.thread.z][row][this.thread.x] * left[column];
  const value = left[column] * r[this.thread.z][column][row * width + part] * left[row];
  return part > 0.5 ? -value : value;
}
