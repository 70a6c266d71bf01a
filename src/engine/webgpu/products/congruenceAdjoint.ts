import type { StoredMatrices } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';
import { hermitianProduct, product } from './product.ts';

/** Wᴴ G W. */
export function congruenceAdjoint(recorder: Recorder, w: StoredMatrices, g: StoredMatrices): StoredMatrices {
  const left = product(recorder, w, g, { adjointA: true });
  const out = hermitianProduct(recorder, left, w, {});
  recorder.free(left);
  return out;
}
