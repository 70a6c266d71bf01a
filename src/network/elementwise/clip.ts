/** Straight lines cut off at both ends, and their product with x: clip, hard sigmoid, hard swish. */
import { type Definition, hull, interval, noTurns } from './definition.ts';

/** min(max(x, min), max), min < max. Hard tanh is the clip to [−1, 1], ReLU6 the clip to [0, 6]. */
export interface Clip {
  readonly name: 'clip';
  readonly min: number;
  readonly max: number;
}

/** What x is beyond ±threshold, towards 0; 0 between. */
export interface SoftShrink {
  readonly name: 'soft-shrink';
  readonly threshold: number;
}

export const softShrink: Definition<SoftShrink> = {
  examples: [
    { name: 'soft-shrink', threshold: 0.5 },
    { name: 'soft-shrink', threshold: 2 },
  ],
  parameters: ({ threshold }) => [threshold],
  check: ({ threshold }, demand) => {
    demand.finite('threshold', threshold);
    demand.that(threshold > 0, 'threshold must be positive', threshold);
  },
  value: ({ threshold }, x) => {
    if (x > threshold) return x - threshold;
    if (x < -threshold) return x + threshold;
    return Number.isNaN(x) ? x : 0;
  },
  derivative: ({ threshold }, x) => (Math.abs(x) > threshold ? 1 : 0),
  slopes: () => interval(0, 1),
  kinks: ({ threshold }) => [-threshold, threshold],
  curvature: () => 0,
  turns: noTurns,
  roundsOnce: true,
};

export const clip: Definition<Clip> = {
  examples: [
    { name: 'clip', min: -1, max: 1 },
    { name: 'clip', min: 0, max: 6 },
    { name: 'clip', min: -0.5, max: 0.7 },
    { name: 'clip', min: Number.NEGATIVE_INFINITY, max: 2 },
    { name: 'clip', min: -1.5, max: Number.POSITIVE_INFINITY },
  ],
  parameters: (f) => [f.min, f.max],
  check({ min, max }, demand) {
    demand.that(min < Number.POSITIVE_INFINITY, 'min must be a number below infinity', min);
    demand.that(max > min, `max must be above min = ${min}`, max);
  },
  value: (f, x) => Math.min(Math.max(x, f.min), f.max),
  derivative: (f, x) => (x > f.min && x < f.max ? 1 : 0),
  slopes: () => interval(0, 1),
  kinks: (f) => [f.min, f.max].filter(Number.isFinite),
  curvature: () => 0,
  turns: noTurns,
  roundsOnce: true,
};

/** α x + β clipped to [0, 1] */
export interface HardSigmoid {
  readonly name: 'hard-sigmoid';
  readonly alpha: number;
  readonly beta: number;
}

export const hardSigmoid: Definition<HardSigmoid> = {
  examples: [
    { name: 'hard-sigmoid', alpha: 0.2, beta: 0.5 },
    { name: 'hard-sigmoid', alpha: -0.4, beta: 0.5 },
    { name: 'hard-sigmoid', alpha: 0, beta: 0.25 },
  ],
  parameters: (f) => [f.alpha, f.beta],
  check({ alpha, beta }, demand) {
    demand.finite('alpha', alpha);
    demand.finite('beta', beta);
  },
  value: (f, x) => Math.min(Math.max(f.alpha * x + f.beta, 0), 1),
  derivative(f, x) {
    const y = f.alpha * x + f.beta;
    return y > 0 && y < 1 ? f.alpha : 0;
  },
  slopes: (f) => hull(0, f.alpha),
  kinks: (f) => (f.alpha === 0 ? [] : [-f.beta / f.alpha, (1 - f.beta) / f.alpha]),
  curvature: () => 0,
  turns: noTurns,
};

/** x · clip(rate · x + ½, 0, 1); the rate is 1/6 unless given */
export interface HardSwish {
  readonly name: 'hard-swish';
  readonly rate?: number;
}

export const hardSwish: Definition<HardSwish> = {
  examples: [{ name: 'hard-swish' }, { name: 'hard-swish', rate: 0.2 }, { name: 'hard-swish', rate: -0.25 }],
  parameters: (f) => (f.rate === undefined ? [] : [f.rate]),
  check: (f, demand) => demand.finite('rate', f.rate ?? 0),
  value: (f, x) => x * Math.min(Math.max(gateArgument(f, x) + 0.5, 0), 1),
  derivative(f, x) {
    const y = gateArgument(f, x);
    return y < -0.5 ? 0 : y > 0.5 ? 1 : 2 * y + 0.5;
  },
  // Of any rate: the derivative is a function of rate · x.
  slopes: () => interval(-0.5, 1.5),
  kinks({ rate }) {
    if (rate === 0) return [];
    return rate === undefined ? [-3, 3] : [-0.5 / rate, 0.5 / rate];
  },
  curvature: ({ rate }) => (rate === undefined ? 0.34 : 2 * Math.abs(rate)), // 1/3
  turns: noTurns,
};

function gateArgument({ rate }: HardSwish, x: number): number {
  return rate === undefined ? x / 6 : rate * x;
}
