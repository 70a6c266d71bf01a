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
  /** x · clip(rate · x + ½, 0, 1); the rate is 1/6 unless given */
  | { readonly name: 'hard-swish'; readonly rate?: number }
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
  /** ½ x (1 + erf(rate · x)); the rate is 1/√2 unless given: x Φ(x), Φ the normal distribution */
  | { readonly name: 'gelu'; readonly rate?: number }
  /** ½ x (1 + tanh(rate (x + cubic x³))), √(2/π) and 0.044715 unless given; both positive, near those */
  | { readonly name: 'gelu-tanh'; readonly constants?: TanhGelu }
  /** x · tanh(softplus(x)) */
  | { readonly name: 'mish' }
  | { readonly name: 'abs' }
  | { readonly name: 'sin' }
  | { readonly name: 'cos' }
  | { readonly name: 'atan' }
  | { readonly name: 'erf' }
  /** The identity inside a window, zero outside: what a zero-padded operator needs in front of it (docs/mathematics.md §2). */
  | { readonly name: 'mask' };

/** The constants of a tanh-GELU that are not the usual ones, as of float32. */
export interface TanhGelu {
  readonly rate: number;
  readonly cubic: number;
}

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
    case 'hard-swish':
    case 'gelu':
      finite('rate', f.rate ?? 0);
      return;
    case 'gelu-tanh':
      demand(
        isTanhGelu(f.constants ?? USUAL),
        'constants must be near the usual ones',
        f.constants?.rate ?? 0,
      );
      return;
    case 'relu':
    case 'sigmoid':
    case 'tanh':
    case 'softplus':
    case 'softsign':
    case 'silu':
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
      return x * Math.min(Math.max((f.rate === undefined ? x / 6 : f.rate * x) + 0.5, 0), 1);
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
      return x * normalDistribution(x, f.rate);
    case 'gelu-tanh':
      return 0.5 * x * (1 + Math.tanh(geluArgument(f.constants ?? USUAL, x)));
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
      return hardSwishDerivative(f.rate === undefined ? x / 6 : f.rate * x);
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
      return geluDerivative(x, f.rate ?? Math.SQRT1_2);
    case 'gelu-tanh': {
      const constants = f.constants ?? USUAL;
      const t = Math.tanh(geluArgument(constants, x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * constants.rate * (1 + 3 * constants.cubic * x * x);
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
    case 'hard-swish': // of any rate: its derivative is a function of rate · x
      return interval(-0.5, 1.5);
    case 'sigmoid':
      return interval(0, 0.25);
    case 'silu':
    case 'swish': // (x σ(βx))' is the derivative of SiLU at βx
      return interval(-0.099839320128867, 1.09983932012887); // ±(1.0998393201288669169… − ½) + ½
    case 'gelu': // of any rate: its derivative is a function of rate · x
      return interval(-0.128904145185155, 1.12890414518516); // 1.1289041451851547863…
    case 'gelu-tanh': {
      const beyond = f.constants ? tanhGeluDistance(f.constants) : 0;
      return interval(-0.128993068658772 - beyond, 1.12899306865878 + beyond); // 1.1289930686587717654…
    }
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

const USUAL: TanhGelu = { rate: Math.sqrt(2 / Math.PI), cubic: 0.044715 };

/** Beyond, the slopes of a tanh-GELU would be widened by more than a percent or two. */
const FARTHEST_TANH_GELU = 2 ** -6;

/** Whether a tanh-GELU with these constants has bounds worth having. */
export function isTanhGelu(constants: TanhGelu): boolean {
  return tanhGeluDistance(constants) <= FARTHEST_TANH_GELU;
}

/**
 * How far the slopes of ½ x (1 + tanh(k (x + c x³))) may leave those for k₀ = √(2/π), c₀ = 0.044715; rounded up.
 *
 * With s = √(c/c₀) and v = s x it is h(v)/s, h with c₀ in place of c and κ = k/s in place of k: scaling leaves slopes
 * alone, and they depend on κ only. With a = κ (v + c₀ v³) and w = κ v (1 + 3 c₀ v²),
 *
 *     h′(v) = ½ (1 + tanh a) + ½ w sech² a,   κ ∂h′/∂κ = sech² a (½ a + ½ w − a w tanh a).
 *
 * For v ≥ 0 (h′(−v) = 1 − h′(v)) w lies between a and 3 a. The bracket is linear in w, so between its values at both:
 * at most ½ a + ½ 3 a = 2 a, and 2 a sech² a ≤ 0.9; at least 2 a − 3 a² or a − a², and sech² a (3 a² − 2 a) ≤
 * 4 e^(−2a) (3 a² − 2 a) ≤ 0.76, sech² a (a² − a) less. So |∂h′/∂ ln κ| ≤ 0.9, and no slope moves by more than
 * 0.9 |ln κ/k₀| ≤ |ln k/k₀ − ½ ln c/c₀| (half the difference of 0.1 covers rounding where that is not tiny, 2^-48 where
 * it is).
 */
function tanhGeluDistance({ rate, cubic }: TanhGelu): number {
  return Math.abs(Math.log(rate / USUAL.rate) - Math.log(cubic / USUAL.cubic) / 2) + 2 ** -48;
}

function geluArgument({ rate, cubic }: TanhGelu, x: number): number {
  return rate * (x + cubic * x ** 3);
}

/** ½ (1 + erf(r x)) + (r x / √π) exp(−(r x)²) */
function geluDerivative(x: number, rate: number): number {
  const y = rate * x;
  return normalDistribution(x, rate) + (y * Math.exp(-y * y)) / Math.sqrt(Math.PI);
}

/** Of x · clip(y + ½, 0, 1), y a multiple of x. */
function hardSwishDerivative(y: number): number {
  return y < -0.5 ? 0 : y > 0.5 ? 1 : 2 * y + 0.5;
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

/** ½ (1 + erf(rate · x)); without a rate Φ(x) */
function normalDistribution(x: number, rate?: number): number {
  return 0.5 * (1 + erf(rate === undefined ? x / Math.SQRT2 : rate * x));
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
