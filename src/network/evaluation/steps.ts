/** Evaluations that stop at every product with a linear map, for whoever carries them out to make it as it likes. */
import type { AffineMap } from './linearMap.ts';

/** A x, or Aᵀ x for `adjoint`. */
export interface LinearProduct {
  readonly map: AffineMap;
  readonly x: Float64Array;
  readonly adjoint: boolean;
}

export type Steps<T> = Generator<LinearProduct, T, Float64Array>;

/** By the map's own loops. */
export function plainProduct({ map, x, adjoint }: LinearProduct): Float64Array {
  return adjoint ? map.transpose(x) : map.apply(x);
}

/** What comes of them with all products made in plain loops, at once. */
export function atOnce<T>(steps: Steps<T>): T {
  let next = steps.next();
  while (!next.done) next = steps.next(plainProduct(next.value));
  return next.value;
}
