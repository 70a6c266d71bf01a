/** exp, tanh and erf in fixed point of 256 places, from series: right to some 240 of them for arguments below 16. */
const PLACES = 256n;
export const ONE = 1n << PLACES;

/** A float64, exactly (down to 2^-256). */
export function fixed(value: number): bigint {
  let places = 0n;
  let scaled = value;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    places++;
  }
  return (BigInt(scaled) << PLACES) >> places;
}

export function times(...factors: readonly bigint[]): bigint {
  return factors.reduce((a, b) => (a * b) >> PLACES, ONE);
}

export function over(a: bigint, b: bigint): bigint {
  return (a << PLACES) / b;
}

/** By halving the argument, then squaring. */
export function exp(x: bigint): bigint {
  const halvings = 24n;
  const small = x >> halvings;
  let [term, sum] = [ONE, ONE];
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    term = times(term, small) / n;
    sum += term;
  }
  for (let k = 0n; k < halvings; k++) sum = times(sum, sum);
  return sum;
}

export function tanh(x: bigint): bigint {
  const square = exp(2n * x);
  return over(square - ONE, square + ONE);
}

export function squareRoot(x: bigint): bigint {
  let root = x > ONE ? x : ONE;
  for (;;) {
    const next = (root + over(x, root)) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Machin: π = 16 arctan 1/5 − 4 arctan 1/239. */
function pi(): bigint {
  const inverseTangent = (reciprocal: bigint) => {
    let [power, sum] = [ONE / reciprocal, 0n];
    for (let k = 1n; power !== 0n; k += 2n) {
      sum += (k % 4n === 1n ? power : -power) / k;
      power /= reciprocal * reciprocal;
    }
    return sum;
  };
  return 16n * inverseTangent(5n) - 4n * inverseTangent(239n);
}

/** 2/√π */
export const ERF_SLOPE = over(2n * ONE, squareRoot(pi()));

export function erf(x: bigint): bigint {
  const square = times(x, x);
  let [power, sum] = [x, x];
  for (let n = 1n; power !== 0n && power !== -1n; n++) {
    power = -times(power, square) / n;
    sum += power / (2n * n + 1n);
  }
  return times(ERF_SLOPE, sum);
}

/** The largest value of f on [low, high], which has one maximum near the best of a grid: from below. */
export function maximum(f: (x: bigint) => bigint, low: number, high: number, points = 48): bigint {
  const [start, step] = [fixed(low), fixed((high - low) / points)];
  let [best, at] = [f(start), start];
  for (let k = 1n; k <= BigInt(points); k++) {
    const value = f(start + k * step);
    if (value > best) [best, at] = [value, start + k * step];
  }
  // Thirds: each round keeps two of three.
  let [left, right] = [at - step, at + step];
  for (let round = 0; round < 120; round++) {
    const third = (right - left) / 3n;
    const [a, b] = [f(left + third), f(right - third)];
    if (a > best) best = a;
    if (b > best) best = b;
    if (a < b) left += third;
    else right -= third;
  }
  return best;
}
