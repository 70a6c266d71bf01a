/** Operations on small vectors, of which those of length 1 are broadcast. */
import type { Dense } from './dense.ts';
import { floorLog2, timesPower } from './powers.ts';

/** Plain loops: what is mapped or reduced by callbacks takes several times as long. */
function filled(length: number, entry: (index: number) => number): Float64Array {
  const out = new Float64Array(length);
  for (let i = 0; i < length; i++) out[i] = entry(i);
  return out;
}

/** From one entry of a vector to the next. */
const stride = (vector: Float64Array) => (vector.length === 1 ? 0 : 1);

const commonLength = (...vectors: readonly Float64Array[]) =>
  vectors.reduce((most, { length }) => Math.max(most, length), 1);

/** Σ_k coefficient_k · vector_k, summed in the order of the terms. */
export function combine(
  terms: readonly (readonly [coefficient: number, vector: Float64Array])[],
): Float64Array {
  const length = commonLength(...terms.map(([, vector]) => vector));
  const out = new Float64Array(length);
  for (const [coefficient, vector] of terms) {
    const step = stride(vector);
    for (let i = 0; i < length; i++) out[i]! += coefficient * vector[i * step]!;
  }
  return out;
}

export function multiply(a: Float64Array, b: Float64Array): Float64Array {
  const [x, y] = [stride(a), stride(b)];
  return filled(commonLength(a, b), (i) => a[i * x]! * b[i * y]!);
}

/** NaN wins. */
export function maximum(a: Float64Array, b: Float64Array): Float64Array {
  const [x, y] = [stride(a), stride(b)];
  return filled(commonLength(a, b), (i) => Math.max(a[i * x]!, b[i * y]!));
}

export function reciprocal(a: Float64Array): Float64Array {
  return filled(a.length, (i) => 1 / a[i]!);
}

export function squareRoot(a: Float64Array): Float64Array {
  return filled(a.length, (i) => Math.sqrt(a[i]!));
}

/** out_k = the largest of a over the indices of windows[k]; NaN wins. */
export function maximumOver(a: Float64Array, windows: readonly Int32Array[]): Float64Array {
  return filled(windows.length, (k) => {
    let most = Number.NEGATIVE_INFINITY;
    for (const index of windows[k]!) most = Math.max(most, a[index]!);
    return most;
  });
}

/** out_k = the sum of a over the indices of windows[k]. */
export function sumOver(a: Float64Array, windows: readonly Int32Array[]): Float64Array {
  return filled(windows.length, (k) => {
    let sum = 0;
    for (const index of windows[k]!) sum += a[index]!;
    return sum;
  });
}

/** NaN wins. */
export function largest(a: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const x of a) most = Math.max(most, x);
  return most;
}

/** floor(log2(largest entry)); 0 when it is 0, NaN when it has no exponent (negative, infinite, NaN). */
export function exponent(a: Float64Array): number {
  return floorLog2(largest(a));
}

/** a · 2^(sign · e), also of matrices. */
export function scaleByPower(a: Dense | Float64Array, e: Float64Array, sign: 1 | -1): Float64Array {
  return timesPower(a instanceof Float64Array ? a : a.data, sign * e[0]!);
}

/** The candidate with the smallest score, the first of equals; NaN all over if every score is NaN. */
export function choose(scores: readonly Float64Array[], candidates: readonly Float64Array[]): Float64Array {
  let best: number | undefined;
  scores.forEach(([score], index) => {
    if (!Number.isNaN(score) && (best === undefined || score! < scores[best]![0]!)) best = index;
  });
  return best === undefined ? candidates[0]!.map(() => Number.NaN) : candidates[best]!.slice();
}
