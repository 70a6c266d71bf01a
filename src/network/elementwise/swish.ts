/**
 * Softplus, and x times a smooth gate: SiLU, Swish, Mish.
 *
 * The ends of the slopes of SiLU and Mish are φ′ at the roots of φ″, found with 50 digits (mpmath: Newton on φ″ from a
 * scan of φ′). They are written here with the 15th digit rounded outward. The roots are the turns.
 */
import { type Definition, interval, noTurns, plain, turningAt } from './definition.ts';
import { logistic } from './sigmoid.ts';

/** log(1 + eˣ) */
export interface Softplus {
  readonly name: 'softplus';
}

export const softplus: Definition<Softplus> = {
  ...plain('softplus'),
  value: (_, x) => logOfOnePlusExp(x),
  derivative: (_, x) => logistic(x),
  slopes: () => interval(0, 1),
  kinks: () => [],
  curvature: () => 0.25,
  turns: noTurns,
};

function logOfOnePlusExp(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** x · sigmoid(x) */
export interface Silu {
  readonly name: 'silu';
}

export const silu: Definition<Silu> = {
  ...plain('silu'),
  value: (_, x) => x * logistic(x),
  derivative: (_, x) => siluDerivative(x),
  slopes: siluSlopes,
  kinks: () => [],
  curvature: () => 0.5,
  turns: (_, from, to) => turningAt([-SILU_TURN, SILU_TURN], from, to),
};

/** x · sigmoid(βx) */
export interface Swish {
  readonly name: 'swish';
  readonly beta: number;
}

export const swish: Definition<Swish> = {
  examples: [
    { name: 'swish', beta: 1.702 },
    { name: 'swish', beta: -0.5 },
  ],
  parameters: (f) => [f.beta],
  check: (f, demand) => demand.finite('beta', f.beta),
  value: (f, x) => x * logistic(f.beta * x),
  // (x σ(βx))′ is the derivative of SiLU at βx.
  derivative: (f, x) => siluDerivative(f.beta * x),
  slopes: siluSlopes,
  kinks: () => [],
  // (x σ(βx))″ is β times that of SiLU at βx.
  curvature: (f) => 0.5 * Math.abs(f.beta),
  turns({ beta }, from, to) {
    return beta === 0 ? [] : turningAt([-SILU_TURN / beta, SILU_TURN / beta], from, to);
  },
};

/** The root of x tanh(x/2) = 2, where φ″ of SiLU vanishes. */
const SILU_TURN = 2.39935728051547;

function siluDerivative(x: number): number {
  const s = logistic(x);
  return s + x * s * logistic(-x);
}

function siluSlopes() {
  return interval(-0.099839320128867, 1.09983932012887); // ±(1.0998393201288669169… − ½) + ½
}

/** x · tanh(softplus(x)) */
export interface Mish {
  readonly name: 'mish';
}

export const mish: Definition<Mish> = {
  ...plain('mish'),
  value: (_, x) => x * Math.tanh(logOfOnePlusExp(x)),
  derivative(_, x) {
    const t = Math.tanh(logOfOnePlusExp(x));
    return t + x * (1 - t * t) * logistic(x);
  },
  slopes: () => interval(-0.112526122389463, 1.08849816125173), // −0.1125261223894625564…, 1.0884981612517278612…
  kinks: () => [],
  curvature: () => 0.8,
  turns: (_, from, to) => turningAt([-2.256376376396363, 1.490571179485428], from, to),
};
