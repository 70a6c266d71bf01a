/**
 * The free numbers of a moving centre (docs/mathematics.md §8), for the uncertain ReLUs of one stage. The weights a of φ(u − φ) and h of
 * n(|l| − n), n = φ − y, are (1 − q)² and t q² with t and q in [0, 1], the former of them the one that is not 0 at the anchored secant: then
 * e² = ½ q² (1 − t) (m + 1 − q), nothing cancels, and all limits are numbers. Free are θ = −ln(e² D) but for a constant, t, and ln q less its
 * value at the anchored secant.
 */
import type { StageReport } from '../anchoredPass.ts';

/** θ at the start: D is then that of the closed form. */
export const START = -0.4;
/** Bounds of θ, of t, and of ln q from below. */
const [LEAST_THETA, MOST_THETA] = [-6, 12];
const MOST_SHARE = 1 - 1e-4;
const LEAST_SIDE = Math.log(1e-3);

export interface Neurons {
  readonly uncertain: Int32Array;
  /** Of the uncertain ones: the anchor, and the ends of the range, both as distances from 0. */
  readonly anchor: Float64Array;
  readonly below: Float64Array;
  readonly above: Float64Array;
  /** e² D at θ = 0. */
  readonly base: Float64Array;
  /** q at the anchored secant. */
  readonly side: Float64Array;
  /** Middle slopes of all entries; those of the uncertain ones are to be replaced. */
  readonly middle: Float64Array;
}

/** Per uncertain neuron. */
export interface Constraints {
  readonly multipliers: Float64Array;
  /** t and q. */
  readonly share: Float64Array;
  readonly side: Float64Array;
  readonly a: Float64Array;
  readonly h: Float64Array;
  /** What the larger of a and h at the anchored secant lacks of 1: 1 − h where the anchor is at least 0, else 1 − a. */
  readonly near: Float64Array;
  /** m and 1 − m. */
  readonly m: Float64Array;
  readonly rest: Float64Array;
  /** e² */
  readonly square: Float64Array;
}

/** How many numbers belong to a neuron. */
export const PER_NEURON = 3;

export function neuronsOf({ anchor, low, high, sectors }: StageReport): Neurons {
  const { uncertain, multipliers, middle } = sectors;
  const pick = (values: Float64Array, sign: number) => Float64Array.from(uncertain, (i) => sign * values[i]!);
  const [own, below, above] = [pick(anchor, 1), pick(low, -1), pick(high, 1)];
  const side = own.map((y, k) => sideOfSecant(y, below[k]!, above[k]!));
  const base = multipliers.map((d, k) => d * Math.exp(-START) * weightsAt(0, side[k]!).square);
  return { uncertain, middle, anchor: own, below, above, base, side };
}

/** With the weight of the anchored secant 1 − w: q = 1 − √(1 − w). */
function sideOfSecant(anchor: number, below: number, above: number): number {
  const near = anchor >= 0 ? below / (anchor + below) : above / (above - anchor);
  return near / (1 + Math.sqrt(1 - near));
}

function weightsAt(t: number, q: number) {
  const near = q * (2 - q);
  const other = t * q * q;
  const smaller = (near + other) / 2;
  const larger = 1 - smaller;
  return { near, other, smaller, larger, square: 0.5 * q * q * (1 - t) * (larger + 1 - q) };
}

/** Writes the start of one stage to x, from `at` on. */
export function writeStart({ uncertain }: Neurons, x: Float64Array, at: number): void {
  x.fill(START, at, at + uncertain.length).fill(0, at + uncertain.length, at + 3 * uncertain.length);
}

export function writeLeast({ uncertain }: Neurons, least: Float64Array, at: number): void {
  const count = uncertain.length;
  least.fill(LEAST_THETA, at, at + count).fill(0, at + count, at + 2 * count);
  least.fill(LEAST_SIDE, at + 2 * count, at + 3 * count);
}

export function writeMost({ uncertain, side }: Neurons, most: Float64Array, at: number): void {
  const count = uncertain.length;
  most.fill(MOST_THETA, at, at + count).fill(MOST_SHARE, at + count, at + 2 * count);
  for (let k = 0; k < count; k++) most[at + 2 * count + k] = -Math.log(side[k]!);
}

export function constraintsAt(neurons: Neurons, x: Float64Array, at: number): Constraints {
  const { anchor, base, side } = neurons;
  const count = anchor.length;
  const make = () => new Float64Array(count);
  const out = {
    ...{ multipliers: make(), share: make(), side: make(), a: make(), h: make() },
    ...{ near: make(), m: make(), rest: make(), square: make() },
  };
  for (let k = 0; k < count; k++) {
    const t = x[at + count + k]!;
    const q = Math.min(1, side[k]! * Math.exp(x[at + 2 * count + k]!));
    const { near, other, smaller, larger, square } = weightsAt(t, q);
    out.multipliers[k] = (Math.exp(x[at + k]!) * base[k]!) / square;
    out.square[k] = square;
    out.share[k] = t;
    out.side[k] = q;
    out.near[k] = near;
    const positive = anchor[k]! >= 0;
    out.a[k] = positive ? other : 1 - near;
    out.h[k] = positive ? 1 - near : other;
    out.m[k] = positive ? larger : smaller;
    out.rest[k] = positive ? smaller : larger;
  }
  return out;
}
