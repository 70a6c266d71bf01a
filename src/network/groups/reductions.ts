/** The largest of a group, its norms, and smooth maxima. */

import { largestModulus } from '../extremes.ts';
import { above, type GroupDefinition, gradient, U } from './definition.ts';
import { softmaxOf } from './softmax.ts';

/** The largest entry. */
export interface Largest {
  readonly name: 'max';
}

export const largestEntry: GroupDefinition<Largest> = {
  examples: [{ name: 'max' }],
  scalar: true,
  lipschitz: () => 1,
  value: (_, x) => Float64Array.of(x[argmax(x)]!),
  differentiate: (_, x) => {
    const g = new Float64Array(x.length);
    g[argmax(x)] = 1;
    return gradient(g);
  },
  error: () => 0,
};

function argmax(x: Float64Array): number {
  let at = 0;
  // NaN stays NaN.
  for (let k = 1; k < x.length; k++) if (!(x[k]! <= x[at]!)) at = k;
  return at;
}

/** ln Σ e^{x_k} */
export interface LogSumExp {
  readonly name: 'log-sum-exp';
}

export const logSumExp: GroupDefinition<LogSumExp> = {
  examples: [{ name: 'log-sum-exp' }],
  scalar: true,
  lipschitz: () => 1,
  value: (_, x) => {
    const top = x[argmax(x)]!;
    return Float64Array.of(top + Math.log(x.reduce((sum, value) => sum + Math.exp(value - top), 0)));
  },
  differentiate: (_, x) => gradient(softmaxOf(x, false)),
  error: (_, x) => U * (8 * largestModulus(x) + 4 * x.length + 40),
};

/** (Σ |x_k|^p)^{1/p}, p ≥ 1. */
export interface Norm {
  readonly name: 'norm';
  readonly p: number;
}

export const norm: GroupDefinition<Norm> = {
  examples: [
    { name: 'norm', p: 2 },
    { name: 'norm', p: 1 },
    { name: 'norm', p: 3 },
    { name: 'norm', p: 1.5 },
  ],
  fault: ({ p }) => (p >= 1 && p < Infinity ? undefined : ['p must be at least 1 and finite', p]),
  scalar: true,
  lipschitz: ({ p }, n) => (p >= 2 ? 1 : above(above(n ** (1 / p - 0.5)))),
  value: ({ p }, x) => Float64Array.of(normOf(x, p)),
  differentiate: ({ p }, x) => {
    const size = normOf(x, p);
    // At 0 any gradient in the dual ball is one of a piece.
    return gradient(
      x.map((value) => (size === 0 ? 0 : Math.sign(value) * (Math.abs(value) / size) ** (p - 1))),
    );
  },
  error: ({ p }, x) => U * (4 * x.length + 64 * p) * normOf(x, p),
};

function normOf(x: Float64Array, p: number): number {
  const most = largestModulus(x);
  if (!(most > 0 && most < Infinity)) return most;
  const power = p === 2 ? Math.sqrt : (sum: number) => sum ** (1 / p);
  return most * power(x.reduce((sum, value) => sum + (Math.abs(value) / most) ** p, 0));
}
