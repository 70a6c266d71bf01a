/** Inputs that keep limits beside a radius: what that says of linear functions of them, and as linear terms. */
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import { dot } from './algebra.ts';
import { gamma } from './covariance.ts';

/** How far inputs may go from the centre below and above, entry by entry; rounded up, and at most the radius. */
export interface Slack {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** All inputs within `radius` (ℓ2) of `centre`; of these, where there is `slack`, those that keep within it. */
export interface Region {
  readonly centre: Float64Array;
  readonly radius: number;
  readonly slack?: Slack;
}

/** More than what is too small for float64 can lose in a sum. */
const UNDERFLOW = 2 ** -1000;
/** Halvings of the interval in which the multiplier of the radius is looked for. */
const HALVINGS = 24;
/** Weights and radii whose squares float64 still has. */
const LEAST = 2 ** -400;

export function slackOf(
  centre: Float64Array,
  radius: number,
  { low, high }: { readonly low: Float64Array | number; readonly high: Float64Array | number },
): Slack {
  const at = (limit: Float64Array | number, i: number) => (typeof limit === 'number' ? limit : limit[i]!);
  // x − low ≥ 0 is as true of a lower limit that the radius keeps.
  const up = (value: number) => Math.min(value + 2 * U * Math.abs(value), radius * (1 + 2 * U));
  return {
    low: centre.map((x, i) => up(x - at(low, i))),
    high: centre.map((x, i) => up(at(high, i) - x)),
  };
}

/**
 * The largest sign · w·Δ, from above. Over the ball and the box, for any μ > 0: at most ½ μ r² + Σ max (w_i Δ_i − ½ μ Δ_i²), each over its own
 * interval; μ is where that is about least.
 */
export function farthest(
  index: Int32Array,
  weight: Float64Array,
  sign: 1 | -1,
  radius: number,
  slack: Slack,
): number {
  const norm = Math.sqrt(dot(weight, weight));
  if (index.length === 0) return 0;
  // Squares of less are lost.
  if (!(norm > LEAST && radius > LEAST)) return withinLimits(index, weight, sign, slack);
  const step = (i: number, w: number, mu: number) =>
    Math.min(Math.max(w / mu, -slack.low[i]!), slack.high[i]!);
  // At norm / radius the unlimited maximiser lies on the sphere; with limits μ is at most that.
  let [least, most] = [0, norm / radius];
  for (let k = 0; k < HALVINGS; k++) {
    const mu = (least + most) / 2;
    let square = 0;
    for (let n = 0; n < index.length; n++) square += step(index[n]!, sign * weight[n]!, mu) ** 2;
    if (square > radius * radius) least = mu;
    else most = mu;
  }
  const mu = most;
  let value = (mu * radius * radius) / 2;
  let moduli = value;
  for (let n = 0; n < index.length; n++) {
    const w = sign * weight[n]!;
    const delta = step(index[n]!, w, mu);
    value += w * delta - (mu * delta * delta) / 2;
    // Beside rounding: that the maximiser is off by rounding, which tells only in second order.
    moduli += 2 * Math.abs(w * delta) + mu * delta * delta;
  }
  return value + 2 * gamma(index.length + 16) * (moduli + norm * radius);
}

/** As `farthest`, by the limits alone. */
function withinLimits(index: Int32Array, weight: Float64Array, sign: 1 | -1, slack: Slack): number {
  let sum = 0;
  for (let n = 0; n < index.length; n++) {
    const w = sign * weight[n]!;
    sum += w > 0 ? w * slack.high[index[n]!]! : -w * slack.low[index[n]!]!;
  }
  return sum * (1 + gamma(index.length + 4)) + UNDERFLOW;
}

/**
 * Weights ν ≥ 0 of the limits, of which only the difference counts, as what starts a pass: the offset of inputs and the level
 * r² + 2 Σ ν slack + ‖offset‖².
 */
export function startWithLimits(
  radius: number,
  slack: Slack,
  low: Float64Array,
  high: Float64Array,
): { offset: Float64Array; level: number } {
  const offset = low.map((value, i) => value - high[i]!);
  let level = radius * radius;
  let moduli = level;
  for (let i = 0; i < offset.length; i++) {
    const by = offset[i]!;
    const worth = 2 * (by > 0 ? by * slack.low[i]! : -by * slack.high[i]!);
    level += worth + by * by;
    moduli += Math.abs(worth) + by * by;
  }
  return { offset, level: level + gamma(3 * offset.length + 8) * moduli };
}
