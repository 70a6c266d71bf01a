/** Two straight pieces that meet at zero: ReLU, leaky ReLU, PReLU, absolute value. */
import { broadcast } from '../size.ts';
import { type Definition, hull, interval, noTurns, plain } from './definition.ts';

/** max(x, 0) */
export interface Relu {
  readonly name: 'relu';
}

export const relu: Definition<Relu> = {
  ...plain('relu'),
  value: (_, x) => Math.max(x, 0),
  derivative: (_, x) => (x < 0 ? 0 : 1),
  slopes: () => interval(0, 1),
  kinks: () => [0],
  curvature: () => 0,
  turns: noTurns,
  roundsOnce: true,
};

/** x for x > 0, slope · x otherwise */
export interface LeakyRelu {
  readonly name: 'leaky-relu';
  readonly slope: number;
}

export const leakyRelu: Definition<LeakyRelu> = {
  examples: [
    { name: 'leaky-relu', slope: 0.01 },
    { name: 'leaky-relu', slope: 0.25 },
    { name: 'leaky-relu', slope: -0.3 },
    { name: 'leaky-relu', slope: 1.7 },
  ],
  parameters: (f) => [f.slope],
  check: (f, demand) => demand.finite('slope', f.slope),
  value: (f, x) => (x < 0 ? f.slope * x : x),
  derivative: (f, x) => (x < 0 ? f.slope : 1),
  slopes: (f) => hull(f.slope, 1),
  kinks: () => [0],
  curvature: () => 0,
  turns: noTurns,
  roundsOnce: true,
};

/** Leaky ReLU with one slope per channel (first axis); a single one is for all. */
export interface PRelu {
  readonly name: 'prelu';
  readonly slopes: Float64Array;
}

export const prelu: Definition<PRelu> = {
  examples: [
    { name: 'prelu', slopes: Float64Array.of(0.25) },
    { name: 'prelu', slopes: Float64Array.of(0.1, -0.5, 1.5) },
  ],
  parameters: (f) => f.slopes,
  check({ slopes }, demand) {
    const { channels, entries } = demand;
    const { length } = slopes;
    const fits = length === 1 || length === channels || length === entries;
    demand.that(fits, `slopes must number 1, ${channels} or ${entries}`, length);
    for (const slope of slopes) demand.finite('slope', slope);
  },
  value: (f, x, channel) => (x < 0 ? broadcast(f.slopes, channel) * x : x),
  derivative: (f, x, channel) => (x < 0 ? broadcast(f.slopes, channel) : 1),
  slopes: (f) => ({
    lower: f.slopes.map((s) => Math.min(s, 1)),
    upper: f.slopes.map((s) => Math.max(s, 1)),
  }),
  kinks: () => [0],
  curvature: () => 0,
  turns: noTurns,
  roundsOnce: true,
  perChannel: { entries: (f) => f.slopes, withEntries: (f, slopes) => ({ ...f, slopes }) },
};

export interface Abs {
  readonly name: 'abs';
}

export const abs: Definition<Abs> = {
  ...plain('abs'),
  value: (_, x) => Math.abs(x),
  derivative: (_, x) => (x < 0 ? -1 : 1),
  slopes: () => interval(-1, 1),
  kinks: () => [0],
  curvature: () => 0,
  turns: noTurns,
  roundsOnce: true,
};
