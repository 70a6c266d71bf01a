/** Nonnegative numbers as (mantissa, exponent): bounds of deep networks leave the range of float64. */

export interface Scaled {
  /** In [1, 2), or 0, or NaN. */
  readonly mantissa: number;
  /** The number is mantissa · 2^exponent. */
  readonly exponent: number;
}

export const ZERO: Scaled = { mantissa: 0, exponent: 0 };
export const ONE: Scaled = { mantissa: 1, exponent: 0 };

/** x · 2^exponent, for finite x ≥ 0 (NaN stays NaN). */
export function scaled(x: number, exponent = 0): Scaled {
  if (!(x >= 0) || x === Infinity) return { mantissa: NaN, exponent: 0 };
  if (x === 0) return ZERO;
  let shift = Math.floor(Math.log2(x));
  // In two steps: 2^shift alone may be subnormal or infinite.
  const half = Math.trunc(shift / 2);
  let mantissa = x / 2 ** half / 2 ** (shift - half);
  if (mantissa >= 2) {
    mantissa /= 2;
    shift++;
  } else if (mantissa < 1) {
    mantissa *= 2;
    shift--;
  }
  return { mantissa, exponent: exponent + shift };
}

/** At least the number that a few operations in float64 stand for. */
export function roundedUp(a: Scaled, operations = 8): Scaled {
  return scaled(a.mantissa * (1 + operations * 2 ** -51), a.exponent);
}

export function times(a: Scaled, b: Scaled): Scaled {
  return scaled(a.mantissa * b.mantissa, a.exponent + b.exponent);
}

export function over(a: Scaled, b: Scaled): Scaled {
  return scaled(a.mantissa / b.mantissa, a.exponent - b.exponent);
}

export function plus(a: Scaled, b: Scaled): Scaled {
  if (a.mantissa === 0) return b;
  if (b.mantissa === 0) return a;
  const [large, small] = a.exponent >= b.exponent ? [a, b] : [b, a];
  return scaled(large.mantissa + small.mantissa * 2 ** (small.exponent - large.exponent), large.exponent);
}

export function squareRoot(a: Scaled): Scaled {
  const odd = a.exponent % 2 !== 0;
  return scaled(Math.sqrt(odd ? a.mantissa * 2 : a.mantissa), (odd ? a.exponent - 1 : a.exponent) / 2);
}

/** √Σ aₖ². */
export function hypotenuse(values: readonly Scaled[]): Scaled {
  return squareRoot(values.map((v) => times(v, v)).reduce(plus, ZERO));
}

export function largest(values: readonly Scaled[]): Scaled {
  return values.reduce((m, v) => (isLess(m, v) || Number.isNaN(v.mantissa) ? v : m), ZERO);
}

/** Total order on numbers; NaN is less than nothing and nothing is less than NaN. */
export function isLess(a: Scaled, b: Scaled): boolean {
  if (a.mantissa === 0 || b.mantissa === 0) return a.mantissa === 0 && b.mantissa > 0;
  if (Number.isNaN(a.mantissa) || Number.isNaN(b.mantissa)) return false;
  return a.exponent < b.exponent || (a.exponent === b.exponent && a.mantissa < b.mantissa);
}

/** The number, or null where float64 has none (overflow, or under its normal range). */
export function toNumber(a: Scaled): number | null {
  if (a.mantissa === 0) return 0;
  if (!(a.exponent >= -1022 && a.exponent <= 1023)) return null;
  return a.mantissa * 2 ** a.exponent;
}

/** Decimal logarithm; −∞ for 0, NaN for NaN. */
export function log10(a: Scaled): number {
  return Math.log10(a.mantissa) + a.exponent * Math.log10(2);
}
