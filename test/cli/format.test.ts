import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBound, formatDuration, formatLog10, formatQuantity } from '../../src/cli/output/format.ts';

/** Decimal text times 10^1100, exactly. */
function exact(text: string): bigint {
  const [mantissa, exponent] = text.split('e') as [string, string?];
  const negative = mantissa.startsWith('-');
  const [whole, fraction = ''] = mantissa.replace('-', '').split('.') as [string, string?];
  const value = BigInt(whole + fraction) * 10n ** BigInt(1100 + Number(exponent ?? 0) - fraction.length);
  return negative ? -value : value;
}

/** A float64 as exact decimal text. */
const digits = (x: number) => x.toExponential(100);

const positive = fc.double({ min: 1e-300, max: 1e300, noNaN: true });

describe('formatBound', () => {
  it('is never below the bound, and at most one unit of the sixth digit above', () => {
    fc.assert(
      fc.property(positive, (x) => {
        const shown = exact(formatBound(x, Math.log10(x)));
        const bound = exact(digits(x));
        expect(shown >= bound).toBe(true);
        expect((shown - bound) * 100_000n <= bound).toBe(true);
      }),
    );
  });

  it('keeps what six digits can say', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999 }), (n) => {
        expect(Number(formatBound(n, null))).toBe(n);
      }),
    );
    expect(formatBound(0, null)).toBe('0');
    expect(formatBound(2, null)).toBe('2.00000');
    expect(formatBound(0.125, null)).toBe('0.125000');
    expect(formatBound(123456, null)).toBe('123456');
  });

  it('rounds up, not to nearest', () => {
    expect(formatBound(1.000001, null)).toBe('1.00001');
    expect(formatBound(999999.5, null)).toBe('1.00000e+6');
    // The float64 nearest to 0.1 is above it.
    expect(formatBound(0.1, null)).toBe('0.100001');
    expect(formatBound(9.9999999, null)).toBe('10.0000');
    expect(formatBound(0.0001, null)).toBe('0.000100001');
    expect(formatBound(7.0650001e-9, null)).toBe('7.06501e-9');
  });

  it('shows a bound outside float64 from its logarithm', () => {
    expect(formatBound(null, 412.5)).toBe('3.16228e+412');
    expect(formatBound(null, -400)).toBe('1.00001e-400');
    expect(formatBound(Number.POSITIVE_INFINITY, 309)).toBe('1.00001e+309');
  });

  it('of a lower bound is never above it, and at most one unit of the sixth digit below', () => {
    fc.assert(
      fc.property(positive, fc.boolean(), (x, fromLogarithm) => {
        const shown = exact(formatBound(fromLogarithm ? null : x, Math.log10(x), 'down'));
        expect(shown <= exact(digits(x))).toBe(true);
        expect((exact(digits(x)) - shown) * 90_000n <= exact(digits(x))).toBe(true);
      }),
    );
    expect(formatBound(1.999999, null, 'down')).toBe('1.99999');
    expect(formatBound(0.125, null, 'down')).toBe('0.125000');
    expect(formatBound(null, -400, 'down')).toBe('9.99999e-401');
    expect(formatBound(0, null, 'down')).toBe('0');
  });

  it('from the logarithm alone is not below the bound either', () => {
    fc.assert(
      fc.property(positive, (x) => {
        const shown = exact(formatBound(null, Math.log10(x)));
        expect(shown >= exact(digits(x))).toBe(true);
        expect((shown - exact(digits(x))) * 90_000n <= exact(digits(x))).toBe(true);
      }),
    );
  });

  it('says so where there is no number', () => {
    expect(formatBound(null, null)).toBe('–');
    expect(formatBound(Number.NaN, Number.NaN)).toBe('–');
    expect(formatBound(Number.POSITIVE_INFINITY, null)).toBe('–');
  });
});

describe('formatLog10', () => {
  it('rounds towards +∞', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e5, max: 1e5, noNaN: true }), (x) => {
        const shown = exact(formatLog10(x));
        const value = exact(x.toFixed(100));
        expect(shown >= value).toBe(true);
        expect(shown - value < exact('0.0001')).toBe(true);
      }),
    );
    expect(formatLog10(-8.15085, 'down')).toBe('-8.1509');
    expect(formatLog10(1.50009, 'down')).toBe('1.5000');
    expect(formatLog10(-8.15085)).toBe('-8.1508');
    expect(formatLog10(-0.00001)).toBe('0.0000');
    expect(formatLog10(1.50001)).toBe('1.5001');
    expect(formatLog10(null)).toBe('–');
    expect(formatLog10(Number.NEGATIVE_INFINITY)).toBe('–');
  });
});

describe('durations and quantities', () => {
  it.each([
    [0.0123, '0.012 s'],
    [0.9999, '1.000 s'],
    [3.44, '3.4 s'],
    [59.96, '1 min 00 s'],
    [125, '2 min 05 s'],
    [3725, '1 h 02 min'],
    [Number.NaN, '?'],
  ])('%d seconds are %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it.each([
    [0, '0 B'],
    [512, '512 B'],
    [1300, '1.3 kB'],
    [9_960_000, '10 MB'],
    [999_900, '1.0 MB'],
    [2.5e10, '25 GB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatQuantity(bytes, 'B')).toBe(text));
});
