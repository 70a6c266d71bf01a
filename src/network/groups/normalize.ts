/** Division by statistics of the group, kept away from 0: layer, instance, group and root-mean-square normalisation, ℓ2 normalisation. */
import { above, type GroupDefinition, inner, length, U } from './definition.ts';

/**
 * u / s(‖u‖), u = x or x less its mean, with
 *
 * - `root`: s = √(rate ‖u‖² + floor), L = 1/√floor
 * - `sum`: s = √rate ‖u‖ + floor, L = 1/floor
 * - `most`: s = max(√rate ‖u‖, floor), L = 1/floor
 */
export interface Normalize {
  readonly name: 'normalize';
  readonly form: 'root' | 'sum' | 'most';
  readonly centred: boolean;
  readonly rate: number;
  readonly floor: number;
}

export const normalize: GroupDefinition<Normalize> = {
  examples: [
    { name: 'normalize', form: 'root', centred: true, rate: 0.25, floor: 0.01 },
    { name: 'normalize', form: 'root', centred: false, rate: 1, floor: 0.5 },
    { name: 'normalize', form: 'sum', centred: false, rate: 1, floor: 0.1 },
    { name: 'normalize', form: 'most', centred: false, rate: 2, floor: 0.2 },
  ],
  fault: ({ rate, floor }) => {
    if (!(floor > 0 && floor < Infinity)) return ['what keeps the divisor from 0 must be positive', floor];
    if (!(rate > 0 && rate < Infinity)) return ['rate must be positive', rate];
    return undefined;
  },
  scalar: false,
  // Below 7 + 4 √3 (docs/soundness.md); a mean that is taken off mixes what weights tell apart, and at a maximum the slope jumps.
  spread: ({ form, centred }) => (form === 'most' || centred ? 1 : 13.9),
  lipschitz: ({ form, floor }) => above(1 / (form === 'root' ? Math.sqrt(floor) : floor)),
  value: (f, x) => {
    const u = centredOf(f, x);
    const s = divisor(f, length(u));
    return u.map((value) => value / s);
  },
  differentiate: (f, x) => {
    const u = centredOf(f, x);
    const size = length(u);
    const s = divisor(f, size);
    const slope = size === 0 ? 0 : divisorSlope(f, size, s) / size;
    // I/s − (s′/‖u‖) u uᵀ/s², which the projection commutes with.
    const product = (dx: Float64Array) => {
      const du = centredOf(f, dx);
      const along = (slope * inner(u, du)) / s / s;
      return du.map((value, k) => value / s - along * u[k]!);
    };
    return { push: product, pull: product };
  },
  error: (f, x) => {
    const size = length(x);
    // What the mean and the length are off by, in proportion to the whole; the value is at most ‖u‖/s.
    const s = divisor(f, 0);
    return (U * (8 * x.length + 64) * size) / s;
  },
};

/** x, or x less its mean. */
export function centredOf({ centred }: { readonly centred: boolean }, x: Float64Array): Float64Array {
  if (!centred) return x;
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  return x.map((value) => value - mean);
}

function divisor({ form, rate, floor }: Normalize, size: number): number {
  switch (form) {
    case 'root':
      return Math.hypot(Math.sqrt(rate) * size, Math.sqrt(floor));
    case 'sum':
      return Math.sqrt(rate) * size + floor;
    case 'most':
      return Math.max(Math.sqrt(rate) * size, floor);
    default:
      return form satisfies never;
  }
}

/** s′ */
function divisorSlope({ form, rate, floor }: Normalize, size: number, s: number): number {
  switch (form) {
    case 'root':
      return (rate * size) / s;
    case 'sum':
      return Math.sqrt(rate);
    case 'most':
      return Math.sqrt(rate) * size > floor ? Math.sqrt(rate) : 0;
    default:
      return form satisfies never;
  }
}
