/** Exact numbers of the attack: against rational numbers of BigInts, and where float64 sees nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Exact } from '../../attack/evaluate/exact.ts';
import { Rational } from '../certificate/rational.ts';

const float = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e40, max: 1e40 });

function same(a: Exact, b: Rational): boolean {
  const power = (e: number) => 1n << BigInt(e);
  return a.e >= 0 ? a.n * power(a.e) * b.d === b.n * a.d : a.n * b.d === b.n * a.d * power(-a.e);
}

describe('exact numbers', () => {
  it('add, multiply and divide as fractions do', () => {
    fc.assert(
      fc.property(float, float, float, (x, y, z) => {
        const [a, b, c] = [x, y, z].map(Exact.of) as [Exact, Exact, Exact];
        const [p, q, r] = [x, y, z].map(Rational.of) as [Rational, Rational, Rational];
        expect(same(a.plus(b).times(c), p.plus(q).times(r))).toBe(true);
        expect(same(a.minus(b), p.minus(q))).toBe(true);
        if (y !== 0) expect(same(a.over(b).plus(c), p.over(q).plus(r))).toBe(true);
        expect(a.compare(b)).toBe(Math.sign(x - y));
      }),
    );
  });

  it('give back float64, subnormal numbers included', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(Exact.of(x).toNumber()).toBe(x === 0 ? 0 : x);
      }),
    );
  });

  it('see what cancels and what underflows', () => {
    const x = Exact.of(0.1);
    expect(
      x
        .plus(x.times(Exact.of(2 ** -600)))
        .minus(x)
        .log2(),
    ).toBeCloseTo(Math.log2(0.1) - 600, 10);
    const tiny = Exact.of(1e-300);
    expect(tiny.times(tiny).over(tiny).over(tiny).toNumber()).toBeCloseTo(1, 14);
    expect(Exact.of(1e300).times(Exact.of(1e300)).log2()).toBeCloseTo(600 * Math.log2(10), 9);
  });

  it('have roots', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: 1e-30, max: 1e30 }), (x) => {
        const root = Exact.of(x).squareRoot();
        const error = root.times(root).over(Exact.of(x)).minus(Exact.of(1)).absolute;
        expect(error.sign === 0 || error.log2() < -300).toBe(true);
      }),
    );
  });
});
