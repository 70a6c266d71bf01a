/**
 * The frequencies of a segment, in an order that makes aliasing a sum over neighbours.
 *
 * Kernels are real, so Σ(−ω) is the conjugate of Σ(ω): of every pair ±ω of the coarsest grid one representative is
 * kept, with weight 2 (1 where ω = −ω). A finer grid then lists, for each frequency of the next coarser one in turn, all
 * frequencies that alias to it.
 */
import { rootOfUnity, rootsOfUnity } from './twiddles.ts';

export interface Frequencies {
  /** Samples of this grid's torus per axis. */
  readonly torus: readonly number[];
  readonly count: number;
  /** [count, axes]: 0 ≤ ω_a < torus_a. */
  readonly indices: Int32Array;
  /** [count]: how many frequencies of the full torus this one stands for. Σ weights over all chunks = Π torus. */
  readonly weights: Float64Array;
}

/** The one "frequency" of vectors. */
export const NO_FREQUENCIES: Frequencies = {
  torus: [],
  count: 1,
  indices: new Int32Array(0),
  weights: Float64Array.of(1),
};

/** A tap of a kernel: a box of samples `offset … offset + extent − 1` per axis, all with one matrix. */
export interface Tap {
  readonly offset: readonly number[];
  /** 1 per axis for a single sample. */
  readonly extent: readonly number[];
}

/** How many frequencies represent the pairs ±ω of a torus: those that are their own opposites stand alone. */
export function halfCount(torus: readonly number[]): number {
  const all = torus.reduce((p, n) => p * n, 1);
  const own = torus.reduce((p, n) => p * (n % 2 === 0 ? 2 : 1), 1);
  return (all + own) / 2;
}

/** One representative of every pair ±ω of a torus. */
export function halfTorus(torus: readonly number[]): Frequencies {
  const axes = torus.length;
  const total = torus.reduce((p, n) => p * n, 1);
  const count = halfCount(torus);
  const indices = new Int32Array(count * axes);
  const weights = new Float64Array(count);
  const omega = new Array<number>(axes).fill(0);
  let found = 0;
  for (let linear = 0; linear < total; linear++) {
    let opposite = 0;
    for (let a = 0; a < axes; a++) opposite = opposite * torus[a]! + ((torus[a]! - omega[a]!) % torus[a]!);
    if (linear <= opposite) {
      indices.set(omega, found * axes);
      weights[found++] = linear === opposite ? 1 : 2;
    }
    for (let a = axes - 1; a >= 0; a--) {
      omega[a]!++;
      if (omega[a]! < torus[a]!) break;
      omega[a] = 0;
    }
  }
  return { torus, count, indices, weights };
}

/** The frequencies `start … end − 1` of a list. */
export function slice(f: Frequencies, start: number, end: number): Frequencies {
  const axes = f.torus.length;
  return {
    torus: f.torus,
    count: end - start,
    indices: f.indices.slice(start * axes, end * axes),
    weights: f.weights.slice(start, end),
  };
}

/** The frequencies of the grid `ratio` times as fine (per axis) that alias to those of `coarse`, Π ratio neighbours for each. */
export function aliasesOf(coarse: Frequencies, ratio: readonly number[]): Frequencies {
  const axes = coarse.torus.length;
  const copies = ratio.reduce((p, r) => p * r, 1);
  const indices = new Int32Array(coarse.count * copies * axes);
  const weights = new Float64Array(coarse.count * copies);
  for (let k = 0; k < coarse.count; k++) {
    for (let j = 0; j < copies; j++) {
      let rest = j;
      const target = k * copies + j;
      for (let a = axes - 1; a >= 0; a--) {
        const turn = rest % ratio[a]!;
        rest = (rest - turn) / ratio[a]!;
        indices[target * axes + a] = coarse.indices[k * axes + a]! + turn * coarse.torus[a]!;
      }
      weights[target] = coarse.weights[k]!;
    }
  }
  return { torus: coarse.torus.map((n, a) => n * ratio[a]!), count: coarse.count * copies, indices, weights };
}

/** Below its square root a frequency times an offset is exact. */
const MOST_EXACT = 2 ** 53;
/** Roots of unity are tabulated where there are not many more of them than are asked for. */
const SMALL_TABLE = 2 ** 16;

/**
 * Phases of taps at frequencies: out[k, t] = Σ_{u in tap t} e^{+2πi Σ_a ω_a u_a / N_a}, complex interleaved.
 * One sign everywhere (docs/mathematics.md §2): a tap at +u reads the sample u further on.
 * @throws RangeError for a torus whose sides are too long for exact phases
 */
export function phases(f: Frequencies, taps: readonly Tap[]): Float64Array {
  const axes = f.torus.length;
  const period = f.torus.reduce(leastCommonMultiple, 1);
  if (f.torus.some((side) => side * side > MOST_EXACT) || 8 * period > MOST_EXACT) {
    throw new RangeError(`phases: sides of a torus must allow exact phases, got [${f.torus.join(', ')}]`);
  }
  const root = rootsBelow(period, f.count * taps.length);
  const sums = new Float64Array(2);
  const turned = new Float64Array(2);
  const out = new Float64Array(2 * f.count * taps.length);
  for (let k = 0; k < f.count; k++) {
    for (let t = 0; t < taps.length; t++) {
      const tap = taps[t]!;
      let re = 1;
      let im = 0;
      let turn = 0;
      for (let a = 0; a < axes; a++) {
        const side = f.torus[a]!;
        const omega = f.indices[k * axes + a]!;
        const step = period / side;
        if (tap.extent[a] === 1) {
          turn += ((omega * modulo(tap.offset[a]!, side)) % side) * step;
          continue;
        }
        let sumRe = 0;
        let sumIm = 0;
        for (let u = 0; u < tap.extent[a]!; u++) {
          root(((omega * modulo(tap.offset[a]! + u, side)) % side) * step, sums);
          sumRe += sums[0]!;
          sumIm += sums[1]!;
        }
        [re, im] = [re * sumRe - im * sumIm, re * sumIm + im * sumRe];
      }
      root(modulo(turn, period), turned);
      const [c, s] = [turned[0]!, turned[1]!];
      const target = 2 * (k * taps.length + t);
      out[target] = re * c - im * s;
      out[target + 1] = re * s + im * c;
    }
  }
  return out;
}

/** The k-th root of unity of so many, into a pair; from a table, where that pays: the period of a torus can be far beyond it. */
function rootsBelow(period: number, wanted: number): (k: number, to: Float64Array) => void {
  if (period > Math.max(SMALL_TABLE, 4 * wanted)) return (k, to) => rootOfUnity(k, period, to, 0);
  const roots = rootsOfUnity(period);
  return (k, to) => {
    to[0] = roots[2 * k]!;
    to[1] = roots[2 * k + 1]!;
  };
}

function modulo(a: number, n: number): number {
  return ((a % n) + n) % n;
}

export function leastCommonMultiple(a: number, b: number): number {
  return (a / greatestCommonDivisor(a, b)) * b;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
