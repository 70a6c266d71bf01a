/** Exponential below zero, linear above: ELU, CELU, SELU. */
import { type Definition, hull, interval, noTurns } from './definition.ts';

/** x for x > 0, α (eˣ − 1) otherwise */
export interface Elu {
  readonly name: 'elu';
  readonly alpha: number;
}

export const elu: Definition<Elu> = {
  examples: [
    { name: 'elu', alpha: 1 },
    { name: 'elu', alpha: 2.5 },
    { name: 'elu', alpha: -0.5 },
    { name: 'elu', alpha: 0 },
  ],
  parameters: (f) => [f.alpha],
  check: (f, demand) => demand.finite('alpha', f.alpha),
  value: (f, x) => (x < 0 ? f.alpha * Math.expm1(x) : x),
  derivative: (f, x) => (x < 0 ? f.alpha * Math.exp(x) : 1),
  slopes: (f) => hull(0, f.alpha, 1),
  kinks: (f) => (f.alpha === 1 ? [] : [0]),
  curvature: (f) => Math.abs(f.alpha),
  turns: noTurns,
};

/** x for x > 0, α (e^{x/α} − 1) otherwise; α > 0 */
export interface Celu {
  readonly name: 'celu';
  readonly alpha: number;
}

export const celu: Definition<Celu> = {
  examples: [
    { name: 'celu', alpha: 0.7 },
    { name: 'celu', alpha: 0.5 },
    { name: 'celu', alpha: 2 },
  ],
  parameters: (f) => [f.alpha],
  check({ alpha }, demand) {
    demand.finite('alpha', alpha);
    demand.that(alpha > 0, 'alpha must be positive (the slope is unbounded otherwise)', alpha);
  },
  value: (f, x) => (x < 0 ? f.alpha * Math.expm1(x / f.alpha) : x),
  derivative: (f, x) => (x < 0 ? Math.exp(x / f.alpha) : 1),
  slopes: () => interval(0, 1),
  kinks: () => [],
  curvature: (f) => 1 / f.alpha,
  turns: noTurns,
};

/** γ · ELU_α(x) */
export interface Selu {
  readonly name: 'selu';
  readonly alpha: number;
  readonly gamma: number;
}

export const selu: Definition<Selu> = {
  examples: [
    { name: 'selu', alpha: 1.6732632423543772, gamma: 1.0507009873554805 },
    { name: 'selu', alpha: 1.3, gamma: -0.6 },
    { name: 'selu', alpha: -0.5, gamma: 1.25 },
  ],
  parameters: (f) => [f.alpha, f.gamma],
  check({ alpha, gamma }, demand) {
    demand.finite('alpha', alpha);
    demand.finite('gamma', gamma);
    demand.finite('alpha · gamma', alpha * gamma);
  },
  value: (f, x) => f.gamma * (x < 0 ? f.alpha * Math.expm1(x) : x),
  derivative: (f, x) => f.gamma * (x < 0 ? f.alpha * Math.exp(x) : 1),
  slopes(f) {
    const left = f.gamma * f.alpha;
    return hull(0, f.gamma, left - slack(left), left + slack(left));
  },
  kinks: () => [0],
  curvature: (f) => Math.abs(f.alpha * f.gamma),
  turns: noTurns,
};

/** More than one unit in the last place of a rounded product, subnormal ones included. */
function slack(product: number): number {
  return Math.abs(product) * 2 ** -52 + Number.MIN_VALUE;
}
