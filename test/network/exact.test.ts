/** Sums and products of float64 numbers against numbers that do not round. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactSum, isExactProduct, merged, multipliable } from '../../src/network/exact.ts';
import { Dyadic } from '../support/dyadic.ts';
import { runs } from '../support/runs.ts';

/** Numbers of many sizes and few digits, which cancel often. */
const number = fc
  .tuple(fc.integer({ min: -15, max: 15 }), fc.integer({ min: -1070, max: 990 }), fc.boolean())
  .map(([n, e, near]) => n * 2 ** (near ? e % 70 : e));

const total = (terms: readonly number[]) => terms.map(Dyadic.of).reduce((a, b) => a.plus(b), Dyadic.ZERO);
const modulus = (x: Dyadic) => (x.n < 0n ? new Dyadic(-x.n, x.e) : x);
const apart = (a: Dyadic, b: Dyadic) => modulus(a.plus(new Dyadic(-b.n, b.e)));

test('sums are within two roundings of themselves, and exact where they say so', () => {
  fc.assert(
    fc.property(fc.array(number, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 6 }), (some, again) => {
      // Most sums would be those of the largest term alone.
      const terms = [...some, ...again.map((k) => (some.length > 0 ? -some[k % some.length]! : 0))];
      const { value, exact, partials } = exactSum(terms);
      const sum = total(terms);
      expect(apart(total(partials), sum).n).toBe(0n);
      const off = apart(Dyadic.of(value), sum);
      expect(exact).toBe(off.n === 0n);
      const most = modulus(sum).times(new Dyadic(1n, -52));
      expect(most.isBelow(off)).toBe(false);
    }),
    { numRuns: runs(2000), seed: 1 },
  );
});

test('sums of what is uncertain are compared with their moduli where anything cancels', () => {
  expect(merged([1, 2 ** -60, -1], 0)).toMatchObject({ value: 2 ** -60, magnitude: 2 ** -60, roundings: 0 });
  expect(merged([1, 2 ** -60, -1], 3)).toMatchObject({
    value: 2 ** -60,
    magnitude: 2 + 2 ** -60,
    roundings: 3,
  });
  expect(merged([1, 2 ** -60], 3)).toMatchObject({ value: 1, magnitude: 1, roundings: 5 });
  expect(merged([-3, -1], 3)).toMatchObject({ value: -4, magnitude: 4, roundings: 3 });
});

test('products that are allowed are within one rounding of themselves, and exact where they say so', () => {
  const factor = fc
    .tuple(fc.maxSafeInteger(), fc.integer({ min: -1074, max: 970 }), fc.integer({ min: 0, max: 52 }))
    .map(([n, e, bits]) => Math.trunc(n / 2 ** bits) * 2 ** e);
  let allowed = 0;
  fc.assert(
    fc.property(factor, factor, (a, b) => {
      if (!multipliable([a], [b])) return;
      allowed++;
      const product = Dyadic.of(a).times(Dyadic.of(b));
      const off = apart(Dyadic.of(a * b), product);
      expect(isExactProduct(a, b)).toBe(off.n === 0n);
      expect(modulus(product).times(new Dyadic(1n, -53)).isBelow(off)).toBe(false);
    }),
    { numRuns: runs(4000), seed: 1 },
  );
  expect(allowed).toBeGreaterThan(1000);
});

test.each([
  { a: [1e-200], b: [1e-200] },
  { a: [1, 1e-300], b: [2 ** -1, 1e-8] },
  { a: [1e200], b: [0, 1e200] },
  { a: [Infinity], b: [1] },
  { a: [NaN], b: [1] },
  { a: [5e-324], b: [1] },
])('products of $a and $b are not', ({ a, b }) => {
  expect(multipliable(a, b)).toBe(false);
});

test.each([
  { a: [1e-200, 0], b: [1e-60] },
  { a: [0], b: [1e300] },
  { a: [], b: [1e300] },
])('products of $a and $b are', ({ a, b }) => {
  expect(multipliable(a, b)).toBe(true);
});
