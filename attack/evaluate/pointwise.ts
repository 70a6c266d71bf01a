/** Functions of one number: values, one-sided slopes, and how much slopes can change. */
import { Exact, ONE, ZERO } from './exact.ts';

export interface Pointwise {
  readonly value: (x: number) => number;
  /** The slope towards larger (1) or smaller (−1) numbers. */
  readonly slope: (x: number, side: 1 | -1) => number;
  /** At least |f″| within `radius` of x, kinks left out. */
  readonly curvature: (x: number, radius: number) => number;
  readonly kinks: readonly number[];
  /** At least what the slope changes by at kinks. */
  readonly jump: number;
  /** Of piecewise linear functions. */
  readonly exact?: { readonly value: (x: Exact) => Exact; readonly slope: (x: Exact, side: 1 | -1) => Exact };
}

/** Linear between knots, `slopes` has one entry more than `knots`; f(anchor[0]) = anchor[1], anchor[0] a knot. */
export function piecewiseLinear(
  knots: readonly Exact[],
  slopes: readonly Exact[],
  anchor: readonly [number, Exact],
): Pointwise {
  const values: Exact[] = [];
  values[anchor[0]] = anchor[1];
  for (let k = anchor[0] + 1; k < knots.length; k++)
    values[k] = values[k - 1]!.plus(slopes[k]!.times(knots[k]!.minus(knots[k - 1]!)));
  for (let k = anchor[0] - 1; k >= 0; k--)
    values[k] = values[k + 1]!.minus(slopes[k + 1]!.times(knots[k + 1]!.minus(knots[k]!)));
  const piece = (x: Exact, side: 1 | -1) =>
    knots.filter((knot) => {
      const order = x.compare(knot);
      return order > 0 || (order === 0 && side > 0);
    }).length;
  const value = (x: Exact) => {
    const at = piece(x, 1);
    const knot = Math.max(at - 1, 0);
    return values[knot]!.plus(slopes[at]!.times(x.minus(knots[knot]!)));
  };
  const [k, s, v] = [knots, slopes, values].map((list) => list.map((x) => x.toNumber())) as [
    number[],
    number[],
    number[],
  ];
  const near = (x: number, side: 1 | -1) => k.filter((knot) => x > knot || (x === knot && side > 0)).length;
  return {
    value: (x) => {
      const at = near(x, 1);
      const knot = Math.max(at - 1, 0);
      return s[at] === 0 ? v[knot]! : v[knot]! + s[at]! * (x - k[knot]!);
    },
    slope: (x, side) => s[near(x, side)]!,
    curvature: () => 0,
    kinks: k,
    jump: Math.max(...s) - Math.min(...s),
    exact: { value, slope: (x, side) => slopes[piece(x, side)]! },
  };
}

const zeroAtZero = (left: Exact, right: Exact) => piecewiseLinear([ZERO], [left, right], [0, ZERO]);

export const relu: Pointwise = zeroAtZero(ZERO, ONE);
export const absolute: Pointwise = zeroAtZero(ONE.negated(), ONE);
export const leaky = (slope: number): Pointwise => zeroAtZero(Exact.of(slope), ONE);

/** min(max(x, min), max), either of which may be infinite. */
export function clip(min: number, max: number): Pointwise {
  const knots = [min, max].filter(Number.isFinite).map(Exact.of);
  const slopes = [...(min > -Infinity ? [ZERO] : []), ONE, ...(max < Infinity ? [ZERO] : [])];
  if (knots.length === 0) return piecewiseLinear([ZERO], [ONE, ONE], [0, ZERO]);
  if (min >= max) return piecewiseLinear([Exact.of(max)], [ZERO, ZERO], [0, Exact.of(max)]);
  return piecewiseLinear(knots, slopes, [0, knots[0]!]);
}

/** max(0, min(1, α x + β)) */
export function hardSigmoid(alpha: number, beta: number): Pointwise {
  const [a, b] = [Exact.of(alpha), Exact.of(beta)];
  if (alpha === 0)
    return piecewiseLinear([ZERO], [ZERO, ZERO], [0, Exact.of(Math.min(1, Math.max(0, beta)))]);
  const [low, high] = [ZERO.minus(b).over(a), ONE.minus(b).over(a)];
  return alpha > 0
    ? piecewiseLinear([low, high], [ZERO, a, ZERO], [0, ZERO])
    : piecewiseLinear([high, low], [ZERO, a, ZERO], [0, ONE]);
}

function smooth(value: (x: number) => number, slope: (x: number) => number, curvature: number): Pointwise {
  return { value, slope, curvature: () => curvature, kinks: [], jump: 0 };
}

/** Smooth on both sides of zero. */
function split(
  value: (x: number) => number,
  left: (x: number) => number,
  right: (x: number) => number,
  curvature: number,
  jump: number,
): Pointwise {
  const slope = (x: number, side: 1 | -1) => (x < 0 || (x === 0 && side < 0) ? left(x) : right(x));
  return { value, slope, curvature: () => curvature, kinks: [0], jump };
}

const logistic = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const logisticSlope = (x: number) => logistic(x) * logistic(-x);
const plus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const tanhSlope = (x: number) => {
  const e = Math.exp(-2 * Math.abs(x));
  return (4 * e) / (1 + e) ** 2;
};

export const sigmoid: Pointwise = smooth(logistic, logisticSlope, 0.1);
export const tanh: Pointwise = smooth(Math.tanh, tanhSlope, 0.8);
export const softplus: Pointwise = smooth(plus, logistic, 0.25);
export const softsign: Pointwise = smooth(
  (x) => x / (1 + Math.abs(x)),
  (x) => 1 / (1 + Math.abs(x)) ** 2,
  2,
);
export const mish: Pointwise = smooth(
  (x) => x * Math.tanh(plus(x)),
  (x) => Math.tanh(plus(x)) + x * tanhSlope(plus(x)) * logistic(x),
  1,
);
export const sine: Pointwise = smooth(Math.sin, Math.cos, 1);
export const cosine: Pointwise = smooth(Math.cos, (x) => -Math.sin(x), 1);
export const arctangent: Pointwise = smooth(Math.atan, (x) => 1 / (1 + x * x), 0.7);

export const areaSine: Pointwise = smooth(
  // ln(|x| + √(x² + 1)) to the last digits of small numbers as well.
  (x) => Math.sign(x) * Math.log1p(Math.abs(x) + (x * x) / (1 + Math.sqrt(x * x + 1))),
  (x) => 1 / Math.sqrt(x * x + 1),
  0.4,
);

/** The error function: a series of positive terms near zero, the continued fraction of its complement beyond. */
function errorFunction(x: number): number {
  const size = Math.abs(x);
  if (size < 3) {
    let [term, sum] = [x, x];
    for (let n = 1; n < 120 && Math.abs(term) > 1e-20 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let fraction = size;
  for (let k = 60; k >= 1; k--) fraction = size + k / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-x * x) / (fraction * Math.sqrt(Math.PI)));
}
const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const normalBelow = (x: number) => (1 + errorFunction(x * Math.SQRT1_2)) / 2;

export const erf: Pointwise = smooth(errorFunction, (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x), 1);
export const gelu: Pointwise = smooth(
  (x) => x * normalBelow(x),
  (x) => normalBelow(x) + x * density(x),
  1,
);
const GELU_SCALE = Math.sqrt(2 / Math.PI);
export const geluTanh: Pointwise = smooth(
  (x) => (x / 2) * (1 + Math.tanh(GELU_SCALE * (x + 0.044715 * x ** 3))),
  (x) => {
    const u = GELU_SCALE * (x + 0.044715 * x ** 3);
    return (1 + Math.tanh(u)) / 2 + (x / 2) * tanhSlope(u) * GELU_SCALE * (1 + 3 * 0.044715 * x * x);
  },
  1.5,
);
export const swish = (beta: number): Pointwise =>
  smooth(
    (x) => x * logistic(beta * x),
    (x) => logistic(beta * x) + beta * x * logisticSlope(beta * x),
    0.6 * Math.abs(beta),
  );
export const elu = (alpha: number): Pointwise =>
  split(
    (x) => (x < 0 ? alpha * Math.expm1(x) : x),
    (x) => alpha * Math.exp(x),
    () => 1,
    Math.abs(alpha),
    Math.abs(alpha - 1),
  );
/** For α > 0. */
export const celu = (alpha: number): Pointwise =>
  split(
    (x) => (x < 0 ? alpha * Math.expm1(x / alpha) : x),
    (x) => Math.exp(x / alpha),
    () => 1,
    1 / alpha,
    0,
  );
export const selu = (alpha: number, gamma: number): Pointwise =>
  split(
    (x) => gamma * (x < 0 ? alpha * Math.expm1(x) : x),
    (x) => gamma * alpha * Math.exp(x),
    () => gamma,
    Math.abs(gamma * alpha),
    Math.abs(gamma * (alpha - 1)),
  );
/** x · max(0, min(1, x/6 + ½)) */
export const hardSwish: Pointwise = {
  value: (x) => x * Math.max(0, Math.min(1, x / 6 + 0.5)),
  slope: (x, side) =>
    x < -3 || (x === -3 && side < 0) ? 0 : x < 3 || (x === 3 && side < 0) ? x / 3 + 0.5 : 1,
  curvature: () => 1 / 3,
  kinks: [-3, 3],
  jump: 0.5,
};
/** x², x³ */
export const power = (exponent: number): Pointwise => ({
  value: (x) => x ** exponent,
  slope: (x) => exponent * x ** (exponent - 1),
  curvature: (x, radius) => exponent * (exponent - 1) * (Math.abs(x) + radius) ** Math.max(exponent - 2, 0),
  kinks: [],
  jump: 0,
});

/** Of numbers that are not negative; x^q, q < 1, has no slope at 0. */
export const root = (q: number): Pointwise => ({
  value: (x) => Math.max(x, 0) ** q,
  slope: (x) => (x > 0 ? q * x ** (q - 1) : 0),
  curvature: (x, radius) => (x > radius ? q * (1 - q) * (x - radius) ** (q - 2) : Infinity),
  kinks: [],
  jump: 0,
});
export const exponential: Pointwise = {
  value: Math.exp,
  slope: Math.exp,
  curvature: (x, radius) => Math.exp(x + radius),
  kinks: [],
  jump: 0,
};
/** Of numbers above 0. */
export const logarithm: Pointwise = {
  value: Math.log,
  slope: (x) => 1 / x,
  curvature: (x, radius) => (x > radius ? (x - radius) ** -2 : Infinity),
  kinks: [],
  jump: 0,
};
/** 1/√(x + ε) */
export const overRootOf = (epsilon: number): Pointwise => ({
  value: (x) => (Math.max(x, 0) + epsilon) ** -0.5,
  slope: (x) => -0.5 * (Math.max(x, 0) + epsilon) ** -1.5,
  curvature: () => 0.75 * epsilon ** -2.5,
  kinks: [],
  jump: 0,
});
/** (b + x)^−β */
export const fallingPower = (bias: number, beta: number): Pointwise => ({
  value: (x) => (bias + Math.max(x, 0)) ** -beta,
  slope: (x) => -beta * (bias + Math.max(x, 0)) ** (-beta - 1),
  curvature: () => beta * (beta + 1) * bias ** (-beta - 2),
  kinks: [],
  jump: 0,
});
/** x less λ beyond ±λ, towards 0. */
export const shrink = (threshold: number): Pointwise => {
  const [low, high] = [Exact.of(-threshold), Exact.of(threshold)];
  return piecewiseLinear([low, high], [ONE, ZERO, ONE], [0, ZERO]);
};
