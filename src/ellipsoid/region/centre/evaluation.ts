/**
 * The bound of a moving centre and its gradient, without regard to rounding: a filter through the stages, and a smoother with two columns
 * there and back (docs/mathematics.md §8).
 */
import { type Algebra, addTransposedTimes, dot, timesVector } from '../algebra.ts';
import { type Elimination, eliminate, propagate } from '../covariance.ts';
import type { LinearPart } from '../linearPart.ts';
import { type Constraints, constraintsAt, type Neurons, PER_NEURON } from './parameters.ts';

/** What the search is about: f_j − f_i on a region of a chain of ReLUs. */
export interface Problem {
  readonly linear: readonly LinearPart[];
  /** S in front of the first stage. */
  readonly covariance: Float64Array;
  readonly stages: readonly Neurons[];
  /** What is read behind the last stage: row j less row i of the last linear part. */
  readonly readOut: Float64Array;
  /** f_j − f_i at the centre. */
  readonly difference: number;
  /** Inputs keep Σ Δ² / σ ≤ radius². */
  readonly radius: number;
  /** Absent: 1. */
  readonly sigma?: Float64Array;
  /** x₀ less the lower limits and the upper limits less x₀, where inputs are limited. */
  readonly slack?: { readonly low: Float64Array; readonly high: Float64Array };
}

export interface Evaluation {
  /** Where it is, by and by: the given point, with θ raised where multipliers would not have dominated. */
  readonly x: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
  /** Curvatures, by and large, of θ; those of t and q still to be divided by `share`. */
  readonly curvature: (share: number) => Float64Array;
  readonly mu: number;
  /** What an input adds to the bound, to first order, where it is worst: at the best σ of a box σ times its modulus is the half width. */
  readonly functional: () => Float64Array;
}

/** A vector for each of the two columns. */
type Pair = [Float64Array, Float64Array];

interface Filtered {
  readonly s: Float64Array;
  readonly elimination: Elimination;
  readonly middle: Float64Array;
  readonly spread: Float64Array;
  readonly constraints: Constraints;
  /** λφ and λy, on all entries. */
  readonly output: Float64Array;
  readonly input: Float64Array;
}

/** How many free numbers the problem has. */
export function dimension({ stages, slack }: Problem): number {
  const weights = stages.reduce((sum, { uncertain }) => sum + PER_NEURON * uncertain.length, 0);
  return weights + (slack ? slack.low.length + slack.high.length : 0);
}

/** By how much θ of a stage is raised first, twice as much each time, and how often: its limit moves with the stages before it. */
const RAISE = 0.01;
const RAISES = 6;

/** Undefined where multipliers do not dominate. */
export async function evaluate(
  algebra: Algebra,
  problem: Problem,
  given: Float64Array,
): Promise<Evaluation | undefined> {
  const { linear, stages, readOut, slack } = problem;
  const x = given.slice();
  const last = stages.length - 1;
  const filtered: Filtered[] = [];
  let level = problem.radius ** 2;
  let s = problem.covariance;
  let at = 0;
  for (const [k, neurons] of stages.entries()) {
    const raised = await dominating(algebra, neurons, s, x, at);
    if (!raised) return undefined;
    const { constraints, elimination } = raised;
    at += PER_NEURON * neurons.uncertain.length;
    const { middle, spread } = sectorsOf(neurons, constraints);
    const terms = linearTerms(neurons, constraints, middle.length);
    level += terms.level;
    filtered.push({ s, elimination, middle, spread, constraints, ...terms });
    if (k < last) {
      const sectors = { ...neurons, ...constraints, middle, spread };
      s = await propagate(algebra, linear[k + 1]!, s, sectors, elimination.inverse);
    }
  }
  const functional =
    slack && x.subarray(at, at + slack.low.length).map((v, i) => v - x[at + slack.low.length + i]!);
  let difference = problem.difference;
  if (slack)
    difference += dot(slack.low, x.subarray(at)) + dot(slack.high, x.subarray(at + slack.low.length));

  const before = respondForward(problem, filtered, functional);
  // Backward, with what lies above pulled down.
  const inner = [0, 0, 0];
  const ys: Pair[] = [];
  const phis: Pair[] = [];
  let f: Pair = [readOut, filtered[last]?.output ?? readOut];
  let response: Pair | undefined;
  for (let k = last; k >= 0; k--) {
    const { s, elimination, middle, spread, input, output } = filtered[k]!;
    const { uncertain } = stages[k]!;
    const n = middle.length;
    const [y, phi, p]: [Pair, Pair, Pair] = [pair(n), pair(n), pair(n)];
    for (const c of [0, 1] as const) {
      for (let i = 0; i < n; i++) p[c][i] = middle[i]! * f[c][i]! + (c === 1 ? input[i]! : 0);
      y[c] = timesVector(s, p[c]);
      for (let i = 0; i < n; i++) y[c][i]! += before[k]![c][i]!;
      const z = timesVector(
        elimination.inverse,
        Float64Array.from(uncertain, (i) => y[c][i]!),
      );
      for (const [q, i] of uncertain.entries()) p[c][i]! += z[q]!;
      addTransposedTimes(elimination.rows, z, y[c]);
      for (let i = 0; i < n; i++) phi[c][i] = middle[i]! * y[c][i]!;
      for (const [q, i] of uncertain.entries()) phi[c][i]! += spread[q]! * f[c][i]!;
    }
    ys[k] = y;
    phis[k] = phi;
    if (k === last) {
      inner[0]! += dot(readOut, phi[0]);
      inner[1]! += dot(readOut, phi[1]);
    }
    inner[2]! += dot(output, phi[1]) + dot(input, y[1]);
    if (k > 0) {
      const below = filtered[k - 1]!.output;
      f = [linear[k]!.transpose(p[0]), linear[k]!.transpose(p[1])];
      for (let i = 0; i < below.length; i++) f[1][i]! += below[i]!;
    } else response = p;
  }
  const pulledOf = (): Pair =>
    response
      ? [linear[0]!.transpose(response[0]), linear[0]!.transpose(response[1])]
      : [readOut.slice(), new Float64Array(readOut.length)];
  let increment: Pair | undefined;
  if (functional) {
    const pulled = pulledOf();
    for (let i = 0; i < functional.length; i++) pulled[0][i]! += functional[i]!;
    increment = [scaledBy(problem.sigma, pulled[0]), scaledBy(problem.sigma, pulled[1])];
    inner[0]! += dot(functional, increment[0]);
    inner[1]! += dot(functional, increment[1]);
  }
  const reach = Math.max(level + inner[2]!, 1e-30);
  const square = Math.max(inner[0]!, 1e-30);
  const value = difference + inner[1]! + Math.sqrt(square * reach);
  if (!Number.isFinite(value)) return undefined;
  const mu = Math.sqrt(square / reach);
  const mixed = ([a, b]: Pair) => b.map((v, i) => v + a[i]! / mu);
  const slopes = stages.map((neurons, k) =>
    derivatives(neurons, filtered[k]!.constraints, mixed(ys[k]!), mixed(phis[k]!), mu),
  );
  const gradient = new Float64Array(x.length);
  let to = 0;
  for (const { gradient: own } of slopes) {
    gradient.set(own, to);
    to += own.length;
  }
  if (slack && increment) {
    const moved = mixed(increment);
    for (let i = 0; i < moved.length; i++) {
      gradient[to + i] = slack.low[i]! + moved[i]!;
      gradient[to + moved.length + i] = slack.high[i]! - moved[i]!;
    }
  }
  const curvature = (share: number) => {
    // Limits act on the input, whose curvature that is.
    const all = new Float64Array(x.length).fill(1 / mu);
    const { sigma } = problem;
    if (sigma && slack) {
      for (const first of [to, to + sigma.length])
        for (let i = 0; i < sigma.length; i++) all[first + i] = Math.max(sigma[i]!, LEAST_SIGMA) / mu;
    }
    let from = 0;
    for (const { curvature: own } of slopes) {
      const count = own.length / PER_NEURON;
      for (let k = 0; k < own.length; k++) all[from + k] = k < count ? own[k]! : own[k]! / share;
      from += own.length;
    }
    return all;
  };
  const moved = () => {
    if (!increment) return mixed(pulledOf());
    const { sigma } = problem;
    return sigma
      ? mixed(increment).map((value, i) => (sigma[i]! > 0 ? value / sigma[i]! : 0))
      : mixed(increment);
  };
  return { x, value, gradient, curvature, mu, functional: moved };
}

/** Where an input cannot move its weights do not matter. */
const LEAST_SIGMA = 1e-12;

function scaledBy(sigma: Float64Array | undefined, x: Float64Array): Float64Array {
  return sigma ? x.map((value, i) => sigma[i]! * value) : x;
}

/** The constraints of a stage, θ raised in place until they dominate. */
async function dominating(
  algebra: Algebra,
  neurons: Neurons,
  s: Float64Array,
  x: Float64Array,
  at: number,
): Promise<{ readonly constraints: Constraints; readonly elimination: Elimination } | undefined> {
  const { uncertain, middle } = neurons;
  for (let k = 0; ; k++) {
    const constraints = constraintsAt(neurons, x, at);
    const elimination = await eliminate(algebra, s, middle.length, { uncertain, ...constraints });
    if (elimination) return { constraints, elimination };
    if (k === RAISES) return undefined;
    for (let i = at; i < at + uncertain.length; i++) x[i]! += RAISE * 2 ** k;
  }
}

/** Offsets of y that the functionals below a stage make. */
function respondForward(
  { linear, stages, sigma }: Problem,
  filtered: readonly Filtered[],
  functional: Float64Array | undefined,
): Pair[] {
  const before: Pair[] = [];
  let offset: Pair = pair(linear[0]!.outputs);
  if (functional && stages.length > 0) offset[0] = linear[0]!.apply(scaledBy(sigma, functional));
  for (const [k, { s, elimination, middle, spread, output, input }] of filtered.entries()) {
    before.push(offset);
    if (k + 1 === stages.length) break;
    const n = middle.length;
    const next: Float64Array[] = [];
    for (const c of [0, 1] as const) {
      const silent = c === 0 && !functional;
      if (silent) {
        next.push(new Float64Array(linear[k + 1]!.outputs));
        continue;
      }
      const y =
        c === 0
          ? new Float64Array(n)
          : timesVector(
              s,
              output.map((v, i) => middle[i]! * v + input[i]!),
            );
      for (let i = 0; i < n; i++) y[i]! += offset[c][i]!;
      const z = timesVector(
        elimination.inverse,
        Float64Array.from(stages[k]!.uncertain, (i) => y[i]!),
      );
      addTransposedTimes(elimination.rows, z, y);
      for (let i = 0; i < n; i++) y[i]! *= middle[i]!;
      if (c === 1) for (const [q, i] of stages[k]!.uncertain.entries()) y[i]! += spread[q]! * output[i]!;
      next.push(linear[k + 1]!.apply(y));
    }
    offset = [next[0]!, next[1]!];
  }
  return before;
}

function sectorsOf({ uncertain, middle: all }: Neurons, { m, square, multipliers }: Constraints) {
  const middle = all.slice();
  for (const [k, i] of uncertain.entries()) middle[i] = m[k]!;
  return { middle, spread: square.map((e2, k) => e2 * multipliers[k]!) };
}

/** λφ, λy and what the constraints are worth at the anchor, written so that nothing cancels. */
function linearTerms(
  { uncertain, anchor, below, above }: Neurons,
  { multipliers, a, h, near, square }: Constraints,
  n: number,
) {
  const output = new Float64Array(n);
  const input = new Float64Array(n);
  let level = 0;
  for (const [k, i] of uncertain.entries()) {
    const c = 1 / (square[k]! * multipliers[k]!);
    const [y, u, l] = [anchor[k]!, above[k]!, below[k]!];
    if (y >= 0) {
      output[i] = 0.5 * c * (a[k]! * (u - y) + (l - near[k]! * (y + l)));
      input[i] = 0.5 * c * ((near[k]! - a[k]!) * y - h[k]! * l);
      level += c * a[k]! * y * (u - y);
    } else {
      output[i] = 0.5 * c * (u - near[k]! * (u - y) + h[k]! * (y + l));
      input[i] = 0.5 * c * h[k]! * (-2 * y - l);
      level += c * h[k]! * -y * (l + y);
    }
  }
  return { output, input, level };
}

/** With respect to θ, t and ln q. */
function derivatives(
  { uncertain, anchor, below, above }: Neurons,
  { multipliers, share, side, a, h, m, rest, square }: Constraints,
  yMoved: Float64Array,
  phiMoved: Float64Array,
  mu: number,
) {
  const count = uncertain.length;
  const gradient = new Float64Array(PER_NEURON * count);
  const curvature = new Float64Array(PER_NEURON * count);
  for (const [k, i] of uncertain.entries()) {
    const e2 = square[k]!;
    const weight = mu / (2 * e2 * multipliers[k]!);
    const [u, l] = [above[k]!, below[k]!];
    const y = anchor[k]! + yMoved[i]!;
    const phi = Math.max(anchor[k]!, 0) + phiMoved[i]!;
    const n = phi - y;
    const off = phi - m[k]! * y;
    const value = e2 * y * y - off * off + a[k]! * u * phi + h[k]! * l * n;
    const byA = weight * phi * (u - y);
    const byH = weight * n * (y + l);
    const ofA = weight * (Math.abs(off * y) + m[k]! * y * y + Math.abs(u * phi));
    const ofH = weight * (Math.abs(off * y) + rest[k]! * y * y + Math.abs(l * n));
    const positive = anchor[k]! >= 0;
    const [byOther, byFirst, ofOther, ofFirst] = positive ? [byA, byH, ofA, ofH] : [byH, byA, ofH, ofA];
    const [t, q] = [share[k]!, side[k]!];
    gradient[k] = -weight * value;
    gradient[count + k] = q * q * byOther;
    gradient[2 * count + k] = 2 * q * (t * q * byOther - (1 - q) * byFirst);
    curvature[k] = weight * (e2 * y * y + off * off + Math.abs(a[k]! * u * phi) + Math.abs(h[k]! * l * n));
    curvature[count + k] = q * q * ofOther;
    curvature[2 * count + k] = 2 * q * (t * q * ofOther + (1 - q) * ofFirst);
  }
  return { gradient, curvature };
}

function pair(n: number): Pair {
  return [new Float64Array(n), new Float64Array(n)];
}
