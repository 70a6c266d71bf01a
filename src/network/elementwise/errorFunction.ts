/**
 * The error function to about 1e-15 relative accuracy: the series with positive terms (Abramowitz & Stegun
 * 7.1.6) near zero, the continued fraction of erfc (7.1.14) elsewhere.
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (!(a < 6)) return Number.isNaN(x) ? Number.NaN : Math.sign(x); // 1 − erf(6) < 2^-54
  return Math.sign(x) * (a < SERIES_END ? series(a) : 1 - complementaryFraction(a));
}

/** Below it the series needs at most 40 terms; above it 60 levels of the fraction are plenty. */
const SERIES_END = 2;

function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 2 ** -54; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

function complementaryFraction(x: number): number {
  let tail = x;
  for (let n = 60; n > 0; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}
