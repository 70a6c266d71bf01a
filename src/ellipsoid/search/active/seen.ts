/** What a pass sees of the frequencies of a segment, and how it is noted. */

import type { Summed } from '../gradient/differentiablePass.ts';

/** What a segment's frequencies have to do with the bound; arrays have an entry for every one of its coarsest grid. */
export interface Seen {
  /** λ_max(D^{−½} S D^{−½}) at every nonlinear step but a pooling that ends the segment, the largest of what aliases there; estimates. */
  readonly tightness: readonly Float64Array[];
  /** How much of the segment's end a frequency is: of a read its part of tr S, else λ_max over the largest; estimates. */
  readonly share: Float64Array;
  /** What the shares are of. */
  readonly end: 'sum' | 'largest';
  /** The entry of `tightness` at which a frequency has left; −1 where it has not. */
  readonly left: Int32Array;
  /** What a read has summed up, without what was beside it. */
  readonly sum?: Summed;
}

/** The largest value of all that alias to each of `count` frequencies; one for all stands for each. */
export function overAliases(values: Float64Array, count: number): Float64Array {
  if (values.length === 1) return new Float64Array(count).fill(values[0]!);
  const copies = values.length / count;
  return Float64Array.from({ length: count }, (_, k) => {
    let most = 0;
    for (let i = k * copies; i < (k + 1) * copies; i++) most = Math.max(most, values[i]!);
    return most;
  });
}
