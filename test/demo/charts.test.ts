/** What charts and progress are made of, without a page. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apart } from '../../demo/src/charts/apart.ts';
import { logScale } from '../../demo/src/charts/frame.ts';
import { graphRows } from '../../demo/src/lanes.ts';
import { readLink, writeLink } from '../../demo/src/link.ts';
import { remaining } from '../../demo/src/remaining.ts';
import { costsOf, effectsOf } from '../../demo/src/tightness.ts';

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

describe('lanes of a graph', () => {
  const graphs = fc.array(
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 3 }),
    {
      maxLength: 12,
    },
  );

  it('lead from every layer to all that read it, and never two at once', () => {
    fc.assert(
      fc.property(graphs, (drawn) => {
        // Layer k reads from -1, …, k - 1.
        const inputs = drawn.map((list, k) =>
          list.map((share) => Math.min(k, Math.floor(share * (k + 1))) - 1),
        );
        const rows = graphRows(inputs);
        expect(rows).toHaveLength(inputs.length + 1);
        const lanes = new Map([[0, -1]]);
        inputs.forEach((list, k) => {
          const { lane, from, through, goesOn } = rows[k + 1]!;
          expect(new Set(from.map((each) => lanes.get(each)))).toEqual(new Set(list));
          for (const each of lanes.keys()) if (!through.includes(each)) lanes.delete(each);
          expect(through.every((each) => lanes.has(each))).toBe(true);
          expect(through).not.toContain(lane);
          if (goesOn) lanes.set(lane, k);
        });
        expect([...lanes.values()].filter((id) => inputs.some((list) => list.includes(id)))).toEqual([]);
      }),
    );
  });

  it('of a residual block are two', () => {
    expect(graphRows([[-1], [0], [0, 1]]).map(({ lane }) => lane)).toEqual([0, 0, 1, 0]);
  });
});

describe('addresses', () => {
  it('say what they were written of', () => {
    const link = {
      network: { url: 'models/a b.onnx' },
      settings: { rule: 'GC(1.5)', target: '3,5' },
    } as const;
    expect(writeLink(link)).toBe('url=models/a+b.onnx&rule=GC%281.5%29&target=3,5');
    expect(readLink(`?${writeLink(link)}`)).toEqual(link);
    expect(readLink('?other=1')).toEqual({ settings: {} });
  });
});

describe('what layers do', () => {
  const prefix = (index: number, bound: number, product: number, lower: number) => ({
    ...{ layer: `l${index}`, index, bound, log10: Math.log10(bound) },
    product: { bound: product, log10: Math.log10(product) },
    lower: { bound: lower, log10: Math.log10(lower) },
  });

  it('multiplies to the bound, and to its distance from the lower bound', () => {
    const prefixes = [prefix(0, 2, 2, 2), prefix(2, 12, 10, 5), prefix(3, 6, 9, 4)];
    const sum = (list: readonly number[]) => list.reduce((total, each) => total + each, 0);
    expect(sum(effectsOf(prefixes).map(({ bound }) => bound))).toBeCloseTo(Math.log10(6), 12);
    expect(sum(costsOf(prefixes).map(({ log10 }) => log10))).toBeCloseTo(Math.log10(6 / 4), 12);
    expect(costsOf(prefixes)[1]).toMatchObject({
      index: 2,
      layer: 'l2',
      log10: expect.closeTo(Math.log10(2), 12),
    });
    expect(effectsOf([prefix(0, 2, 3, 1)])).toEqual([
      { index: 0, bound: Math.log10(2), cost: Math.log10(2) },
    ]);
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
