/** From one level to another: sigmoid, tanh, softsign, arctangent, error function. */
import { type Definition, interval, plain, turningAt } from './definition.ts';
import { erf as errorFunction } from './errorFunction.ts';

/** 1 / (1 + e^{−x}) */
export interface Sigmoid {
  readonly name: 'sigmoid';
}

export const sigmoid: Definition<Sigmoid> = {
  ...plain('sigmoid'),
  value: (_, x) => logistic(x),
  derivative: (_, x) => logistic(x) * logistic(-x),
  slopes: () => interval(0, 0.25),
  kinks: () => [],
  curvature: () => 0.1, // 1/(6√3)
  turns: (_, from, to) => turningAt([0], from, to),
};

/** 1 / (1 + e^{−x}) */
export function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export interface Tanh {
  readonly name: 'tanh';
}

export const tanh: Definition<Tanh> = {
  ...plain('tanh'),
  value: (_, x) => Math.tanh(x),
  derivative: (_, x) => 1 - Math.tanh(x) ** 2,
  slopes: () => interval(0, 1),
  kinks: () => [],
  curvature: () => 0.77, // 4/(3√3)
  turns: (_, from, to) => turningAt([0], from, to),
};

/** x / (1 + |x|) */
export interface Softsign {
  readonly name: 'softsign';
}

export const softsign: Definition<Softsign> = {
  ...plain('softsign'),
  value: (_, x) => x / (1 + Math.abs(x)),
  derivative: (_, x) => 1 / (1 + Math.abs(x)) ** 2,
  slopes: () => interval(0, 1),
  kinks: () => [],
  curvature: () => 2,
  turns: (_, from, to) => turningAt([0], from, to),
};

export interface Atan {
  readonly name: 'atan';
}

export const atan: Definition<Atan> = {
  ...plain('atan'),
  value: (_, x) => Math.atan(x),
  derivative: (_, x) => 1 / (1 + x * x),
  slopes: () => interval(0, 1),
  kinks: () => [],
  curvature: () => 0.65, // 3√3/8
  turns: (_, from, to) => turningAt([0], from, to),
};

export interface Erf {
  readonly name: 'erf';
}

export const erf: Definition<Erf> = {
  ...plain('erf'),
  value: (_, x) => errorFunction(x),
  derivative: (_, x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x),
  slopes: () => interval(0, 1.12837916709552), // 2/√π = 1.1283791670955125738…
  kinks: () => [],
  curvature: () => 0.97, // √(8/(πe))
  turns: (_, from, to) => turningAt([0], from, to),
};
