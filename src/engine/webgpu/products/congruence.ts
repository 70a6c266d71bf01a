import { scaleSides } from '../entrywise/scaleSides.ts';
import type { StoredMatrices, StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';
import { hermitianProduct, product } from './product.ts';

/** W Q, the left half of a congruence: W itself without Q, its columns scaled by a diagonal. */
export function leftHalf(
  recorder: Recorder,
  w: StoredMatrices,
  q: StoredMatrices | StoredVector | undefined,
): StoredMatrices {
  switch (q?.kind) {
    case undefined:
      return w;
    case 'vector':
      return scaleSides(recorder, w, undefined, q);
    case 'matrices':
      return product(recorder, w, q, {});
    default:
      return q satisfies never;
  }
}

/** W Q Wᴴ. */
export function congruence(
  recorder: Recorder,
  w: StoredMatrices,
  q?: StoredMatrices | StoredVector,
): StoredMatrices {
  const left = leftHalf(recorder, w, q);
  const out = hermitianProduct(recorder, left, w, { adjointB: true });
  if (left !== w) recorder.free(left);
  return out;
}
