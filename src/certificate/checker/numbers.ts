/**
 * Float64 arithmetic that comes out alike in every JavaScript engine: + − × / and sqrt alone, which IEEE 754 rounds exactly.
 * (Math.sin, Math.exp, Math.log and ** may differ in the last digit from one engine to the next.)
 */

/** Unit roundoff: fl(a ∘ b) = (a ∘ b)(1 + θ), |θ| ≤ U, unless the result is subnormal. */
export const U = 1.1102230246251565e-16; // 2^-53

/** Above γ_k = k U / (1 − k U), which bounds the relative error of a sum of k products, summed in any order (k < 2^30). */
export function gamma(k: number): number {
  return k * U * 1.0000001;
}

/** Above x (1 + 3 U), for normal x ≥ 0: covers three roundings. */
export function up(x: number): number {
  return x * (1 + 16 * U);
}

/** 2^e exactly, for −1074 ≤ e ≤ 1023; 0 or Infinity beyond. */
export function powerOfTwo(e: number): number {
  let x = 1;
  for (let k = 0; k < Math.min(Math.abs(e), 1100); k++) x *= e < 0 ? 0.5 : 2;
  return x;
}

/** ⌊log2 x⌋ for finite x > 0; ends whatever x is. */
export function exponentOf(x: number): number {
  let e = 0;
  for (; x >= 2 && e < 1100; x /= 2) e++;
  for (; x < 1 && e > -1100; x *= 2) e--;
  return e;
}

/** A number m · 2^e ≥ 0 with m in [1, 2), or 0. */
export interface Scaled {
  readonly mantissa: number;
  readonly exponent: number;
}

/** √(x · 2^exponent) · factor, rounded up; x ≥ 0 finite and 0 or normal, 0 < factor < 2^100. */
export function rootUp(x: number, exponent: number, factor: number): Scaled {
  if (x === 0) return { mantissa: 0, exponent: 0 };
  const own = exponentOf(x);
  const odd = (own + exponent) % 2 === 0 ? 0 : 1;
  const root = up(Math.sqrt(x * powerOfTwo(-own) * (1 + odd)) * factor);
  const shift = exponentOf(root);
  return { mantissa: root * powerOfTwo(-shift), exponent: shift + (own + exponent - odd) / 2 };
}

/** The float64, or null outside its normal range. */
export function toNumber({ mantissa, exponent }: Scaled): number | null {
  if (mantissa === 0) return 0;
  return exponent >= -1022 && exponent <= 1023 ? mantissa * powerOfTwo(exponent) : null;
}

/** Not below log10 of the number, which is not 0. */
export function log10Up({ mantissa, exponent }: Scaled): number {
  // ln m = 2 artanh z with z = (m − 1)/(m + 1) ≤ 1/3: what follows z⁴⁵/45 is below 10⁻²².
  const z = (mantissa - 1) / (mantissa + 1);
  let sum = 0;
  for (let k = 45; k >= 1; k -= 2) sum = sum * z * z + 1 / k;
  const value = exponent * 0.3010299956639812 + 2 * z * sum * Math.LOG10E;
  return value + (Math.abs(exponent) + 4) * 16 * U;
}

/** How far an entry of `rootsOfUnity` may be from the truth. */
export const ROOT_ERROR = 32 * U;

/**
 * cos and sin of 2πk/count, k = 0 … count − 1, interleaved: Taylor polynomials on an eighth of a turn. Error: the angle, at most
 * π/4, is off by 4 U of itself, the polynomials (remainder under 10⁻²¹) by less than 8 U.
 */
export function rootsOfUnity(count: number): Float64Array {
  const roots = new Float64Array(2 * count);
  for (let k = 0; k < count; k++) {
    // 8k = octant · count + rest; odd octants are measured from their far end.
    const octant = Math.floor((8 * k) / count);
    const rest = 8 * k - octant * count;
    const odd = octant % 2 === 1;
    const x = ((odd ? count - rest : rest) / count) * 0.7853981633974483;
    let cosine = 1;
    let sine = 1;
    for (let n = 22; n >= 2; n -= 2) {
      cosine = 1 - (cosine * (x * x)) / (n * (n - 1));
      sine = 1 - (sine * (x * x)) / (n * (n + 1));
    }
    const [a, b] = odd ? [sine * x, cosine] : [cosine, sine * x];
    const quarter = octant >> 1;
    roots[2 * k] = quarter === 0 ? a : quarter === 1 ? -b : quarter === 2 ? -a : b;
    roots[2 * k + 1] = quarter === 0 ? b : quarter === 1 ? a : quarter === 2 ? -b : -a;
  }
  return roots;
}
