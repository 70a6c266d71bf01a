/** What the checker of exact constants proves of single parts, of networks that can be followed by hand. */
import { describe, expect, it } from 'vitest';
import { isBounded } from '../../src/certificate/exact/bounded.ts';
import { type EmptyProof, isEmpty } from '../../src/certificate/exact/empty.ts';
import { type FlatRow, isFlat } from '../../src/certificate/exact/flat.ts';
import { narrowed, unknownRanges } from '../../src/certificate/exact/ranges.ts';
import { type Domain, type Part, unitsOf } from '../../src/certificate/exact/rows.ts';
import { isInside, slopeAt } from '../../src/certificate/exact/slope.ts';
import { formOf } from '../../src/exact/form/translate.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';

const RELU: Elementwise = { name: 'relu' };
const ABS: Elementwise = { name: 'abs' };

interface Layer {
  readonly weight: readonly (readonly number[])[];
  readonly bias?: readonly number[];
  readonly activation?: Elementwise;
}

/** The last layer adds up what is before it. */
function units(...layers: readonly Layer[]) {
  const sum = { weight: [layers.at(-1)!.weight.map(() => 1)] };
  return unitsOf(formOf(NetworkBuilder.fromDense([...layers, sum].map((layer) => ({ ...layer })))));
}

const domain = (low: number, high: number): Domain => ({
  low: Float64Array.of(low),
  high: Float64Array.of(high),
});
const pieces = (first: number[], last = first): Part => ({
  first: Uint8Array.from(first),
  last: Uint8Array.from(last),
});

/** Of a network with ranges unknown. @param multipliers μ, no P being relative to a piece */
function empty(
  own: ReturnType<typeof units>,
  where: Domain,
  part: Part,
  multipliers: number[],
  more: Partial<EmptyProof> = {},
): boolean {
  const relative = new Int8Array(multipliers.length).fill(-1);
  const proof = {
    multipliers: Float64Array.from(multipliers),
    pieces: relative,
    movable: [],
    bare: false,
    ...more,
  };
  return isEmpty(own, where, part, unknownRanges(own), proof);
}

describe('that a part is bounded', () => {
  it('is not shown by products that have left float64, which what follows makes large again', () => {
    const activation: Elementwise = { name: 'leaky-relu', slope: 0.01 };
    const weights = [1e-162, 1e-163, 1e300].map((weight) => ({ weight: [[weight]], activation }));
    // 1e-162 · 0.01 · 1e-163 · 0.01 · 1e300 · 0.01 · 1e280 is 1e249.
    const own = unitsOf(formOf(NetworkBuilder.fromDense([...weights, { weight: [[1e280]] }])));
    for (const bound of [0, 1, 1e200])
      expect(isBounded(own, pieces([0, 0, 0]), new Float64Array(3), bound)).toBe(false);
  });
});

describe('that a part has no inputs', () => {
  const above = units({ weight: [[1]], bias: [5], activation: RELU });
  const below = units({ weight: [[1]], bias: [-5], activation: RELU });

  it('is shown where an argument cannot be where it is wanted', () => {
    expect(empty(below, domain(1, 2), pieces([1]), [1])).toBe(true);
    expect(empty(above, domain(1, 2), pieces([0]), [-1])).toBe(true);
  });

  it('is not shown by what grows without end', () => {
    // Only at its end is −(x + 5) + y below 0.
    expect(empty(above, domain(1, 2), pieces([1]), [-1])).toBe(false);
    expect(empty(below, domain(1, 2), pieces([0]), [1])).toBe(false);
  });

  it('is not shown where the sides of the domain do not say so', () => {
    expect(empty(below, domain(1, 6), pieces([1]), [1])).toBe(false);
    expect(empty(below, domain(1, Infinity), pieces([1]), [1])).toBe(false);
    expect(empty(below, domain(1, 2), pieces([1]), [1], { bare: true })).toBe(false);
  });

  it('is not shown by what is 0 but for rounding, or just above', () => {
    const same = units({ weight: [[1]], activation: RELU });
    expect(empty(same, domain(-1, 1e-10), pieces([1]), [1])).toBe(false);
    // An argument that is 0 everywhere is on the lower piece, and not on the upper one.
    const zero = units({ weight: [[0]], activation: RELU });
    const relative = (piece: number) => ({ pieces: Int8Array.of(piece) });
    expect(empty(zero, domain(-1, 1), pieces([0]), [-1], relative(0))).toBe(false);
    expect(empty(zero, domain(-1, 1), pieces([1]), [1], relative(1))).toBe(true);
  });

  it('is not shown where a unit that is on both pieces has more between its ends', () => {
    // |x| ≤ ½ for some x: −|y₁| + ½ + y₂ is below 0 at both ends of y₁ alone.
    const two = units({ weight: [[1]], activation: ABS }, { weight: [[1]], bias: [-0.5], activation: RELU });
    const part = pieces([0, 0], [1, 0]);
    const ranges = { low: Float64Array.of(-1, -Infinity), high: Float64Array.of(1, Infinity) };
    const proof = {
      multipliers: Float64Array.of(0, -1),
      pieces: Int8Array.of(-1, -1),
      movable: [],
      bare: false,
    };
    expect(isEmpty(two, domain(-1, 1), part, ranges, proof)).toBe(false);
    // And |x| ≤ −½ for none.
    const none = units({ weight: [[1]], activation: ABS }, { weight: [[1]], bias: [0.5], activation: RELU });
    expect(isEmpty(none, domain(-1, 1), part, ranges, proof)).toBe(true);
  });
});

describe('that a part has no inside', () => {
  const low = (index: number, weight = 1n): FlatRow => ({ side: 'unitLow', index, weight });
  const high = (index: number, weight = 1n): FlatRow => ({ side: 'unitHigh', index, weight });
  const everywhere = domain(-Infinity, Infinity);

  it('is shown where neurons switch at one point, and not where there is room between', () => {
    const part = pieces([0, 1]);
    const one = units({ weight: [[1], [3]], activation: RELU });
    expect(isFlat(one, everywhere, part, [high(0), low(1)])).toBe(true);
    const apart = units({ weight: [[1], [1]], bias: [0, 2 ** -900], activation: RELU });
    // −x, and 2⁹⁰⁰ x ± 1 in whole numbers.
    const rows = [high(0, 1n << 900n), low(1)];
    expect(isFlat(apart, everywhere, part, rows)).toBe(false);
    const beyond = units({ weight: [[1], [1]], bias: [0, -(2 ** -900)], activation: RELU });
    expect(isFlat(beyond, everywhere, part, rows)).toBe(true);
  });

  it('is not shown by weights that are not above 0, by no rows, or by sides that there are not', () => {
    const one = units({ weight: [[1], [1]], activation: RELU });
    expect(isFlat(one, everywhere, pieces([1, 1]), [low(0), low(1, -1n)])).toBe(false);
    expect(isFlat(one, everywhere, pieces([0, 1]), [high(0, 0n), low(1, 0n)])).toBe(false);
    expect(isFlat(one, everywhere, pieces([0, 1]), [])).toBe(false);
    expect(isFlat(one, everywhere, pieces([0, 1], [1, 1]), [high(0), low(1)])).toBe(false);
    expect(isFlat(one, everywhere, pieces([0, 1]), [{ side: 'inputLow', index: 0, weight: 1n }])).toBe(false);
  });
});

describe('ranges', () => {
  const clip = units({ weight: [[1]], activation: { name: 'clip', min: -0.9, max: 0.9 } });

  it('take pieces that nothing reaches, and no others', () => {
    for (const [where, kept] of [
      [domain(-1, 1), [0, 2]],
      [domain(-0.8, 0.8), [1, 1]],
      [domain(0.5, 2), [1, 2]],
      [domain(-Infinity, 0.5), [0, 1]],
      [{ ...domain(-9, 9), ball: { centre: Float64Array.of(0), radius: 0.8 } }, [1, 1]],
    ] as const) {
      const part = pieces([0], [2]);
      expect(narrowed(clip, where, part)).toBeDefined();
      expect([part.first[0], part.last[0]]).toEqual(kept);
    }
    expect(narrowed(clip, domain(-0.8, 0.8), pieces([2]))).toBeUndefined();
  });

  it('hold what rounding may be', () => {
    const { low, high } = narrowed(clip, domain(0.1, 0.2), pieces([0], [2]))!;
    expect(low[0]).toBeLessThan(0.1);
    expect(low[0]).toBeGreaterThan(0.1 * (1 - 1e-12));
    expect(high[0]).toBeGreaterThan(0.2);
    expect(high[0]).toBeLessThan(0.2 * (1 + 1e-12));
  });
});

describe('bounds and slopes', () => {
  const own = units({ weight: [[3]], activation: ABS });
  // Just above √D at the edge.
  const sigma = Float64Array.of(3 * (1 + 5e-10));

  it('of |3x| are 3 and no less, on one piece and on both', () => {
    for (const part of [pieces([0]), pieces([1]), pieces([0], [1])]) {
      expect(isBounded(own, part, sigma, 3 * (1 + 1e-9))).toBe(true);
      expect(isBounded(own, part, sigma, 3 * (1 - 1e-12))).toBe(false);
      expect(isBounded(own, part, sigma, 0)).toBe(false);
    }
    expect(isBounded(own, pieces([0], [1]), Float64Array.of(Number.NaN), 4)).toBe(false);
    expect(isBounded(own, pieces([0], [1]), Float64Array.of(0), 4)).toBe(false);
  });

  it('are just below 3 where it is attained, and nothing at a break', () => {
    const at = (x: number) => slopeAt(own, Float64Array.of(x), Float64Array.of(2));
    for (const x of [1, -1, 1e-9]) {
      expect(at(x)).toBeLessThanOrEqual(3);
      expect(at(x)).toBeGreaterThan(3 * (1 - 1e-12));
    }
    expect(at(0)).toBe(0);
    expect(at(Infinity)).toBe(0);
  });

  it('are of points inside', () => {
    const ball = { ...domain(-1, 1), ball: { centre: Float64Array.of(0), radius: 0.5 } };
    expect([0, 0.4999, 0.5, 0.9].map((x) => isInside(ball, Float64Array.of(x)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([0.9999, 1].map((x) => isInside(domain(-1, 1), Float64Array.of(x)))).toEqual([true, false]);
  });
});
