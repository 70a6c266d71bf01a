/** Operations on small vectors. Vectors of length 1 are broadcast to `length`. */
import { floorLog2, powerFactors } from './powers.ts';
import { allocate } from './storage.ts';

function at(vector: Float64Array, index: number): number {
  return vector[vector.length === 1 ? 0 : index]!;
}

/** Σ_k coefficient_k · vector_k, summed in the order of the terms. */
export function combine(
  coefficients: readonly number[],
  vectors: readonly Float64Array[],
  length: number,
): Float64Array {
  return new Float64Array(length).map((_, i) =>
    vectors.reduce((sum, vector, k) => sum + coefficients[k]! * at(vector, i), 0),
  );
}

export function multiply(a: Float64Array, b: Float64Array, length: number): Float64Array {
  return new Float64Array(length).map((_, i) => at(a, i) * at(b, i));
}

/** NaN wins. */
export function maximum(a: Float64Array, b: Float64Array, length: number): Float64Array {
  return new Float64Array(length).map((_, i) => Math.max(at(a, i), at(b, i)));
}

export function reciprocal(a: Float64Array): Float64Array {
  return a.map((x) => 1 / x);
}

export function squareRoot(a: Float64Array): Float64Array {
  return a.map(Math.sqrt);
}

/** out_k = the largest of a over the indices of windows[k]; NaN wins. */
export function maximumOver(a: Float64Array, windows: readonly Int32Array[]): Float64Array {
  return Float64Array.from(windows, (window) =>
    window.reduce((most, index) => Math.max(most, a[index]!), Number.NEGATIVE_INFINITY),
  );
}

/** out_k = the sum of a over the indices of windows[k]. */
export function sumOver(a: Float64Array, windows: readonly Int32Array[]): Float64Array {
  return Float64Array.from(windows, (window) => window.reduce((sum, index) => sum + a[index]!, 0));
}

/** NaN wins. */
export function largest(a: Float64Array): number {
  return a.reduce((x, y) => Math.max(x, y), Number.NEGATIVE_INFINITY);
}

/** floor(log2(largest entry)); 0 when it is 0, NaN when it has no exponent (negative, infinite, NaN). */
export function exponent(a: Float64Array): number {
  return floorLog2(largest(a));
}

/** a · 2^e; matrices are scaled by it too. */
export function scaleByPower(a: Float64Array, e: number): Float64Array {
  const [first, second, third] = powerFactors(e);
  const out = allocate(a.length);
  for (let i = 0; i < out.length; i++) out[i] = a[i]! * first * second * third;
  return out;
}

/** The candidate with the smallest score, the first of equals; NaN all over if every score is NaN. */
export function choose(scores: readonly number[], candidates: readonly Float64Array[]): Float64Array {
  let best: number | undefined;
  scores.forEach((score, index) => {
    if (!Number.isNaN(score) && (best === undefined || score < scores[best]!)) best = index;
  });
  return best === undefined ? candidates[0]!.map(() => Number.NaN) : candidates[best]!.slice();
}
