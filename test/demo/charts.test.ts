/** What charts and progress are made of, without a page. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apart } from '../../demo/src/charts/apart.ts';
import { logScale } from '../../demo/src/charts/frame.ts';
import { remaining } from '../../demo/src/remaining.ts';

describe('ticks of a logarithmic scale', () => {
  const ticksOf = (range: readonly [number, number], count: number) => {
    const { ticks, tickFormat } = logScale(range, count);
    const format = tickFormat as (log10: number) => string;
    return (ticks as number[]).map((log10) => ({ log10, text: format(log10) }));
  };

  it('are numbers, at least two of them, that lie where they say, in every range', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -400, max: 400, noNaN: true }),
        fc.double({ min: 1e-3, max: 800, noNaN: true }),
        fc.integer({ min: 2, max: 8 }),
        (least, span, count) => {
          const ticks = ticksOf([least, least + span], count);
          expect(ticks.length).toBeGreaterThanOrEqual(2);
          expect(ticks.length).toBeLessThanOrEqual(3 * count + 3);
          for (const { log10, text } of ticks) {
            expect(log10).toBeGreaterThanOrEqual(least - 1e-9);
            expect(log10).toBeLessThanOrEqual(least + span + 1e-9);
            const [, digits, power = '0'] = /^([\d.]+)(?:e(-?\d+))?$/.exec(text)!;
            expect(Math.abs(Math.log10(Number(digits)) + Number(power) - log10)).toBeLessThan(1e-9);
          }
        },
      ),
    );
  });

  it('are those that people expect', () => {
    const texts = (least: number, most: number, count: number) =>
      ticksOf([Math.log10(least), Math.log10(most)], count).map(({ text }) => text);
    expect(texts(299.5, 427.4, 5)).toEqual(['300', '320', '340', '360', '380', '400', '420']);
    expect(texts(61, 2891, 6)).toEqual(['100', '200', '500', '1000', '2000']);
    expect(texts(3, 4e12, 6)).toEqual(['100', '10000', '1e6', '1e8', '1e10', '1e12']);
    expect(texts(5, 5, 5)).toEqual(['5']);
  });
});

describe('labels', () => {
  it('move until they are apart, in their order, and no farther', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { maxLength: 8 }), (places) => {
        const moved = apart(places, 14).map((shift, k) => places[k]! + shift);
        const order = places.map((_, k) => k).sort((a, b) => places[a]! - places[b]!);
        for (const [k, at] of order.slice(1).entries())
          expect(moved[at]! - moved[order[k]!]!).toBeGreaterThanOrEqual(14 - 1e-9);
        const sum = (list: readonly number[]) => list.reduce((total, each) => total + each, 0);
        expect(sum(moved)).toBeCloseTo(sum(places), 6);
      }),
    );
    expect(apart([10, 100, 50], 14)).toEqual([0, 0, 0]);
    expect(apart([10, 12], 14)).toEqual([-6, 6]);
  });
});

describe('the time left', () => {
  const heard = { started: 0, at: 10_000, share: 0.25 } as const;

  it('runs down while nothing is heard', () => {
    expect(remaining(heard, 10_000)).toBe('about 30 s left');
    expect(remaining(heard, 25_000)).toBe('about 15 s left');
    expect(remaining(heard, 90_000)).toBe('about 1 s left');
  });

  it('ends with the limit, and says nothing before there is anything to judge by', () => {
    expect(remaining({ ...heard, limit: 20 }, 15_000)).toBe('at most 15 s left');
    expect(remaining({ ...heard, share: 0.001 }, 10_000)).toBe(undefined);
    expect(remaining({ ...heard, share: 0.001, limit: 50 }, 10_000)).toBe('at most 50 s left');
  });
});
