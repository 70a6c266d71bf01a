/** The reciprocal of a deviation that an epsilon keeps from 0. */
import { above, type GroupDefinition, gradient, length, U } from './definition.ts';
import { centredOf } from './normalize.ts';

/** 1 / √(rate ‖u‖² + floor), u = x or x less its mean. */
export interface InverseRoot {
  readonly name: 'inverse-root';
  readonly centred: boolean;
  readonly rate: number;
  readonly floor: number;
}

export const inverseRoot: GroupDefinition<InverseRoot> = {
  examples: [
    { name: 'inverse-root', centred: true, rate: 0.25, floor: 0.01 },
    { name: 'inverse-root', centred: false, rate: 2, floor: 0.5 },
  ],
  fault: ({ rate, floor }) => {
    if (!(floor > 0 && floor < Infinity)) return ['what keeps the divisor from 0 must be positive', floor];
    if (!(rate > 0 && rate < Infinity)) return ['rate must be positive', rate];
    return undefined;
  },
  scalar: true,
  // The slope √rate s / (s² + floor)^{3/2}, s = √rate ‖u‖, is largest where s² = floor / 2.
  lipschitz: ({ rate, floor }) => above(((2 / (3 * Math.sqrt(3))) * Math.sqrt(rate)) / floor),
  value: (f, x) => Float64Array.of(1 / rootOf(f, centredOf(f, x))),
  differentiate: (f, x) => {
    const u = centredOf(f, x);
    const root = rootOf(f, u);
    // u has no mean of its own, so it is its own projection.
    return gradient(u.map((value) => (-f.rate * value) / root / root / root));
  },
  // u is off by a share of ‖x‖, which the slope carries on; roots, quotient and ‖u‖ add a share of the value.
  error: (f, x) => {
    const size = length(x);
    const slope = (2 / (3 * Math.sqrt(3))) * (Math.sqrt(f.rate) / f.floor);
    return U * (16 / Math.sqrt(f.floor) + (8 * x.length + 64) * size * slope);
  },
};

function rootOf({ rate, floor }: InverseRoot, u: Float64Array): number {
  return Math.hypot(Math.sqrt(rate) * length(u), Math.sqrt(floor));
}
