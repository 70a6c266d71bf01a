/** Exact powers of two: exponents of doubles and multiplication by 2^e over the whole range. */
import { allocate } from './storage.ts';

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const highWord = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** floor(log2(x)) of a positive x; 0 for 0; NaN for what has no exponent (negative, infinite, NaN). */
export function floorLog2(x: number): number {
  if (x === 0) return 0;
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return Number.NaN;
  const subnormal = x < 2 ** -1022;
  double[0] = subnormal ? x * 2 ** 54 : x;
  return (words[highWord]! >>> 20) - 1023 - (subnormal ? 54 : 0);
}

/** Three factors that turn x into x · 2^e, |e| ≤ 3000, when multiplied on from left to right: exact unless the result is
 *  subnormal or overflows. A NaN exponent gives NaN. */
export function powerFactors(e: number): readonly [number, number, number] {
  const step = Math.max(-1000, Math.min(1000, e));
  const next = Math.max(-1000, Math.min(1000, e - step));
  return [2 ** step, 2 ** next, 2 ** (e - step - next)];
}

/** All numbers times 2^e. */
export function timesPower(a: Float64Array, e: number): Float64Array {
  const [first, second, third] = powerFactors(e);
  const out = allocate(a.length);
  for (let i = 0; i < out.length; i++) out[i] = a[i]! * first * second * third;
  return out;
}
