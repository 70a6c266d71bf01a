/** The elementwise functions and their derivatives, written a second time from their definitions. */
import { derivative, type Elementwise, valueAt } from '../../src/network/elementwise/elementwise.ts';

export interface Activation {
  value(x: number): number;
  /** The derivative; at a kink one of the one-sided ones. */
  slope(x: number): number;
}

/** φ of one channel. */
export function activation(f: Elementwise, channel: number): Activation {
  switch (f.name) {
    case 'relu':
      return twoPieces(0);
    case 'leaky-relu':
      return twoPieces(f.slope);
    case 'prelu':
      return twoPieces(f.slopes[f.slopes.length === 1 ? 0 : channel]!);
    case 'abs':
      return twoPieces(-1);
    case 'mask':
      return twoPieces(1);
    case 'elu':
      return exponentialBelowZero(f.alpha, 1);
    case 'celu':
      return exponentialBelowZero(f.alpha, 1 / f.alpha);
    case 'selu':
      return times(f.gamma, exponentialBelowZero(f.alpha, 1));
    case 'clip':
      return {
        value: (x) => Math.min(f.max, Math.max(f.min, x)),
        slope: (x) => (x < f.min || x > f.max ? 0 : 1),
      };
    case 'hard-sigmoid':
      return {
        value: (x) => clampToUnit(f.alpha * x + f.beta),
        slope: (x) => (isInsideUnit(f.alpha * x + f.beta) ? f.alpha : 0),
      };
    case 'hard-swish': {
      const rate = f.rate ?? 1 / 6;
      return gated(
        (x) => clampToUnit(rate * x + 0.5),
        (x) => (isInsideUnit(rate * x + 0.5) ? rate : 0),
      );
    }
    case 'sigmoid':
      return { value: logistic, slope: (x) => logistic(x) * logistic(-x) };
    case 'tanh':
      return { value: Math.tanh, slope: (x) => 1 / Math.cosh(x) ** 2 };
    case 'softplus':
      return { value: (x) => (x > 30 ? x : Math.log1p(Math.exp(x))), slope: logistic };
    case 'softsign':
      return { value: (x) => x / (1 + Math.abs(x)), slope: (x) => (1 + Math.abs(x)) ** -2 };
    case 'silu':
      return gated(
        (x) => logistic(x),
        (x) => logistic(x) * logistic(-x),
      );
    case 'swish':
      return gated(
        (x) => logistic(f.beta * x),
        (x) => f.beta * logistic(f.beta * x) * logistic(-f.beta * x),
      );
    case 'gelu': {
      const rate = f.rate ?? Math.sqrt(0.5);
      return gated(
        (x) => (1 + errorFunction(rate * x)) / 2,
        (x) => (rate * Math.exp(-((rate * x) ** 2))) / Math.sqrt(Math.PI),
      );
    }
    case 'gelu-tanh': {
      const { rate, cubic } = f.constants ?? { rate: Math.sqrt(2 / Math.PI), cubic: 0.044715 };
      const inner = (x: number) => rate * (x + cubic * x ** 3);
      return gated(
        (x) => (1 + Math.tanh(inner(x))) / 2,
        (x) => (rate * (1 + 3 * cubic * x ** 2)) / (2 * Math.cosh(inner(x)) ** 2),
      );
    }
    case 'mish': {
      const gate = (x: number) => Math.tanh(x > 30 ? x : Math.log1p(Math.exp(x)));
      return gated(gate, (x) => (1 - gate(x) ** 2) * logistic(x));
    }
    case 'sin':
      return { value: Math.sin, slope: Math.cos };
    case 'cos':
      return { value: Math.cos, slope: (x) => -Math.sin(x) };
    case 'atan':
      return { value: Math.atan, slope: (x) => 1 / (1 + x ** 2) };
    case 'erf':
      return { value: errorFunction, slope: (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-(x ** 2)) };
    default:
      return ownDefinition(f, channel);
  }
}

/** Of functions without a second definition here: ONNX Runtime is the only other one (test/formats/onnx/elementwise.test.ts). */
function ownDefinition(f: Elementwise, channel: number): Activation {
  return { value: (x) => valueAt(f, x, channel), slope: (x) => derivative(f, x, channel) };
}

function twoPieces(left: number): Activation {
  return { value: (x) => (x > 0 ? x : left * x), slope: (x) => (x > 0 ? 1 : left) };
}

/** α (e^{kx} − 1) below zero, x above. */
function exponentialBelowZero(alpha: number, k: number): Activation {
  return {
    value: (x) => (x > 0 ? x : alpha * (Math.exp(k * x) - 1)),
    slope: (x) => (x > 0 ? 1 : alpha * k * Math.exp(k * x)),
  };
}

function times(factor: number, f: Activation): Activation {
  return { value: (x) => factor * f.value(x), slope: (x) => factor * f.slope(x) };
}

/** x g(x) */
function gated(gate: (x: number) => number, gateSlope: (x: number) => number): Activation {
  return { value: (x) => x * gate(x), slope: (x) => gate(x) + x * gateSlope(x) };
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function clampToUnit(x: number): number {
  return Math.min(1, Math.max(0, x));
}

function isInsideUnit(x: number): boolean {
  return x > 0 && x < 1;
}

/** erf by its Maclaurin series scaled by e^{−x²} (all terms positive, DLMF 7.6.2); 1 to double precision beyond 6. */
function errorFunction(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
