import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import {
  checkElementwise,
  derivative,
  type Elementwise,
  slopeInterval,
  valueAt,
} from '../../src/network/elementwise/elementwise.ts';
import { erf } from '../../src/network/elementwise/errorFunction.ts';
import { definitionOf, ELEMENTWISE } from '../../src/network/elementwise/table.ts';
import { broadcast } from '../../src/network/size.ts';
import { activation } from '../support/activation.ts';
import { NAMED_EXAMPLES } from '../support/elementwise.ts';

/** Every function with the parameters of its record, channel by channel. */
const FUNCTIONS = NAMED_EXAMPLES.flatMap(([name, f]) =>
  Array.from(slopeInterval(f).lower, (_, channel) => [`${name}, channel ${channel}`, f, channel] as const),
);

const STEP = 2 ** -8;
/** From −40 to 40. */
const POINTS = Array.from({ length: 2 * 40 * 256 + 1 }, (_, n) => -40 + n * STEP);

/** The largest value of a smooth function on an interval where it rises and then falls, by golden section. */
function top(g: (x: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [from, to];
  for (let n = 0; n < 60; n++) {
    const left = b - ratio * (b - a);
    const right = a + ratio * (b - a);
    if (g(left) < g(right)) a = left;
    else b = right;
  }
  return g((a + b) / 2);
}

/** The largest value that climbing from the best of some points finds. */
function climbed(g: (x: number) => number): number {
  // Grid points, both sides of the kink at zero, and far out.
  let best = Number.NaN;
  for (const x of [...POINTS, -1e-9, 1e-9, -1e9, 1e9]) if (!(g(x) <= g(best))) best = x;
  return Math.max(g(best), top(g, best - STEP, best + STEP));
}

describe.each(FUNCTIONS)('%s', (_, f, channel) => {
  const interval = slopeInterval(f);
  const lower = broadcast(interval.lower, channel);
  const upper = broadcast(interval.upper, channel);
  const phi = (x: number) => valueAt(f, x, channel);
  const slope = (x: number) => derivative(f, x, channel);

  test('has parameters that its record accepts', () => {
    expect(() => checkElementwise('act', f, interval.lower.length)).not.toThrow();
  });

  test('no secant lies outside the slope interval', () => {
    // Slopes between exact values would lie inside; those between computed ones may miss by this much.
    const rounding = 1e-12;
    for (const [n, x] of POINTS.entries()) {
      for (const distance of [1, 7, 300, 5000]) {
        const y = POINTS[n + distance];
        if (y === undefined) continue;
        const secant = (phi(y) - phi(x)) / (y - x);
        if (!(secant >= lower - rounding && secant <= upper + rounding)) {
          expect.fail(`slope ${secant} between ${x} and ${y} outside [${lower}, ${upper}]`);
        }
      }
    }
  });

  test('the derivative stays inside and comes to 1e-7 of both ends where it is climbed', () => {
    const largest = climbed(slope);
    // A mask has slope 0 too, outside its window.
    const least = f.name === 'mask' ? 0 : -climbed((x) => -slope(x));
    // Of computed derivatives; test/formats/onnx/gateSlopes.test.ts climbs the gates with 256 binary places.
    const rounding = 2 ** -51;
    expect(least).toBeGreaterThanOrEqual(lower - rounding);
    expect(largest).toBeLessThanOrEqual(upper + rounding);
    expect(least - lower).toBeLessThan(1e-7);
    expect(upper - largest).toBeLessThan(1e-7);
  });

  test('the derivative is the limit of difference quotients', () => {
    const h = 2 ** -20;
    for (let x = -7.037; x < 7; x += 0.11) {
      const quotient = (phi(x + h) - phi(x - h)) / (2 * h);
      expect(Math.abs(quotient - slope(x))).toBeLessThan(1e-8);
    }
  });

  test('is what its second definition says', () => {
    const second = activation(f, channel);
    for (let x = -9.013; x < 9; x += 0.037) {
      expect(Math.abs(second.value(x) - phi(x))).toBeLessThan(1e-13 * (1 + Math.abs(x)));
      expect(Math.abs(second.slope(x) - slope(x))).toBeLessThan(1e-12);
    }
  });

  test('jumps in slope at its kinks and nowhere else', () => {
    const corners = definitionOf(f).kinks(f);
    const h = 1e-7;
    for (let x = -8; x <= 8; x += 0.125) {
      if (corners.some((corner) => Math.abs(x - corner) <= h)) continue;
      expect(Math.abs(slope(x + h) - slope(x - h))).toBeLessThan(1e-5);
    }
  });

  test('NaN stays NaN', () => {
    expect(phi(Number.NaN)).toBeNaN();
  });
});

/** Extremes of φ' located to more digits than the scan above by golden section on φ'. */
test.each([
  ['silu', 2.2, 2.6],
  ['gelu', 1.2, 1.6],
  ['gelu-tanh', 1.2, 1.6],
  ['mish', 1.2, 1.8],
] as const)('the largest slope of %s is tight to 1e-12 and rounded outward', (name, from, to) => {
  const largest = top((x) => derivative({ name }, x, 0), from, to);
  const upper = slopeInterval({ name }).upper[0]!;
  expect(upper).toBeGreaterThan(largest);
  expect(upper - largest).toBeLessThan(1e-12);
});

test('every row stands under the name of its function', () => {
  for (const [name, { examples }] of Object.entries(ELEMENTWISE))
    for (const f of examples) expect(f.name).toBe(name);
});

test('per-channel slopes give per-channel intervals', () => {
  const slopes = Float64Array.of(0.25, -0.5, 1.5);
  const { lower, upper } = slopeInterval({ name: 'prelu', slopes });
  expect([...lower]).toEqual([0.25, -0.5, 1]);
  expect([...upper]).toEqual([1, 1, 1.5]);
  expect(valueAt({ name: 'prelu', slopes }, -2, 2)).toBe(-3);
});

// Abramowitz & Stegun, table 7.1, and mpmath.
test.each([
  [0.1, 0.1124629160182849],
  [0.5, 0.5204998778130465],
  [1, 0.8427007929497149],
  [1.999, 0.9953015566513705],
  [2, 0.9953222650189527],
  [2.5, 0.9995930479825551],
  [3, 0.9999779095030014],
])('erf(%f)', (x, value) => {
  expect(Math.abs(erf(x) - value)).toBeLessThan(1e-15);
  expect(erf(-x)).toBe(-erf(x));
});

test.each<[Elementwise, string]>([
  [{ name: 'clip', min: 1, max: 1 }, 'max must be above min = 1, got 1'],
  [{ name: 'clip', min: 2, max: 1 }, 'max must be above min'],
  [{ name: 'clip', min: Number.NaN, max: 1 }, 'got NaN'],
  [{ name: 'clip', min: 0, max: Number.NaN }, 'got NaN'],
  [{ name: 'clip', min: Number.POSITIVE_INFINITY, max: Number.POSITIVE_INFINITY }, 'got Infinity'],
  [{ name: 'leaky-relu', slope: Number.POSITIVE_INFINITY }, 'slope must be finite'],
  [{ name: 'prelu', slopes: Float64Array.of(0, Number.NaN, 1) }, 'slope must be finite, got NaN'],
  [{ name: 'prelu', slopes: Float64Array.of(0, 1) }, 'slopes must number 1, 3 or 3, got 2'],
  [{ name: 'celu', alpha: -1 }, 'alpha must be positive'],
  [{ name: 'celu', alpha: 0 }, 'alpha must be positive'],
  [{ name: 'elu', alpha: Number.NaN }, 'alpha must be finite'],
  [{ name: 'selu', alpha: 1e200, gamma: 1e200 }, 'alpha · gamma must be finite'],
  [{ name: 'hard-sigmoid', alpha: 1, beta: Number.NaN }, 'beta must be finite'],
  [{ name: 'swish', beta: Number.POSITIVE_INFINITY }, 'beta must be finite'],
])('refuses %j', (f, message) => {
  expect(() => checkElementwise('act', f, 3)).toThrow(InputError);
  expect(() => checkElementwise('act', f, 3)).toThrow(`act: ${f.name}: `);
  expect(() => checkElementwise('act', f, 3)).toThrow(message);
});
