import type { Kernel, Matrices, Numbers } from './kernel.ts';

/** As `symbol`, of rows × columns entries that begin at (row, column) of matrices which hold beside them one entry in every row at most. */
export function framedSymbol(
  this: Kernel,
  taps: Matrices,
  phases: Matrices,
  indices: Numbers,
  values: Numbers,
  count: number,
  row: number,
  column: number,
  rows: number,
  columns: number,
): number {
  const j = Math.floor((this.thread.x + 0.5) / 2);
  const part = this.thread.x - 2 * j;
  const r = this.thread.y - row;
  const c = j - column;
  if (r < -0.5 || c < -0.5 || r > rows - 0.5 || c > columns - 0.5) {
    if (part > 0.5 || indices[this.thread.y] !== j) return 0;
    return values[this.thread.y];
  }
  const entry = r * columns + c;
  let sum = 0;
  for (let t = 0; t < count; t++) sum += phases[0][this.thread.z][2 * t + part] * taps[0][t][entry];
  return sum;
}
