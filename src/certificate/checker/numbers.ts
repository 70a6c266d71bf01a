/**
 * Float64 arithmetic that comes out alike in every JavaScript engine: + − × / and sqrt alone, which IEEE 754 rounds exactly.
 * (Math.sin, Math.exp, Math.log and ** may differ in the last digit from one engine to the next.)
 */

/** Unit roundoff: fl(a ∘ b) = (a ∘ b)(1 + θ), |θ| ≤ U, unless the result is subnormal. */
export const U = 1.1102230246251565e-16; // 2^-53

/** Above γ_k = k U / (1 − k U), which bounds the relative error of a sum of k products, summed in any order (k < 2^30). */
export const gamma = (k: number) => k * U * 1.0000001;

/** Above x (1 + 3 U), for normal x ≥ 0: covers three roundings. */
export const up = (x: number) => x * (1 + 16 * U);

/** 2^e for −1022 ≤ e ≤ 1023, from 2^-1022 on. */
const POWERS = new Float64Array(2046).fill(2 ** -1022);
for (let k = 1; k < POWERS.length; k++) POWERS[k] = 2 * POWERS[k - 1]!;

/** 2^e exactly, for −1022 ≤ e ≤ 1023; 0 or Infinity beyond. */
export const powerOfTwo = (e: number) => POWERS[e + 1022] ?? (e < 0 ? 0 : Infinity);

/** x · 2^e, exactly unless that is subnormal, for |e| ≤ 2044: in two steps, since 2^e itself may be out of range. */
export function timesPower(x: number, e: number): number {
  const half = Math.trunc(e / 2);
  return x * powerOfTwo(half) * powerOfTwo(e - half);
}

/** ⌊log2 x⌋ for x > 0; ends whatever x is. */
export function exponentOf(x: number): number {
  let e = 0;
  for (; x >= 2 && e < 1100; x /= 2) e++;
  for (; x < 1 && e > -1100; x *= 2) e--;
  return e;
}

/** A number m · 2^e > 0. */
export interface Scaled {
  readonly mantissa: number;
  readonly exponent: number;
}

/** √x · factor, rounded up; the mantissa of x and its product with the factor are normal. */
export function rootUp({ mantissa, exponent }: Scaled, factor: number): Scaled {
  const root = up(Math.sqrt(mantissa) * factor);
  const own = exponentOf(root);
  return { mantissa: root * powerOfTwo(-own), exponent: exponent / 2 + own };
}

/** How far an entry of `rootsOfUnity` may be from the truth. */
export const ROOT_ERROR = 32 * U;

/**
 * cos and sin of 2πk/count, k = 0 … count − 1, interleaved: Taylor polynomials on an eighth of a turn either way, turned by
 * quarters. Error: the angle, at most π/4, is off by 4 U of itself, the polynomials (remainder under 10⁻²¹) by less than 8 U.
 */
export function rootsOfUnity(count: number): Float64Array {
  const roots = new Float64Array(2 * count);
  for (let k = 0; k < count; k++) {
    const quarters = Math.round((4 * k) / count);
    const x = ((4 * k - quarters * count) / count) * 1.5707963267948966;
    let [cosine, sine] = [1, 1];
    for (let n = 22; n >= 2; n -= 2) {
      cosine = 1 - (cosine * (x * x)) / (n * (n - 1));
      sine = 1 - (sine * (x * x)) / (n * (n + 1));
    }
    let [re, im] = [cosine, sine * x];
    for (let turn = 0; turn < quarters; turn++) [re, im] = [-im, re];
    roots.set([re, im], 2 * k);
  }
  return roots;
}
