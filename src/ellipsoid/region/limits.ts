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
/** Narrower sides are taken for this, so that their squares are not lost. */
const LEAST_WIDTH = 2 ** -450;
/** Of the mean share of an entry. */
const LEAST_SHARE = 0.02;
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

/** As `slackOf`, of a box of half the width `reach` around the centre, where limits may cut it. */
export function slackOfBox(
  centre: Float64Array,
  reach: number,
  limits: { readonly low: Float64Array | number; readonly high: Float64Array | number } | undefined,
): Slack {
  if (limits) return slackOf(centre, reach, limits);
  const all = new Float64Array(centre.length).fill(reach);
  return { low: all, high: all };
}

/** How far entries may go either way; and the distance of the farthest corner, rounded up. */
export function extentOf({ low, high }: Slack): { readonly widths: Float64Array; readonly corner: number } {
  const widths = low.map((value, i) => Math.max(value, high[i]!, 0));
  const most = widths.reduce((a, b) => Math.max(a, b), 0);
  if (!(most > 0 && most < Infinity)) return { widths, corner: most };
  const squares = widths.reduce((sum, value) => sum + (value / most) ** 2, 0);
  return { widths, corner: most * Math.sqrt(squares) * (1 + (widths.length + 8) * 2 ** -52) };
}

/**
 * σ with Σ Δ² / σ ≤ 1 on the box |Δ| ≤ widths, for a functional g: Σ g² σ is least, (Σ widths |g|)², where σ is widths · Σ widths |g| / |g|.
 * No entry has less than a part of the mean, so that none has all of the others'.
 */
export function ellipsoidAround(widths: Float64Array, functional: Float64Array): Float64Array {
  const count = widths.reduce((sum, width) => sum + (width > 0 ? 1 : 0), 0);
  const shares = widths.map((width, i) => width * Math.abs(functional[i]!));
  const all = shares.reduce((sum, share) => sum + share, 0);
  const least = all > 0 && all < Infinity ? (LEAST_SHARE * all) / count : 1;
  const kept = shares.map((share, i) =>
    widths[i]! > 0 ? Math.max(all > 0 && all < Infinity ? share : 1, least) : 0,
  );
  const sum = kept.reduce((a, b) => a + b, 0);
  // Rounded up: widths² / σ must not sum up to more than 1.
  const above = 1 + (widths.length + 16) * 2 ** -52;
  return widths.map((width, i) =>
    width > 0 ? Math.max(width, LEAST_WIDTH) ** 2 * (sum / kept[i]!) * above : 0,
  );
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
 * Weights ν ≥ 0 of the limits, of which only the difference counts, as what starts a pass: the offset of inputs σ (ν − ν') and the level
 * r² + 2 Σ ν slack + Σ σ (ν − ν')².
 * @param sigma of the ellipsoid of inputs; absent: 1
 */
export function startWithLimits(
  radius: number,
  slack: Slack,
  low: Float64Array,
  high: Float64Array,
  sigma?: Float64Array,
): { offset: Float64Array; level: number } {
  const weights = low.map((value, i) => value - high[i]!);
  const offset = sigma ? weights.map((by, i) => sigma[i]! * by) : weights;
  let level = radius * radius;
  let moduli = level;
  for (let i = 0; i < offset.length; i++) {
    const by = weights[i]!;
    const worth = 2 * (by > 0 ? by * slack.low[i]! : -by * slack.high[i]!);
    level += worth + by * offset[i]!;
    moduli += Math.abs(worth) + by * offset[i]!;
  }
  return { offset, level: level + gamma(3 * offset.length + 8) * moduli };
}
