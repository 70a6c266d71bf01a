import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatFactor, formatInteger, formatLower, formatUp } from '../../demo/src/format.ts';

const positive = fc.double({ min: 1e-200, max: 1e200, noNaN: true });

describe('numbers of the page', () => {
  it('are never below a bound', () => {
    fc.assert(
      fc.property(positive, fc.integer({ min: 2, max: 6 }), (value, digits) => {
        const shown = Number(formatUp(value, digits));
        expect(shown).toBeGreaterThanOrEqual(value);
        expect(shown).toBeLessThanOrEqual(value * (1 + 1.001 * 10 ** (1 - digits)));
      }),
      { numRuns: 2000 },
    );
    expect(formatUp(0.99951, 3)).toBe('1.00');
    expect(formatUp(343.9999, 3)).toBe('344');
    expect(formatUp(344.0001, 3)).toBe('345');
  });

  it('are never above a lower bound', () => {
    fc.assert(
      fc.property(positive, (value) => {
        const shown = Number(formatLower(value, Math.log10(value)));
        expect(shown).toBeLessThanOrEqual(value);
        expect(shown).toBeGreaterThanOrEqual(value * (1 - 1.001e-5));
      }),
      { numRuns: 2000 },
    );
    expect(formatLower(0, null)).toBe('0.00000');
    expect(formatLower(null, 400.12349)).toBe('10^400.1234');
    expect(formatLower(null, -400.12341)).toBe('10^-400.1235');
  });

  it('have factors and groups of digits', () => {
    expect(formatFactor(Math.log10(1.4271))).toBe('1.43×');
    expect(formatFactor(Math.log10(42.71))).toBe('42.7×');
    expect(formatFactor(7.5)).toBe('3.16228e+7×');
    expect(formatInteger(125440000)).toBe('125\u202f440\u202f000');
    expect(formatInteger(80)).toBe('80');
  });
});
