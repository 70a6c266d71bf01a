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

/** σ(x)² */
export interface SigmoidSquare {
  readonly name: 'sigmoid-square';
}

export const sigmoidSquare: Definition<SigmoidSquare> = {
  ...plain('sigmoid-square'),
  value: (_, x) => logistic(x) ** 2,
  derivative: (_, x) => 2 * logistic(x) ** 2 * logistic(-x),
  slopes: () => interval(0, 0.2962962962962964), // 8/27, at σ = 2/3
  kinks: () => [],
  curvature: () => 0.6, // 2 σ² (1 − σ) |2 − 3 σ|
  turns: (_, from, to) => turningAt([Math.LN2], from, to),
};

/** tanh² x */
export interface TanhSquare {
  readonly name: 'tanh-square';
}

const STEEPEST_SQUARE = 0.7698003589195012; // 4/(3√3) = 0.76980035891950101934…, at tanh x = ±1/√3

export const tanhSquare: Definition<TanhSquare> = {
  ...plain('tanh-square'),
  value: (_, x) => Math.tanh(x) ** 2,
  derivative: (_, x) => 2 * Math.tanh(x) * (1 - Math.tanh(x) ** 2),
  slopes: () => interval(-STEEPEST_SQUARE, STEEPEST_SQUARE),
  kinks: () => [],
  curvature: () => 2, // 2 |1 − t²| |1 − 3 t²|
  turns: (_, from, to) => turningAt([-0.6584789484624084, 0.6584789484624084], from, to), // artanh(1/√3)
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

export interface Asinh {
  readonly name: 'asinh';
}

export const asinh: Definition<Asinh> = {
  ...plain('asinh'),
  value: (_, x) => Math.asinh(x),
  derivative: (_, x) => 1 / Math.hypot(1, x),
  slopes: () => interval(0, 1),
  kinks: () => [],
  curvature: () => 0.39, // 2/(3√3)
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
