/** Elementwise functions by the names that networks have for them, with the parameters that libraries fix. */
import type { Elementwise, ElementwiseName } from '../../network/elementwise/table.ts';

/** Those that need no parameters, or whose parameters their papers fix. */
export const PLAIN = {
  relu: { name: 'relu' },
  relu6: { name: 'clip', min: 0, max: 6 },
  'hard-tanh': { name: 'clip', min: -1, max: 1 },
  selu: { name: 'selu', alpha: 1.6732632423543772, gamma: 1.0507009873554805 },
  'hard-swish': { name: 'hard-swish' },
  sigmoid: { name: 'sigmoid' },
  tanh: { name: 'tanh' },
  softplus: { name: 'softplus' },
  softsign: { name: 'softsign' },
  silu: { name: 'silu' },
  gelu: { name: 'gelu' },
  'gelu-tanh': { name: 'gelu-tanh' },
  mish: { name: 'mish' },
  abs: { name: 'abs' },
  sin: { name: 'sin' },
  cos: { name: 'cos' },
  atan: { name: 'atan' },
  erf: { name: 'erf' },
} as const satisfies Record<string, Elementwise>;

export type PlainName = keyof typeof PLAIN;

export function isPlainFunction(name: string): name is PlainName {
  return Object.hasOwn(PLAIN, name);
}

/** What each function that is no `PlainName` needs: numbers by name. */
export const WITH_PARAMETERS = {
  'leaky-relu': ['slope'],
  elu: ['alpha'],
  celu: ['alpha'],
  clip: ['min', 'max'],
  'hard-sigmoid': ['alpha', 'beta'],
} as const satisfies Partial<Record<ElementwiseName, readonly string[]>>;

export type ParameterName = keyof typeof WITH_PARAMETERS;

export function hasParameters(name: string): name is ParameterName {
  return Object.hasOwn(WITH_PARAMETERS, name);
}
