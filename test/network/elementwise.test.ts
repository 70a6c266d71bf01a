import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import {
  checkElementwise,
  derivative,
  type Elementwise,
  evaluate,
  slopeInterval,
} from '../../src/network/elementwise.ts';
import { erf } from '../../src/network/erf.ts';

const FUNCTIONS: readonly Elementwise[] = [
  { name: 'relu' },
  { name: 'leaky-relu', slope: 0.01 },
  { name: 'leaky-relu', slope: -0.3 },
  { name: 'leaky-relu', slope: 1.7 },
  { name: 'prelu', slopes: Float64Array.of(0.25) },
  { name: 'elu', alpha: 1 },
  { name: 'elu', alpha: 2.5 },
  { name: 'elu', alpha: -0.5 },
  { name: 'celu', alpha: 0.7 },
  { name: 'selu', alpha: 1.6732632423543772, gamma: 1.0507009873554805 },
  { name: 'selu', alpha: 1.3, gamma: -0.6 },
  { name: 'clip', min: -1, max: 1 },
  { name: 'clip', min: 0, max: 6 },
  { name: 'clip', min: Number.NEGATIVE_INFINITY, max: 2 },
  { name: 'hard-sigmoid', alpha: 0.2, beta: 0.5 },
  { name: 'hard-sigmoid', alpha: -0.4, beta: 0.5 },
  { name: 'hard-swish' },
  { name: 'sigmoid' },
  { name: 'tanh' },
  { name: 'softplus' },
  { name: 'softsign' },
  { name: 'silu' },
  { name: 'swish', beta: 1.702 },
  { name: 'swish', beta: -0.5 },
  { name: 'gelu' },
  { name: 'gelu-tanh' },
  { name: 'mish' },
  { name: 'abs' },
  { name: 'sin' },
  { name: 'cos' },
  { name: 'atan' },
  { name: 'erf' },
  { name: 'mask' },
];

const STEP = 2 ** -8;
/** From −40 to 40. */
const POINTS = Array.from({ length: 2 * 40 * 256 + 1 }, (_, n) => -40 + n * STEP);

describe.each(FUNCTIONS.map((f) => [JSON.stringify(f), f] as const))('%s', (_, f) => {
  const lower = slopeInterval(f).lower[0]!;
  const upper = slopeInterval(f).upper[0]!;

  test('no difference quotient lies outside the slope interval', () => {
    // Quotients of exact function values would lie inside; those of computed ones may miss by this much.
    const rounding = 1e-12;
    for (const [n, x] of POINTS.entries()) {
      for (const distance of [1, 7, 300, 5000]) {
        const y = POINTS[n + distance];
        if (y === undefined) continue;
        const quotient = (evaluate(f, y, 0) - evaluate(f, x, 0)) / (y - x);
        if (!(quotient >= lower - rounding && quotient <= upper + rounding)) {
          expect.fail(`slope ${quotient} between ${x} and ${y} outside [${lower}, ${upper}]`);
        }
      }
    }
  });

  test('the derivative stays inside and comes to 1e-6 of both ends', () => {
    let least = Number.POSITIVE_INFINITY;
    let largest = Number.NEGATIVE_INFINITY;
    // Grid points, both sides of the kink at zero, and far out.
    for (const x of [...POINTS, -1e-9, 1e-9, -1e4, 1e4]) {
      least = Math.min(least, derivative(f, x, 0));
      largest = Math.max(largest, derivative(f, x, 0));
    }
    if (f.name === 'mask') least = 0; // its slope outside the window
    expect(least).toBeGreaterThanOrEqual(lower);
    expect(largest).toBeLessThanOrEqual(upper);
    expect(least - lower).toBeLessThan(1e-6);
    expect(upper - largest).toBeLessThan(1e-6);
  });

  test('the derivative is the limit of difference quotients', () => {
    const h = 2 ** -20;
    for (let x = -7.037; x < 7; x += 0.11) {
      const quotient = (evaluate(f, x + h, 0) - evaluate(f, x - h, 0)) / (2 * h);
      expect(Math.abs(quotient - derivative(f, x, 0))).toBeLessThan(1e-8);
    }
  });

  test('NaN stays NaN', () => {
    expect(evaluate(f, Number.NaN, 0)).toBeNaN();
  });
});

/** Extremes of φ' located to more digits than the scan above by golden section on φ'. */
test.each([
  ['silu', 2.2, 2.6],
  ['gelu', 1.2, 1.6],
  ['gelu-tanh', 1.2, 1.6],
  ['mish', 1.2, 1.8],
] as const)('the largest slope of %s is tight to 1e-12 and rounded outward', (name, from, to) => {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [from as number, to as number];
  for (let n = 0; n < 60; n++) {
    const left = b - ratio * (b - a);
    const right = a + ratio * (b - a);
    if (derivative({ name }, left, 0) < derivative({ name }, right, 0)) a = left;
    else b = right;
  }
  const top = derivative({ name }, (a + b) / 2, 0);
  const upper = slopeInterval({ name }).upper[0]!;
  expect(upper).toBeGreaterThan(top);
  expect(upper - top).toBeLessThan(1e-12);
});

test('per-channel slopes give per-channel intervals', () => {
  const slopes = Float64Array.of(0.25, -0.5, 1.5);
  const { lower, upper } = slopeInterval({ name: 'prelu', slopes });
  expect([...lower]).toEqual([0.25, -0.5, 1]);
  expect([...upper]).toEqual([1, 1, 1.5]);
  expect(evaluate({ name: 'prelu', slopes }, -2, 2)).toBe(-3);
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
  [{ name: 'prelu', slopes: Float64Array.of(0, 1) }, 'slopes must number 1 or 3, got 2'],
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
