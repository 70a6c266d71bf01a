/** Products of bounded numbers: the gates of recurrent and gated networks. */
import { above, type GroupDefinition, gradient, U } from './definition.ts';

/**
 * c₁ c₂ ⋯, the entries cut off at ±first and, from the second on, at ±rest. Of entries that stay within these it is the product; everywhere
 * else it is what keeps its slope bounded.
 */
export interface BoundedProduct {
  readonly name: 'product';
  readonly first: number;
  readonly rest: number;
}

export const boundedProduct: GroupDefinition<BoundedProduct> = {
  examples: [
    { name: 'product', first: 1, rest: 1 },
    { name: 'product', first: 1.5, rest: 0.8 },
  ],
  fault: ({ first, rest }) => {
    const wrong = [first, rest].find((limit) => !(limit > 0 && limit < Infinity));
    return wrong === undefined ? undefined : ['factors must be bounded', wrong];
  },
  scalar: true,
  // The gradient has the modulus rest^(n−1) in the first entry, first rest^(n−2) in the others, at most.
  lipschitz: ({ first, rest }, n) =>
    n === 1 ? 1 : above(above(Math.sqrt(rest ** 2 + (n - 1) * first ** 2) * rest ** (n - 2))),
  value: (f, x) => Float64Array.of(x.reduce((product, value, k) => product * cut(f, value, k), 1)),
  differentiate: (f, x) => {
    const parts = x.map((value, k) => cut(f, value, k));
    return gradient(
      x.map((value, k) =>
        parts[k] === value ? parts.reduce((product, part, j) => (j === k ? product : product * part), 1) : 0,
      ),
    );
  },
  error: (f, x) => U * x.length * Math.abs(x.reduce((product, value, k) => product * cut(f, value, k), 2)),
};

function cut({ first, rest }: BoundedProduct, value: number, k: number): number {
  const limit = k === 0 ? first : rest;
  return Math.min(Math.max(value, -limit), limit);
}
