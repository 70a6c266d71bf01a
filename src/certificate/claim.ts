/** The number that the checker proves, as certificates write it. */
import { powerOfTwo, type Scaled, U } from './checker/numbers.ts';

export interface Claim {
  /** ‖f(x) − f(y)‖₂ ≤ bound · ‖x − y‖₂. Null outside float64. */
  readonly bound: number | null;
  /** Decimal logarithm of the bound, rounded up. */
  readonly log10: number;
}

/** @param value with a mantissa in [1, 2) */
export function claimOf(value: Scaled): Claim {
  return { bound: toNumber(value), log10: log10Up(value) };
}

/** The float64, or null outside its normal range. */
function toNumber({ mantissa, exponent }: Scaled): number | null {
  return exponent >= -1022 && exponent <= 1023 ? mantissa * powerOfTwo(exponent) : null;
}

/** Not below log10 of the number. */
function log10Up({ mantissa, exponent }: Scaled): number {
  // ln m = 2 artanh z with z = (m − 1)/(m + 1) ≤ 1/3: what follows z⁴⁵/45 is below 10⁻²².
  const z = (mantissa - 1) / (mantissa + 1);
  let sum = 0;
  for (let k = 45; k >= 1; k -= 2) sum = sum * z * z + 1 / k;
  const value = exponent * 0.3010299956639812 + 2 * z * sum * Math.LOG10E;
  return value + (Math.abs(exponent) + 4) * 16 * U;
}
