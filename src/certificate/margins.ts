/** Bounds of all differences of two outputs, as lists in the order of i > j. */
import { powerOfTwo, type Scaled } from './checker/numbers.ts';

/** Of every difference the least that any of some multipliers prove. */
export function bestDifferences(all: readonly (readonly Scaled[])[]): Scaled[] {
  return all[0]!.map((first, k) =>
    all.reduce((least, list) => (isLess(list[k]!, least) ? list[k]! : least), first),
  );
}

/** @param a and b with mantissas in [1, 2) */
export function isLess(a: Scaled, b: Scaled): boolean {
  return a.exponent < b.exponent || (a.exponent === b.exponent && a.mantissa < b.mantissa);
}

/** As float64: Infinity above its range, and below it the least normal number. */
export function boundsOf(values: readonly Scaled[]): number[] {
  return values.map(({ mantissa, exponent }) =>
    exponent < -1022 ? powerOfTwo(-1022) : mantissa * powerOfTwo(exponent),
  );
}

/** The symmetric table of a list. */
export function square(list: readonly number[]): number[][] {
  const outputs = (1 + Math.sqrt(1 + 8 * list.length)) / 2;
  const table = Array.from({ length: outputs }, () => new Array<number>(outputs).fill(0));
  let k = 0;
  for (let i = 0; i < outputs; i++) {
    for (let j = 0; j < i; j++, k++) {
      table[i]![j] = list[k]!;
      table[j]![i] = list[k]!;
    }
  }
  return table;
}
