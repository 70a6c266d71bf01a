/** Roots of unity in fixed point (see `fixedPoint.ts`), from series. */
const PLACES = 1280n;
/** Beyond the places kept, so that rounding does not show. */
const GUARD = 64n;
const ONE = 1n << (PLACES + GUARD);

export interface FixedComplex {
  readonly re: bigint;
  readonly im: bigint;
}

/** e^{2πik/count}, k = 0 … count − 1. */
export function fixedRoots(count: number): FixedComplex[] {
  const turn = 2n * pi();
  return Array.from({ length: count }, (_, k) => {
    const angle = (turn * BigInt(k)) / BigInt(count);
    return { re: series(angle, 0) >> GUARD, im: series(angle, 1) >> GUARD };
  });
}

/** Machin: π = 16 arctan 1/5 − 4 arctan 1/239. */
function pi(): bigint {
  return 16n * inverseTangent(5n) - 4n * inverseTangent(239n);
}

function inverseTangent(reciprocal: bigint): bigint {
  let power = ONE / reciprocal;
  let sum = 0n;
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += (k % 4n === 1n ? power : -power) / k;
    power /= reciprocal * reciprocal;
  }
  return sum;
}

/** Σ (−1)^j x^{2j+first} / (2j+first)!: the cosine from 0, the sine from 1. */
function series(x: bigint, first: 0 | 1): bigint {
  let term = first === 0 ? ONE : x;
  let sum = 0n;
  for (let k = BigInt(first); term !== 0n; k += 2n) {
    sum += term;
    term = -(((term * x) / ONE) * x) / ONE / ((k + 1n) * (k + 2n));
  }
  return sum;
}
