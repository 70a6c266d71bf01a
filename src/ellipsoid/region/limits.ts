/** Inputs that keep limits beside a radius: what that says of the first arguments, and as linear terms. */
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import { type Algebra, dot } from './algebra.ts';
import { gamma } from './covariance.ts';
import type { LinearPart } from './linearPart.ts';
import type { State } from './state.ts';

/** How far inputs may go from the centre below and above, entry by entry; rounded up, and at most the radius. */
export interface Slack {
  readonly low: Float64Array;
  readonly high: Float64Array;
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

/** The rows of a linear part, without their zeros. */
export interface SparseRows {
  readonly index: readonly Int32Array[];
  readonly weight: readonly Float64Array[];
}

export async function sparseRows(algebra: Algebra, linear: LinearPart): Promise<SparseRows> {
  const index: Int32Array[] = [];
  const weight: Float64Array[] = [];
  const unit = new Float64Array(linear.inputs ** 2);
  for (let i = 0; i < linear.inputs; i++) unit[i * (linear.inputs + 1)] = 1;
  const columns = await linear.rows(algebra, unit, linear.inputs);
  for (let row = 0; row < linear.outputs; row++) {
    const where: number[] = [];
    for (let i = 0; i < linear.inputs; i++) if (columns[i * linear.outputs + row] !== 0) where.push(i);
    index.push(Int32Array.from(where));
    weight.push(Float64Array.from(where, (i) => columns[i * linear.outputs + row]!));
  }
  return { index, weight };
}

/**
 * Ranges of the first arguments. Of w·Δ over the ball and the box, for any μ > 0: at most ½ μ r² + Σ max (w_i Δ_i − ½ μ Δ_i²), each over its
 * own interval; μ is where that is about least.
 */
export function rangesWithLimits(
  linear: LinearPart,
  { index, weight }: SparseRows,
  { anchor }: State,
  centre: Float64Array,
  radius: number,
  slack: Slack,
): { low: Float64Array; high: Float64Array } {
  const rounding = linear.enclose({ middle: centre, radius: new Float64Array(centre.length) }).radius;
  // What roundings of the composed weights are worth.
  const composed = linear.absolute(new Float64Array(centre.length).fill(radius));
  const lost = linear.underflow();
  const far = slack.low.reduce((sum, value, i) => sum + Math.max(0, value, slack.high[i]!), 0);
  const low = new Float64Array(anchor.length);
  const high = new Float64Array(anchor.length);
  for (let k = 0; k < anchor.length; k++) {
    const [where, w] = [index[k]!, weight[k]!];
    const above = farthest(where, w, 1, radius, slack);
    const below = farthest(where, w, -1, radius, slack);
    const size =
      2 * U * (Math.abs(anchor[k]!) + above + below) +
      rounding[k]! +
      2 * gamma(linear.roundings + 4) * composed[k]! +
      2 * lost[k]! * far;
    high[k] = anchor[k]! + above + size;
    low[k] = anchor[k]! - below - size;
  }
  return { low, high };
}

/** The largest sign · w·Δ, from above. */
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
