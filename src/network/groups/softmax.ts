/** Softmax and its logarithm between layers; as the last step of a network they are an operator of their own. */
import { largestModulus } from '../extremes.ts';
import { above, type GroupDefinition, inner, symmetric, U } from './definition.ts';

/** e^{x_i} / Σ e^{x_k}, or its logarithm. */
export interface GroupSoftmax {
  readonly name: 'softmax';
  readonly logarithm: boolean;
}

export const groupSoftmax: GroupDefinition<GroupSoftmax> = {
  examples: [
    { name: 'softmax', logarithm: false },
    { name: 'softmax', logarithm: true },
  ],
  scalar: false,
  lipschitz: ({ logarithm }, n) => (logarithm ? above(Math.sqrt(n)) : 0.5),
  value: ({ logarithm }, x) => softmaxOf(x, logarithm),
  differentiate: ({ logarithm }, x) => {
    const p = softmaxOf(x, false);
    if (!logarithm) {
      return symmetric((dx) => {
        const mean = inner(p, dx);
        return dx.map((increment, k) => p[k]! * (increment - mean));
      });
    }
    return {
      push: (dx) => {
        const mean = inner(p, dx);
        return dx.map((increment) => increment - mean);
      },
      pull: (u) => {
        const sum = u.reduce((a, b) => a + b, 0);
        return u.map((value, k) => value - p[k]! * sum);
      },
    };
  },
  error: ({ logarithm }, x) =>
    U * (2 * x.length + 40 + (logarithm ? 12 * largestModulus(x) : 4 * largestModulus(x))),
};

export function softmaxOf(x: Float64Array, logarithm: boolean): Float64Array {
  const top = x.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = x.map((value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return logarithm ? x.map((value) => value - top - Math.log(sum)) : powers.map((power) => power / sum);
}
