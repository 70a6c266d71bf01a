/** Slopes on intervals: no secant leaves them, they are as narrow as can be where that is known, and linear means linear. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  derivative,
  type Elementwise,
  slopeInterval,
  valueAt,
} from '../../src/network/elementwise/elementwise.ts';
import { ELEMENTWISE } from '../../src/network/elementwise/table.ts';
import { localSlopes } from '../../src/network/evaluation/localSlopes.ts';
import { broadcast } from '../../src/network/size.ts';
import { runs } from '../support/runs.ts';

const EXAMPLES = Object.values(ELEMENTWISE).flatMap((row) => row.examples as readonly Elementwise[]);
const named = EXAMPLES.map((f) => [`${f.name} ${JSON.stringify({ ...f, name: undefined })}`, f] as const);

/** Points of [low, high], its ends, and those of `special` inside. */
function pointsOf(low: number, high: number, special: readonly number[]): number[] {
  const inside = special.flatMap((x) => [x, x - 1e-9, x + 1e-9]).filter((x) => x > low && x < high);
  return [...Array.from({ length: 41 }, (_, k) => low + (k / 40) * (high - low)), ...inside];
}

const interval = fc
  .tuple(fc.double({ min: -8, max: 8, noNaN: true }), fc.integer({ min: -30, max: 3 }))
  .map(([low, e]) => [low, low + 2 ** e] as const);

describe.each(named)('%s', (_, f) => {
  const local = localSlopes(f);
  const special = ELEMENTWISE[f.name].kinks(f as never);

  it('leaves no secant out', () => {
    fc.assert(
      fc.property(interval, fc.double({ min: 0, max: 1, noNaN: true }), ([low, high], share) => {
        const anchor = low + share * (high - low);
        const within = local.within(low, high, 0);
        const from = local.from({ point: anchor, radius: 0 }, low, high, 0);
        const radius = 0.01 * (high - low);
        const wider = local.from({ point: anchor, radius }, low, high, 0);
        expect(within.lower).toBeGreaterThanOrEqual(broadcast(slopeInterval(f).lower, 0));
        expect(within.upper).toBeLessThanOrEqual(broadcast(slopeInterval(f).upper, 0));
        const points = pointsOf(low, high, special);
        let beyond = 0;
        const noise = (distance: number) => (2e-14 * (1 + Math.abs(low) + Math.abs(high))) / distance;
        for (const x of points) {
          for (const [start, slopes] of [
            [anchor, from],
            [anchor - radius, wider],
            [anchor + radius, wider],
            [points[7]!, within],
          ] as const) {
            const distance = Math.abs(x - start);
            if (!(distance > 1e-7 * (high - low))) continue;
            const secant = (valueAt(f, x, 0) - valueAt(f, start, 0)) / (x - start);
            if (!(secant >= slopes.lower - noise(distance) && secant <= slopes.upper + noise(distance)))
              beyond++;
          }
        }
        expect(beyond).toBe(0);
      }),
      { numRuns: runs(25) },
    );
  });

  it('comes down to the derivative, and up to all slopes', () => {
    for (const x of [-2.7, -0.4, 0.3, 1.9]) {
      const { lower, upper } = local.within(x, x, 0);
      const slope = derivative(f, x, 0);
      expect(Math.max(Math.abs(lower - slope), Math.abs(upper - slope))).toBeLessThanOrEqual(1e-12);
    }
    const all = local.within(-1e300, Infinity, 0);
    expect(all.lower).toBe(broadcast(slopeInterval(f).lower, 0));
    expect(all.upper).toBe(broadcast(slopeInterval(f).upper, 0));
  });

  it('says no less of what is farther apart than any number', () => {
    for (const point of [-1.5e308, 0, 1.5e308]) {
      const { lower, upper } = local.from({ point, radius: 0 }, -1.5e308, 1.5e308, 0);
      const within = local.within(-1.5e308, 1.5e308, 0);
      expect(lower).toBeLessThanOrEqual(within.lower);
      expect(upper).toBeGreaterThanOrEqual(within.upper);
    }
  });

  it('says what holds everywhere of what is no number', () => {
    for (const [low, high] of [
      [Number.NaN, 1],
      [0, Number.NaN],
      [2, 1],
    ] as const) {
      expect(local.within(low, high, 0).upper).toBe(broadcast(slopeInterval(f).upper, 0));
    }
  });
});

describe('a secant that is too small for float64', () => {
  it('is not 0', () => {
    const local = localSlopes({ name: 'clip', min: 0, max: 1e-240 });
    for (const point of [-1e100, 1e100]) {
      const { lower, upper } = local.from({ point, radius: 0 }, -1e100, 1e100, 0);
      expect(lower).toBe(0);
      expect(upper).toBeGreaterThan(0);
    }
  });
});

describe('ReLU', () => {
  const local = localSlopes({ name: 'relu' });
  const from = (point: number, low: number, high: number) => local.from({ point, radius: 0 }, low, high, 0);

  it('is linear on one side of 0 exactly, 0 included', () => {
    expect(from(1, 0, 2)).toEqual({ lower: 1, upper: 1 });
    expect(from(-1, -2, 0)).toEqual({ lower: 0, upper: 0 });
    expect(local.within(-2, -1, 0)).toEqual({ lower: 0, upper: 0 });
  });

  it('is not linear as soon as the range reaches over 0, however little', () => {
    for (const least of [1e-300, 1e-18, 1e-9]) {
      const { lower, upper } = from(1, -least, 2);
      expect(lower).toBeLessThan(1);
      expect(upper).toBe(1);
      expect(from(-1, -2, least).upper).toBeGreaterThan(0);
    }
  });

  it('has the secant of the far side', () => {
    const positive = from(1, -0.5, 2);
    expect(positive.lower).toBeCloseTo(1 / 1.5, 12);
    expect(positive.lower).toBeLessThanOrEqual(1 / 1.5);
    expect(positive.upper).toBe(1);
    const negative = from(-1, -2, 0.5);
    expect(negative.upper).toBeCloseTo(0.5 / 1.5, 12);
    expect(negative.upper).toBeGreaterThanOrEqual(0.5 / 1.5);
    expect(negative.lower).toBe(0);
  });

  it('is not linear where the anchor itself is not known to lie on one side', () => {
    const slopes = local.from({ point: 1e-12, radius: 1e-9 }, -0.5, 1, 0);
    expect(slopes).toEqual({ lower: 0, upper: 1 });
  });
});

describe('smooth functions', () => {
  it('have secants nearly as narrow as sampling says', () => {
    for (const name of [
      'tanh',
      'sigmoid',
      'gelu',
      'silu',
      'mish',
      'softplus',
      'sin',
      'erf',
      'gelu-tanh',
    ] as const) {
      const local = localSlopes({ name });
      for (const [anchor, low, high] of [
        [0.5, -1.2, 1.7],
        [-0.9, -3.1, 0.4],
        [2.2, 1, 3.9],
      ] as const) {
        const secants = pointsOf(low, high, [])
          .filter((x) => Math.abs(x - anchor) > 1e-3)
          .map((x) => (valueAt({ name }, x, 0) - valueAt({ name }, anchor, 0)) / (x - anchor));
        const { lower, upper } = local.from({ point: anchor, radius: 0 }, low, high, 0);
        const width = Math.max(...secants) - Math.min(...secants);
        expect(upper - lower).toBeLessThanOrEqual(1.2 * width + 0.03);
      }
    }
  });
});
