/**
 * The free numbers of a moving centre (docs/mathematics.md §8), for the uncertain ReLUs of one stage: θ, and the weights a of φ(u − φ) and h of
 * n(|l| − n), n = φ − y. At the anchored secant one of these is near 1 where a neuron hardly changes sides: what is left of it is kept, since
 * the difference from 1 would cancel.
 */
import type { StageReport } from '../anchoredPass.ts';

/** θ at the start: D = e^θ base is then that of the closed form. */
export const START = -0.4;
/** Bounds of θ. */
const [LEAST_THETA, MOST_THETA] = [-6, 12];

export interface Neurons {
  readonly uncertain: Int32Array;
  /** Of the uncertain ones: the anchor, and the ends of the range, both as distances from 0. */
  readonly anchor: Float64Array;
  readonly below: Float64Array;
  readonly above: Float64Array;
  /** D at θ = 0. */
  readonly base: Float64Array;
  /** e² at the anchored secant. */
  readonly start: Float64Array;
  /** Middle slopes of all entries; those of the uncertain ones are to be replaced. */
  readonly middle: Float64Array;
}

/** Per uncertain neuron. */
export interface Constraints {
  readonly multipliers: Float64Array;
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

/** How many numbers belong to a neuron: θ, the weight that starts at 0, and one minus the other. */
export const PER_NEURON = 3;

export function neuronsOf({ anchor, low, high, sectors }: StageReport): Neurons {
  const { uncertain, multipliers, middle } = sectors;
  const pick = (values: Float64Array, sign: number) => Float64Array.from(uncertain, (i) => sign * values[i]!);
  const neurons = {
    uncertain,
    middle,
    anchor: pick(anchor, 1),
    below: pick(low, -1),
    above: pick(high, 1),
    base: multipliers.map((d) => d * Math.exp(-START)),
  };
  const start = new Float64Array(uncertain.length).map((_, k) => {
    const near = nearOfSecant(neurons, k);
    return squareOf(0, near).square;
  });
  return { ...neurons, start };
}

/** One minus the weight that the anchored secant has. */
function nearOfSecant(
  { anchor, below, above }: Pick<Neurons, 'anchor' | 'below' | 'above'>,
  k: number,
): number {
  const y = anchor[k]!;
  return y >= 0 ? below[k]! / (y + below[k]!) : above[k]! / (above[k]! - y);
}

/** With w what the larger weight lacks of 1, and v the other: √(1 − w) = s, 1 − s = w/(1 + s), e² = ½((1 − s)² − v)(m + s). */
function squareOf(
  v: number,
  w: number,
): { readonly square: number; readonly larger: number; readonly smaller: number } {
  const s = Math.sqrt(1 - w);
  const smaller = (w + v) / 2;
  const larger = 1 - smaller;
  return { square: 0.5 * ((w / (1 + s)) ** 2 - v) * (larger + s), larger, smaller };
}

/** Writes the start of one stage to x, from `at` on. */
export function writeStart(neurons: Neurons, x: Float64Array, at: number): void {
  const count = neurons.uncertain.length;
  for (let k = 0; k < count; k++) {
    x[at + k] = START;
    x[at + count + k] = 0;
    x[at + 2 * count + k] = nearOfSecant(neurons, k);
  }
}

/** e² that a neuron has at least: a part of that of the anchored secant. */
const leastSquare = (start: number) => 1e-3 * Math.min(start, 0.03 ** 2);
/** Searches stay this far away from it, so that rounding does not decide. */
const AWAY = 1.01;

/** What x is at least: near at which e² is what it has to be with the other weight at 0. */
export function writeLeast({ start, uncertain }: Neurons, least: Float64Array, at: number): void {
  const count = uncertain.length;
  least.fill(LEAST_THETA, at, at + count).fill(0, at + count, at + 2 * count);
  for (let k = 0; k < count; k++) least[at + 2 * count + k] = leastNear(AWAY * leastSquare(start[k]!));
}

/** What x is at most: the smaller weight as much as leaves e² what it has to be. */
export function writeMost(
  { start, uncertain }: Neurons,
  x: Float64Array,
  most: Float64Array,
  at: number,
): void {
  const count = uncertain.length;
  most.fill(MOST_THETA, at, at + count).fill(1, at + 2 * count, at + 3 * count);
  for (let k = 0; k < count; k++) {
    const w = Math.min(x[at + 2 * count + k]!, 1);
    const s = Math.sqrt(1 - w);
    // At this weight e² would be 0; the other factor of e² is larger at every smaller one.
    const none = (w / (1 + s)) ** 2;
    const factor = 1 - (w + none) / 2 + s;
    most[at + count + k] = Math.max(0, none - (2 * AWAY * leastSquare(start[k]!)) / factor);
  }
}

/** The least w with e² = square at v = 0, by bisection: e² rises with w there. */
function leastNear(square: number): number {
  let [low, high] = [0, 1];
  for (let k = 0; k < 200 && high - low > 1e-3 * high; k++) {
    const w = low === 0 ? high / 16 : (low + high) / 2;
    if (squareOf(0, w).square < square) low = w;
    else high = w;
  }
  return high;
}

/** Undefined where e² is not safely positive. */
export function constraintsAt(neurons: Neurons, x: Float64Array, at: number): Constraints | undefined {
  const { anchor, base, start } = neurons;
  const count = anchor.length;
  const make = () => new Float64Array(count);
  const out = {
    multipliers: make(),
    a: make(),
    h: make(),
    near: make(),
    m: make(),
    rest: make(),
    square: make(),
  };
  for (let k = 0; k < count; k++) {
    const [v, w] = [x[at + count + k]!, x[at + 2 * count + k]!];
    const { square, larger, smaller } = squareOf(v, w);
    if (!(square >= leastSquare(start[k]!))) return undefined;
    out.multipliers[k] = Math.exp(x[at + k]!) * base[k]!;
    out.square[k] = square;
    out.near[k] = w;
    const positive = anchor[k]! >= 0;
    out.a[k] = positive ? v : 1 - w;
    out.h[k] = positive ? 1 - w : v;
    out.m[k] = positive ? larger : smaller;
    out.rest[k] = positive ? smaller : larger;
  }
  return out;
}
