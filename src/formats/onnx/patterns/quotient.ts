/** Numbers of a file multiplied and divided, kept apart until they are all known. */

/** The product of some numbers over the product of others. */
export interface Quotient {
  readonly over: readonly number[];
  readonly under: readonly number[];
}

export const ONE: Quotient = { over: [], under: [] };

export function times(a: Quotient, b: Quotient): Quotient {
  return { over: [...a.over, ...b.over], under: [...a.under, ...b.under] };
}

export function over(a: Quotient, b: Quotient): Quotient {
  return { over: [...a.over, ...b.under], under: [...a.under, ...b.over] };
}

/** Beyond, products of a few numbers might leave float64 on the way. */
const LARGEST = 2 ** 64;

/** Its value to a few units in the last place; undefined where a number is 0, tiny, huge or not finite. */
export function rounded({ over, under }: Quotient): number | undefined {
  const fine = [...over, ...under].every((x) => Math.abs(x) <= LARGEST && Math.abs(x) >= 1 / LARGEST);
  const product = (numbers: readonly number[]) => numbers.reduce((a, b) => a * b, 1);
  return fine ? product(over) / product(under) : undefined;
}

/** Its value, rounded away from 0 unless it is exact. */
export function outward(quotient: Quotient): number | undefined {
  const reduced = withoutCommon(quotient);
  const value = rounded(reduced);
  const numbers = [...reduced.over, ...reduced.under];
  const rest = numbers.filter((x) => !isPowerOfTwo(x));
  // A single number that is multiplied stays as it is.
  const exact = rest.length === 0 || (rest.length === 1 && reduced.over.includes(rest[0]!));
  return value === undefined || exact ? value : value * (1 + numbers.length * 2 ** -51);
}

/** Numbers that are both multiplied and divided by are left out. */
function withoutCommon({ over, under }: Quotient): Quotient {
  const left = [...over];
  const rest = under.filter((number) => {
    const at = left.indexOf(number);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return { over: left, under: rest };
}

function isPowerOfTwo(x: number): boolean {
  return Number.isInteger(Math.log2(Math.abs(x))) && 2 ** Math.log2(Math.abs(x)) === Math.abs(x);
}
