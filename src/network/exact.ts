/** Sums and products of float64 numbers, and whether they are exact. */

/** Products from 2^−900 to 2^900 in modulus, of factors up to 2^990, neither vanish nor overflow, nor do the parts that tell their error. */
const LARGEST_PRODUCT = 2 ** 900;
const LARGEST_FACTOR = 2 ** 990;
/** Sums of numbers up to here do not overflow on the way. */
const LARGEST_SUMMAND = 2 ** 1000;
/** Veltkamp's: x times it, less what that is too large by, is the upper half of x's digits. */
const SPLITTER = 2 ** 27 + 1;

/**
 * Whether every product of an entry of one with an entry of the other is 0 because a factor is, or far from the ends of the range of
 * float64, so that its relative error is at most 2^−53.
 */
export function multipliable(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  const [lowA, highA] = extremes(a);
  const [lowB, highB] = extremes(b);
  if (highA === 0 || highB === 0) return true;
  const factors = highA <= LARGEST_FACTOR && highB <= LARGEST_FACTOR;
  return factors && lowA * lowB >= 1 / LARGEST_PRODUCT && highA * highB <= LARGEST_PRODUCT;
}

/** The least and the largest modulus of the entries that are not 0; [∞, 0] without any. */
function extremes(values: ArrayLike<number>): [number, number] {
  let [low, high] = [Infinity, 0];
  for (let k = 0; k < values.length; k++) {
    const x = Math.abs(values[k]!);
    if (x === 0) continue;
    if (x < low) low = x;
    // NaN stays.
    if (!(x <= high)) high = x;
  }
  return [low, high];
}

/** Whether a · b has no rounding error, for factors that are `multipliable` (Dekker 1971). */
export function isExactProduct(a: number, b: number): boolean {
  if (a === 0 || b === 0) return true;
  const product = a * b;
  const [upperA, upperB] = [upperHalf(a), upperHalf(b)];
  const [lowerA, lowerB] = [a - upperA, b - upperB];
  return lowerA * lowerB - (product - upperA * upperB - lowerA * upperB - upperA * lowerB) === 0;
}

function upperHalf(x: number): number {
  const shifted = SPLITTER * x;
  return shifted - (shifted - x);
}

/** Factors of 1/x for any finite x other than 0: one that is rounded, and two powers of two. */
export function reciprocalFactors(x: number): readonly [inverse: number, power: number, power: number] {
  // Within one of the exponent, which is near enough.
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  const half = Math.trunc(-exponent / 2);
  const powers = [2 ** half, 2 ** (-exponent - half)] as const;
  return [1 / (x * powers[0] * powers[1]), ...powers];
}

export interface Sum {
  /** Within two relative errors of 2^−53 of the exact sum. */
  readonly value: number;
  readonly exact: boolean;
  /** Numbers that add up to the exact sum, few of them: they do not overlap. */
  readonly partials: readonly number[];
}

/** The sum of numbers as if it were rounded only in the end (Shewchuk 1997: partial sums that do not overlap). */
export function exactSum(terms: readonly number[]): Sum {
  let partials: readonly number[] = [];
  for (const term of terms) partials = grown(partials, term);
  // From the largest down: what comes after the first sum that is not exact is too small to show.
  const value = partials.reduceRight((sum, x) => sum + x, 0);
  const regular = terms.every((x) => Math.abs(x) <= LARGEST_SUMMAND);
  return { value, exact: regular && grown(partials, -value).length === 0, partials };
}

/** Partial sums with one more term, without error. */
function grown(partials: readonly number[], term: number): number[] {
  const next: number[] = [];
  let x = term;
  for (const y of partials) {
    const sum = x + y;
    const [large, small] = Math.abs(x) < Math.abs(y) ? [y, x] : [x, y];
    const rest = small - (sum - large);
    if (rest !== 0) next.push(rest);
    x = sum;
  }
  if (x !== 0) next.push(x);
  return next;
}

/** Relative errors that `exactSum` makes where it is not exact. */
const ROUNDINGS_OF_SUM = 2;

/** What several weights for one and the same entry are merged to. */
export interface Merged extends Sum {
  /** Relative errors of 2^−53 in the value, against `magnitude`. */
  readonly roundings: number;
  /** |value| where nothing of what is uncertain can cancel, else the sum of the moduli. */
  readonly magnitude: number;
}

/** The sum of weights that are each off by so many relative errors of 2^−53 at most. */
export function merged(terms: readonly number[], roundings: number): Merged {
  const sum = exactSum(terms);
  const cancels = roundings > 0 && terms.some((x) => x > 0) && terms.some((x) => x < 0);
  return {
    ...sum,
    roundings: roundings + (sum.exact ? 0 : ROUNDINGS_OF_SUM),
    magnitude: cancels ? terms.reduce((total, x) => total + Math.abs(x), 0) : Math.abs(sum.value),
  };
}
