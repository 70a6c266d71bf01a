import { threads } from '../kernel.ts';
import type { StoredMatrices, StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';
import { bindings, largestOf, partsOf, sizes } from './overBatch.ts';

const kernel = threads('columnMaximum', bindings, sizes);

/** out_i = max_b x_i of real columns x [B | n × 1]; NaN wins. */
export function columnMaximum(recorder: Recorder, x: StoredMatrices): StoredVector {
  const parts = partsOf(recorder, kernel, x, 4);
  return largestOf(recorder, x.rows, parts);
}
