/**
 * The closed list of elementwise functions: what they compute, their derivative, and the exact range of
 * their slope, which is all that a Lipschitz bound knows of them (docs/mathematics.md §1).
 *
 * Not listed because their slope is unbounded: thresholded ReLU (a jump), exp, powers, reciprocal, sqrt, log.
 */
import { InputError } from '../errors.ts';
import { erf } from './erf.ts';
import { broadcast } from './size.ts';

/** Every parameter is a finite number, except that a clip may be open on one side (±Infinity). */
export type Elementwise =
  /** max(x, 0) */
  | { readonly name: 'relu' }
  /** x for x > 0, slope · x otherwise */
  | { readonly name: 'leaky-relu'; readonly slope: number }
  /** Leaky ReLU with one slope per channel (first axis); a single one is for all. */
  | { readonly name: 'prelu'; readonly slopes: Float64Array }
  /** x for x > 0, α (eˣ − 1) otherwise */
  | { readonly name: 'elu'; readonly alpha: number }
  /** x for x > 0, α (e^{x/α} − 1) otherwise; α > 0 */
  | { readonly name: 'celu'; readonly alpha: number }
  /** γ · ELU_α(x) */
  | { readonly name: 'selu'; readonly alpha: number; readonly gamma: number }
  /** min(max(x, min), max), min < max. Hard tanh is the clip to [−1, 1], ReLU6 the clip to [0, 6]. */
  | { readonly name: 'clip'; readonly min: number; readonly max: number }
  /** α x + β clipped to [0, 1] */
  | { readonly name: 'hard-sigmoid'; readonly alpha: number; readonly beta: number }
  /** x · clip(x/6 + ½, 0, 1) */
  | { readonly name: 'hard-swish' }
  | { readonly name: 'sigmoid' }
  | { readonly name: 'tanh' }
  /** log(1 + eˣ) */
  | { readonly name: 'softplus' }
  /** x / (1 + |x|) */
  | { readonly name: 'softsign' }
  /** x · sigmoid(x) */
  | { readonly name: 'silu' }
  /** x · sigmoid(βx) */
  | { readonly name: 'swish'; readonly beta: number }
  /** x Φ(x), Φ the normal distribution */
  | { readonly name: 'gelu' }
  /** ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))) */
  | { readonly name: 'gelu-tanh' }
  /** x · tanh(softplus(x)) */
  | { readonly name: 'mish' }
  | { readonly name: 'abs' }
  | { readonly name: 'sin' }
  | { readonly name: 'cos' }
  | { readonly name: 'atan' }
  | { readonly name: 'erf' }
  /** The identity inside a window, zero outside: what a zero-padded operator needs in front of it (docs/mathematics.md §2). */
  | { readonly name: 'mask' };

export type ElementwiseName = Elementwise['name'];

/** Slope intervals [lower, upper]: arrays of length 1, or one entry per channel. */
export interface SlopeInterval {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/**
 * Refuses parameters for which the function has no bounded slope or no meaning.
 * @param channels size of the first axis of the tensor it acts on
 * @throws InputError that starts with `node`
 */
export function checkElementwise(node: string, f: Elementwise, channels: number): void {
  const demand = (holds: boolean, rule: string, got: number) => {
    if (!holds) throw new InputError(`${node}: ${f.name}: ${rule}, got ${got}`);
  };
  const finite = (parameter: string, value: number) =>
    demand(Number.isFinite(value), `${parameter} must be finite`, value);
  switch (f.name) {
    case 'leaky-relu':
      finite('slope', f.slope);
      return;
    case 'prelu': {
      const { length } = f.slopes;
      demand(length === 1 || length === channels, `slopes must number 1 or ${channels}`, length);
      for (const slope of f.slopes) finite('slope', slope);
      return;
    }
    case 'elu':
      finite('alpha', f.alpha);
      return;
    case 'celu':
      finite('alpha', f.alpha);
      demand(f.alpha > 0, 'alpha must be positive (the slope is unbounded otherwise)', f.alpha);
      return;
    case 'selu':
      finite('alpha', f.alpha);
      finite('gamma', f.gamma);
      finite('alpha · gamma', f.alpha * f.gamma);
      return;
    case 'clip':
      demand(f.min < Number.POSITIVE_INFINITY, 'min must be a number below infinity', f.min);
      demand(f.max > f.min, `max must be above min = ${f.min}`, f.max);
      return;
    case 'hard-sigmoid':
      finite('alpha', f.alpha);
      finite('beta', f.beta);
      return;
    case 'swish':
      finite('beta', f.beta);
      return;
    case 'relu':
    case 'hard-swish':
    case 'sigmoid':
    case 'tanh':
    case 'softplus':
    case 'softsign':
    case 'silu':
    case 'gelu':
    case 'gelu-tanh':
    case 'mish':
    case 'abs':
    case 'sin':
    case 'cos':
    case 'atan':
    case 'erf':
    case 'mask':
      return;
    default:
      throw unknown(f);
  }
}

/** φ(x). `channel` picks the slope of a PReLU. */
export function evaluate(f: Elementwise, x: number, channel: number): number {
  switch (f.name) {
    case 'relu':
      return Math.max(x, 0);
    case 'leaky-relu':
      return x < 0 ? f.slope * x : x;
    case 'prelu':
      return x < 0 ? broadcast(f.slopes, channel) * x : x;
    case 'elu':
      return x < 0 ? f.alpha * Math.expm1(x) : x;
    case 'celu':
      return x < 0 ? f.alpha * Math.expm1(x / f.alpha) : x;
    case 'selu':
      return f.gamma * (x < 0 ? f.alpha * Math.expm1(x) : x);
    case 'clip':
      return Math.min(Math.max(x, f.min), f.max);
    case 'hard-sigmoid':
      return Math.min(Math.max(f.alpha * x + f.beta, 0), 1);
    case 'hard-swish':
      return x * Math.min(Math.max(x / 6 + 0.5, 0), 1);
    case 'sigmoid':
      return sigmoid(x);
    case 'tanh':
      return Math.tanh(x);
    case 'softplus':
      return softplus(x);
    case 'softsign':
      return x / (1 + Math.abs(x));
    case 'silu':
      return x * sigmoid(x);
    case 'swish':
      return x * sigmoid(f.beta * x);
    case 'gelu':
      return x * normalDistribution(x);
    case 'gelu-tanh':
      return 0.5 * x * (1 + Math.tanh(geluArgument(x)));
    case 'mish':
      return x * Math.tanh(softplus(x));
    case 'abs':
      return Math.abs(x);
    case 'sin':
      return Math.sin(x);
    case 'cos':
      return Math.cos(x);
    case 'atan':
      return Math.atan(x);
    case 'erf':
      return erf(x);
    case 'mask':
      return x;
    default:
      throw unknown(f);
  }
}

/** φ'(x); at a kink one of the one-sided derivatives. */
export function derivative(f: Elementwise, x: number, channel: number): number {
  switch (f.name) {
    case 'relu':
      return x < 0 ? 0 : 1;
    case 'leaky-relu':
      return x < 0 ? f.slope : 1;
    case 'prelu':
      return x < 0 ? broadcast(f.slopes, channel) : 1;
    case 'elu':
      return x < 0 ? f.alpha * Math.exp(x) : 1;
    case 'celu':
      return x < 0 ? Math.exp(x / f.alpha) : 1;
    case 'selu':
      return f.gamma * (x < 0 ? f.alpha * Math.exp(x) : 1);
    case 'clip':
      return x > f.min && x < f.max ? 1 : 0;
    case 'hard-sigmoid': {
      const y = f.alpha * x + f.beta;
      return y > 0 && y < 1 ? f.alpha : 0;
    }
    case 'hard-swish':
      return x < -3 ? 0 : x > 3 ? 1 : x / 3 + 0.5;
    case 'sigmoid':
      return sigmoid(x) * sigmoid(-x);
    case 'tanh':
      return 1 - Math.tanh(x) ** 2;
    case 'softplus':
      return sigmoid(x);
    case 'softsign':
      return 1 / (1 + Math.abs(x)) ** 2;
    case 'silu':
      return swishDerivative(x);
    case 'swish':
      return swishDerivative(f.beta * x);
    case 'gelu':
      return normalDistribution(x) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
    case 'gelu-tanh': {
      const t = Math.tanh(geluArgument(x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU_RATE * (1 + 3 * GELU_CUBIC * x * x);
    }
    case 'mish': {
      const t = Math.tanh(softplus(x));
      return t + x * (1 - t * t) * sigmoid(x);
    }
    case 'abs':
      return x < 0 ? -1 : 1;
    case 'sin':
      return Math.cos(x);
    case 'cos':
      return -Math.sin(x);
    case 'atan':
      return 1 / (1 + x * x);
    case 'erf':
      return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
    case 'mask':
      return 1;
    default:
      throw unknown(f);
  }
}

/**
 * The smallest interval that holds every slope (φ(x) − φ(y)) / (x − y), ends rounded outward.
 *
 * The ends of GELU are Φ(√2) + √2 φ(√2) and one minus it; those of SiLU, tanh-GELU and Mish are φ' at the
 * roots of φ'', found with 50 digits (mpmath: Newton on φ'' from a scan of φ'). They are written here with
 * the 15th digit rounded outward.
 */
export function slopeInterval(f: Elementwise): SlopeInterval {
  switch (f.name) {
    case 'relu':
    case 'clip':
    case 'mask':
    case 'tanh':
    case 'softplus':
    case 'softsign':
    case 'atan':
    case 'celu':
      return interval(0, 1);
    case 'leaky-relu':
      return hull(f.slope, 1);
    case 'prelu':
      return { lower: f.slopes.map((s) => Math.min(s, 1)), upper: f.slopes.map((s) => Math.max(s, 1)) };
    case 'elu':
      return hull(0, f.alpha, 1);
    case 'selu': {
      const left = f.gamma * f.alpha;
      return hull(0, f.gamma, left - slack(left), left + slack(left));
    }
    case 'hard-sigmoid':
      return hull(0, f.alpha);
    case 'hard-swish':
      return interval(-0.5, 1.5);
    case 'sigmoid':
      return interval(0, 0.25);
    case 'silu':
    case 'swish': // (x σ(βx))' is the derivative of SiLU at βx
      return interval(-0.099839320128867, 1.09983932012887); // ±(1.0998393201288669169… − ½) + ½
    case 'gelu':
      return interval(-0.128904145185155, 1.12890414518516); // 1.1289041451851547863…
    case 'gelu-tanh':
      return interval(-0.128993068658772, 1.12899306865878); // 1.1289930686587717654…
    case 'mish':
      return interval(-0.112526122389463, 1.08849816125173); // −0.1125261223894625564…, 1.0884981612517278612…
    case 'abs':
    case 'sin':
    case 'cos':
      return interval(-1, 1);
    case 'erf':
      return interval(0, 1.12837916709552); // 2/√π = 1.1283791670955125738…
    default:
      throw unknown(f);
  }
}

const GELU_RATE = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;

function geluArgument(x: number): number {
  return GELU_RATE * (x + GELU_CUBIC * x ** 3);
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

function swishDerivative(x: number): number {
  const s = sigmoid(x);
  return s + x * s * sigmoid(-x);
}

function normalDistribution(x: number): number {
  return 0.5 * (1 + erf(x / Math.SQRT2));
}

function interval(lower: number, upper: number): SlopeInterval {
  return { lower: Float64Array.of(lower), upper: Float64Array.of(upper) };
}

function hull(...slopes: number[]): SlopeInterval {
  return interval(Math.min(...slopes), Math.max(...slopes));
}

/** More than one unit in the last place of a rounded product, subnormal ones included. */
function slack(product: number): number {
  return Math.abs(product) * 2 ** -52 + Number.MIN_VALUE;
}

function unknown(f: never): Error {
  return new Error(`elementwise: unknown function ${JSON.stringify(f)}`);
}
