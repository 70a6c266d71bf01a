import type { Kernel, Matrices } from './kernel.ts';

/** factor · every matrix, `count` times. */
export function aliasAdjoint(this: Kernel, g: Matrices, count: number, factor: number): number {
  const from = Math.floor((this.thread.z + 0.5) / count);
  return factor * g[from][this.thread.y][this.thread.x];
}
