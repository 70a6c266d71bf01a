import { threads } from '../kernel.ts';
import type { StoredMatrices, StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';
import { bindings, largestOf, partsOf, sizes } from './overBatch.ts';

const kernel = threads('rowSums', bindings, sizes);

/** out_i = max_b Σ_j |S_ij|; NaN where a row of some entry holds one. */
export function rowSums(recorder: Recorder, s: StoredMatrices): StoredVector {
  const parts = partsOf(recorder, kernel, s, 8 * s.rows);
  return largestOf(recorder, s.rows, parts);
}
