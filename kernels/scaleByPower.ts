import type { Kernel, Matrices, Numbers } from './kernel.ts';

/** a · 2^e. `stride` is 0 where one exponent serves all matrices, 1 where each has its own. */
export function scaleByPower(this: Kernel, a: Matrices, e: Numbers, stride: number): number {
  return timesPower(a[this.thread.z][this.thread.y][this.thread.x], e[this.thread.z * stride]);
}
