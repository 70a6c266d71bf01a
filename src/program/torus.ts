/**
 * The torus on which a segment of a network is made periodic (docs/mathematics.md §2).
 *
 * Spacings are distances between neighbouring samples of a tensor, in a unit that makes all of them whole numbers;
 * a stride multiplies them, a transposed convolution divides them.
 */

import { leastCommonMultiple } from '../spectrum/frequencies.ts';

/** What one operator asks of the torus along one axis. */
export interface TorusDemand {
  /** Who asks, for messages. */
  readonly name: string;
  readonly axis: number;
  /** Spacing of the tensor it speaks of. */
  readonly spacing: number;
  /** Samples at that spacing: at least so many (zero padding, plain windows), or just so many (circular padding). */
  readonly samples: number;
  readonly exactly: boolean;
}

export class TorusConflict extends Error {
  override readonly name = 'TorusConflict';
  readonly demand: TorusDemand;
  constructor(demand: TorusDemand, found: number) {
    super(
      `${demand.name}: circular padding needs a torus of exactly ${demand.samples} samples on axis ${demand.axis}, ` +
        `other operators make it ${found}`,
    );
    this.demand = demand;
  }
}

/**
 * The smallest torus, in units per axis, that satisfies all demands and on which every spacing in
 * `spacings` (one array per tensor) has a whole number of samples.
 * @throws TorusConflict where circular padding and the other operators disagree.
 */
export function chooseTorus(
  axes: number,
  spacings: readonly (readonly number[])[],
  demands: readonly TorusDemand[],
): number[] {
  return Array.from({ length: axes }, (_, axis) => {
    const step = spacings.reduce((l, s) => leastCommonMultiple(l, s[axis]!), 1);
    const own = demands.filter((d) => d.axis === axis);
    const atLeast = own.reduce((m, d) => Math.max(m, d.samples * d.spacing), 1);
    const exact = own.find((d) => d.exactly);
    const side = exact ? exact.samples * exact.spacing : Math.ceil(atLeast / step) * step;
    for (const d of own) {
      const found = side / d.spacing;
      if (d.exactly ? found !== d.samples : found < d.samples) throw new TorusConflict(exact ?? d, atLeast);
    }
    if (exact && side % step !== 0) throw new TorusConflict(exact, Math.ceil(side / step) * step);
    return side;
  });
}
