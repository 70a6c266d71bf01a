/** How far computed values and slopes of the elementwise functions may be from the exact ones. */
import { derivative, type Elementwise, evaluate, slopeInterval } from '../elementwise.ts';
import { broadcast } from '../size.ts';

/** Unit roundoff of float64. */
export const U = 2 ** -53;

/** Encloses φ and φ′ on [x − radius, x + radius]. */
export interface ElementwiseEnclosure {
  readonly value: number;
  readonly valueRadius: number;
  /** Encloses every slope on the interval; at a kink also all that lie between its two sides. */
  readonly slope: number;
  readonly slopeRadius: number;
}

/** Encloses `f` on intervals. What does not depend on the interval is looked up once, here. */
export function elementwiseEnclosure(
  f: Elementwise,
): (x: number, radius: number, channel: number) => ElementwiseEnclosure {
  const { lower, upper } = slopeInterval(f);
  const corners = kinks(f);
  const bend = curvature(f);
  const nearness = 16 * U * Math.max(0, ...corners.map(Math.abs));
  return (x, radius, channel) => {
    const least = broadcast(lower, channel);
    const most = broadcast(upper, channel);
    const steepest = Math.max(Math.abs(least), Math.abs(most));
    const reach = radius + nearness;
    const atKink = corners.some((corner) => !(Math.abs(x - corner) > reach));
    const slope = atKink ? (least + most) / 2 : derivative(f, x, channel);
    const slopeRadius = atKink
      ? ((most - least) / 2) * (1 + 4 * U)
      : bend * radius + slopeError(f) * (1 + steepest);
    const value = evaluate(f, x, channel);
    // The mean value theorem, with the slopes of this interval.
    const steepestHere = Math.abs(slope) + slopeRadius;
    return {
      value,
      valueRadius: steepestHere * radius * (1 + 4 * U) + valueError(f, x, value, steepest),
      slope,
      slopeRadius,
    };
  };
}

/**
 * Relative to 1 + the steepest slope. Only functions of the platform (exp, tanh, …) are not exact to a rounding or two:
 * they are taken to be right to four units in the last place (those of V8, from fdlibm, are to one). The formula that
 * magnifies most is that of tanh-GELU, x (1 − tanh²) 0.4 (1 + 0.13 x²): by 22 at x = 7, beyond which tanh rounds to 1.
 */
function slopeError(f: Elementwise): number {
  return isPiecewiseLinear(f) ? 0 : 256 * U;
}

function valueError(f: Elementwise, x: number, value: number, steepest: number): number {
  // At most one product, and comparisons.
  if (isPiecewiseLinear(f)) return 2 * U * Math.abs(value) + Number.MIN_VALUE;
  return 32 * U * (1 + steepest) * (1 + Math.abs(x));
}

/** Made of comparisons and at most one product. */
function isPiecewiseLinear(f: Elementwise): boolean {
  switch (f.name) {
    case 'relu':
    case 'leaky-relu':
    case 'prelu':
    case 'clip':
    case 'abs':
    case 'mask':
      return true;
    default:
      return false;
  }
}

/** Where the slope jumps. */
export function kinks(f: Elementwise): readonly number[] {
  switch (f.name) {
    case 'relu':
    case 'leaky-relu':
    case 'prelu':
    case 'selu':
    case 'abs':
      return [0];
    case 'elu':
      return f.alpha === 1 ? [] : [0];
    case 'clip':
      return [f.min, f.max].filter(Number.isFinite);
    case 'hard-sigmoid':
      return f.alpha === 0 ? [] : [-f.beta / f.alpha, (1 - f.beta) / f.alpha];
    case 'hard-swish':
      if (f.rate === 0) return [];
      return f.rate === undefined ? [-3, 3] : [-0.5 / f.rate, 0.5 / f.rate];
    case 'celu':
    case 'sigmoid':
    case 'tanh':
    case 'softplus':
    case 'softsign':
    case 'silu':
    case 'swish':
    case 'gelu':
    case 'gelu-tanh':
    case 'mish':
    case 'sin':
    case 'cos':
    case 'atan':
    case 'erf':
    case 'mask':
      return [];
    default:
      throw unknown(f);
  }
}

/** An upper bound of |φ″| between the kinks. */
export function curvature(f: Elementwise): number {
  switch (f.name) {
    case 'relu':
    case 'leaky-relu':
    case 'prelu':
    case 'clip':
    case 'hard-sigmoid':
    case 'abs':
    case 'mask':
      return 0;
    case 'elu':
      return Math.abs(f.alpha);
    case 'celu':
      return 1 / f.alpha;
    case 'selu':
      return Math.abs(f.alpha * f.gamma);
    case 'hard-swish':
      return f.rate === undefined ? 0.34 : 2 * Math.abs(f.rate); // 1/3
    case 'sigmoid':
      return 0.1; // 1/(6√3)
    case 'tanh':
      return 0.77; // 4/(3√3)
    case 'softplus':
      return 0.25;
    case 'softsign':
      return 2;
    case 'silu':
      return 0.5;
    case 'swish': // (x σ(βx))″ is β times that of SiLU at βx
      return 0.5 * Math.abs(f.beta);
    case 'gelu': // √(2/π), times √2 rate
      return f.rate === undefined ? 0.8 : 1.13 * Math.abs(f.rate);
    case 'gelu-tanh':
      // In the notation of tanhGeluDistance: |h″| ≤ κ (1 + 3 c₀ v²) sech² a (2 + 3 |a|), 3 c₀ v² ≤ 0.54 a² for κ ≥ ½,
      // and sech² a (1 + 0.54 a²) (2 + 3 |a|) ≤ 4.
      return f.constants === undefined ? 0.8 : 4 * f.constants.rate;
    case 'mish':
      return 0.8;
    case 'sin':
    case 'cos':
      return 1;
    case 'atan':
      return 0.65; // 3√3/8
    case 'erf':
      return 0.97; // √(8/(πe))
    default:
      throw unknown(f);
  }
}

function unknown(f: never): Error {
  return new Error(`elementwise enclosure: unknown function ${JSON.stringify(f)}`);
}
