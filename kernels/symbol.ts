import type { Kernel, Matrices } from './kernel.ts';

/** out[b] = Σ_t phases[b, t] · taps[t], for `count` taps of `columns` numbers a row. */
export function symbol(
  this: Kernel,
  taps: Matrices,
  phases: Matrices,
  count: number,
  columns: number,
): number {
  const j = Math.floor((this.thread.x + 0.5) / 2);
  const part = this.thread.x - 2 * j;
  const entry = this.thread.y * columns + j;
  let sum = 0;
  for (let t = 0; t < count; t++) sum += phases[0][this.thread.z][2 * t + part] * taps[0][t][entry];
  return sum;
}
