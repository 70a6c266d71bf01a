/** Sine and cosine. */
import { type Definition, interval, plain } from './definition.ts';

export interface Sin {
  readonly name: 'sin';
}

export const sin: Definition<Sin> = {
  ...plain('sin'),
  value: (_, x) => Math.sin(x),
  derivative: (_, x) => Math.cos(x),
  slopes: () => interval(-1, 1),
  kinks: () => [],
  curvature: () => 1,
};

export interface Cos {
  readonly name: 'cos';
}

export const cos: Definition<Cos> = {
  ...plain('cos'),
  value: (_, x) => Math.cos(x),
  derivative: (_, x) => -Math.sin(x),
  slopes: () => interval(-1, 1),
  kinks: () => [],
  curvature: () => 1,
};
