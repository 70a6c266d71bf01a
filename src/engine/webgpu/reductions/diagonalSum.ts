import { threads } from '../kernel.ts';
import type { StoredMatrices, StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';
import { bindings, partsOf, sizes, sumOf } from './overBatch.ts';

const kernel = threads('diagonalSum', { ...bindings, out: 'write f32' }, sizes);

/** out_i = Σ_b Re A_ii. */
export function diagonalSum(recorder: Recorder, a: StoredMatrices): StoredVector {
  const parts = partsOf(recorder, kernel, a, 4);
  const out = sumOf(recorder, a.rows, parts);
  recorder.free(parts.values);
  return out;
}
