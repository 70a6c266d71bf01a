import { threads } from '../kernel.ts';
import type { StoredMatrices, StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';
import { bindings, largestOf, partsOf, sizes } from './overBatch.ts';

const kernel = threads('diagonal', bindings, sizes);

/** out_i = max_b Re S_ii; NaN where one of them is. */
export function diagonal(recorder: Recorder, s: StoredMatrices): StoredVector {
  const parts = partsOf(recorder, kernel, s, 4);
  return largestOf(recorder, s.rows, parts);
}
