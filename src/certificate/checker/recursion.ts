/**
 * The recursion of docs/methods.md in float64, from above: every computed covariance is replaced by a larger one. If
 * |error_ij| ≤ B_ij for a symmetric error, then error ⪯ diag(B q / q) for any q > 0 (Gershgorin); q evens out rows of
 * different size.
 */

import { largest } from '../../network/extremes.ts';
import { product } from '../../network/size.ts';
import { absolute, LARGEST, type Matrix, matrix, positive, TINY, times } from './matrix.ts';
import { gamma, powerOfTwo, type Scaled, U } from './numbers.ts';
import type { LinearStep, NonlinearStep, Segment } from './plan.ts';
import { demand } from './refusal.ts';
import { aliases, halves, type Index } from './symbol.ts';

/** What a plan comes to. */
export interface Ending {
  /** Not below λ_max of the last covariance. */
  readonly largest: Scaled;
  /** The last covariance at the last frequency, of vectors the only one: 2^exponent · covariance, from above. */
  readonly covariance: Matrix;
  readonly exponent: number;
}

/** Runs a plan; `pause` is awaited often, and may throw. */
export async function run(segments: readonly Segment[], pause: () => Promise<void>): Promise<Ending> {
  let top = SMALLEST;
  let covariance = matrix(0, 0);
  // Where a maximum ends a segment all has been shown, and the next one starts from what it says.
  const last = segments.at(-1)!;
  const exponent = largest(last.scale);
  const common = (i: number) => last.scale[i % last.scale.length]! - exponent;
  for (const segment of segments) {
    const [one, zero] = [segment.sides.map(() => 1), segment.sides.map(() => 0)];
    for (const omega of aliases(zero, one, segment.sides)) {
      const state = await after(segment, segment.steps.length - 1, omega, pause);
      if (segment !== last) continue;
      covariance = scaled(state, common);
      top = largestEigenvalue(covariance, top);
    }
  }
  return { largest: { mantissa: top, exponent: 2 * exponent }, covariance, exponent: 2 * exponent };
}

/** Not below (e_i − e_j)ᵀ Σ (e_i − e_j) for every i > j, in the order of i, then of j. */
export function differences({ covariance: { rows, data }, exponent }: Ending): Scaled[] {
  const found: Scaled[] = [];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      const terms = [data[i * rows + i]!, data[j * rows + j]!, -data[i * rows + j]!, -data[j * rows + i]!];
      const size = terms.reduce((sum, x) => sum + Math.abs(x), 0);
      const sum = terms.reduce((a, b) => a + b, 0);
      found.push({ mantissa: Math.max(sum, 0) + 16 * U * size + SMALLEST, exponent });
    }
  }
  return found;
}

/** Not below the largest Σ_ii. */
export function largestEntry({ covariance: { rows, data }, exponent }: Ending): Scaled {
  let mantissa = SMALLEST;
  for (let i = 0; i < rows; i++) mantissa = Math.max(mantissa, data[i * rows + i]!);
  return { mantissa, exponent };
}

/** The covariance after step k (−1: before the first) at a frequency of the grid there: n × n, or 2n × 2n for a pair ±ω. */
export async function after(
  segment: Segment,
  k: number,
  omega: Index,
  pause: () => Promise<void>,
): Promise<Matrix> {
  await pause();
  const step = segment.steps[k];
  if (step === undefined) {
    const { start, sides } = segment;
    const fine = segment.steps[0]?.sides ?? sides;
    const n = halves(omega, fine) * start.length;
    return matrix(n, n, (i, j) => (i === j ? start[i % start.length]! : 0));
  }
  if (step.kind === 'nonlinear')
    return nonlinear(step, await after(segment, k - 1, omega, pause), halves(omega, step.sides));
  const coarse = step.sides.map((n, a) => n / step.ratio[a]!);
  const list = aliases(omega, coarse, step.ratio);
  const n = step.taps.rows * halves(omega, coarse);
  const copies = product(step.ratio);
  let sum = matrix(n, n);
  for (const alias of list) {
    const image = linear(step, await after(segment, k - 1, alias, pause), alias);
    if (copies === 1) return widened(step, image);
    // A pair that aliases to a frequency of its own: X + X̄ = 2 Re X is below the sum of both diagonal blocks.
    for (let block = 0; block + n <= image.rows; block += n) {
      const { data } = sum;
      sum = matrix(n, n, (i, j) => data[i * n + j]! + image.data[(i + block) * image.rows + j + block]!);
    }
  }
  // |error| ≤ γ Σ |X_ij| ≤ γ √(Σ X_ii Σ X_jj), X being positive semidefinite.
  const growth = 1 + 1.001 * (n + 1) * gamma(2 * list.length + 4);
  return widened(
    step,
    matrix(n, n, (i, j) => (sum.data[i * n + j]! / copies) * (i === j ? growth : 1)),
  );
}

/** (1 + τ) Σ and a multiple of the identity: what holds between frequencies too. The error of the product as in `after`. */
function widened({ gap }: LinearStep, given: Matrix): Matrix {
  if (!gap) return given;
  const n = given.rows;
  const growth = 1 + 1.001 * (n + 1) * gamma(4);
  return matrix(n, n, (i, j) => {
    const x = (1 + gap.stretch) * given.data[i * n + j]!;
    return i === j ? growth * (x + gap.share) : x;
  });
}

/** W Σ Wᵀ. With Ŵ = W + E, |E| ≤ error · F and |W| ≤ F: |computed − exact| ≤ (2 γ + 2 error + …) F |Σ| Fᵀ. */
function linear({ taps, sides }: LinearStep, state: Matrix, omega: Index): Matrix {
  const w = taps.symbol(omega, sides);
  const image = times(times(w, state), w, { symmetric: true });
  const f = taps.magnitude(halves(omega, sides));
  const deviations = diagonalOf(state).map(Math.sqrt);
  const q = absolute(f, deviations).map((x) => 1 / Math.max(x, 2 ** -250));
  const factor = 2.01 * (gamma(state.rows + 4) + taps.error);
  const bound = absolute(f, absolute(state, absolute(f, q, true))).map((x, i) => (factor * x) / q[i]!);
  return raised(image, bound);
}

/**
 * D ≻ S is proven, then Σ' = T + V (D − S)⁻¹ Vᵀ: for slopes in [m − r, m + r] V = [Σ_kc; m D] and T = diag(Σ_kk, (r² − m²) D); for
 * a maximum V = [Σ_kc; 0] and T = diag(Σ_kk, e).
 */
function nonlinear(step: NonlinearStep, given: Matrix, h: number): Matrix {
  const { d, middle, plus, minus, name, limits } = step;
  const before = given.rows / h;
  const regular = diagonalOf(given).every((x) => x < LARGEST);
  demand(regular, `${name}: the covariance leaves the range of float64`);
  const state = scaled(given, (i) => step.shift[i % before]!);
  const at = (i: number, j: number) => state.data[i * state.rows + j]!;
  const spread = (rows: readonly number[]) =>
    Array.from({ length: h }, (_, half) => rows.map((row) => row + half * before)).flat();
  const [source, kept] = [spread(step.source), spread(step.kept)];
  const s = source.length;
  const gap = (i: number, j: number) => (i === j ? d[i % d.length]! : 0) - at(source[i]!, source[j]!);
  const root = positive(matrix(s, s, gap));
  demand(root !== undefined, `${name}: the multipliers do not dominate the covariance`);
  for (const limit of limits) {
    const within = (i: number, j: number) =>
      (i === j ? limit[i % d.length]! : 0) - at(source[i]!, source[j]!);
    const reached = positive(matrix(s, s, within)) !== undefined;
    demand(reached, `${name}: the multipliers do not dominate it by its reach`);
  }

  // Of each half the kept rows, then the results.
  const staying = step.kept.length;
  const own = staying + plus.length;
  const n = h * own;
  const halfOf = (i: number) => Math.floor(i / own);
  const result = (i: number) => (i % own) - staying;
  const keptRow = (i: number) => kept[halfOf(i) * staying + (i % own)]!;
  const v = matrix(n, s, (i, j) => {
    if (result(i) < 0) return at(keptRow(i), source[j]!);
    return middle && j === halfOf(i) * d.length + result(i) ? middle[result(i)]! : 0;
  });
  const alone = staying === 0 && middle !== undefined;
  // (D − S)⁻¹ ⪯ excess · Nᵀ N; alone, V Nᵀ is an upper triangle.
  const y = times(v, root.factor, { b: 'lower' });
  const g = times(y, y, { symmetric: true, ...(alone ? { a: 'upper' } : {}) });
  const sum = matrix(n, n, (i, j) => {
    const grown = root.excess * g.data[i * n + j]!;
    if (result(i) < 0) return result(j) < 0 ? at(keptRow(i), keptRow(j)) + grown : grown;
    return i === j ? plus[result(i)]! - minus[result(i)]! + grown : grown;
  });
  // |V||N|ᵀ|N||V|ᵀ bounds what the products can be off by; terms are positive semidefinite, so that the diagonal bounds what
  // adding them up can.
  const total = diagonalOf(sum).map((x, i) => x + 2 * (minus[result(i)] ?? 0));
  const q = total.map((x) => 1 / Math.sqrt(Math.max(x, TINY)));
  const inner = absolute(root.factor, absolute(root.factor, absolute(v, q, true)), true);
  const products = 2.01 * root.excess * gamma(2 * s + 8);
  const bound = absolute(v, inner).map((x, i) => (products * x) / q[i]! + 8 * U * n * total[i]!);
  return raised(sum, bound);
}

export const diagonalOf = ({ rows, data }: Matrix) =>
  Float64Array.from({ length: rows }, (_, i) => data[i * rows + i]!);

/** Row and column i times 2^exponent(i), exactly but for underflow. */
function scaled({ rows, data }: Matrix, exponent: (i: number) => number): Matrix {
  return matrix(rows, rows, (i, j) => data[i * rows + j]! * powerOfTwo(exponent(i) + exponent(j)));
}

/** A matrix with a bound added to its diagonal, and what roundings of this sum, of the bound and underflow can take away. */
export function raised(given: Matrix, bound: Float64Array): Matrix {
  const { rows, data } = given;
  for (const [i, x] of bound.entries()) {
    const [own, more] = [data[i * rows + i]!, 1.001 * x + TINY];
    data[i * rows + i] = own + more + 4 * U * (Math.abs(own) + more);
  }
  return given;
}

/** Bisection stops at this relative width. */
const WIDTH = 2 ** -34;
/** A bound of 0 is reported as the root of this, which `positive` can still prove. */
const SMALLEST = 2 ** -240;

/** Not below λ_max, nor below `least`: a t with t I − Σ ≻ 0. */
function largestEigenvalue(state: Matrix, least: number): number {
  const n = state.rows;
  const isAbove = (t: number) =>
    positive(matrix(n, n, (i, j) => (i === j ? t : 0) - state.data[i * n + j]!)) !== undefined;
  if (isAbove(least)) return least;
  const sums = absolute(state, new Float64Array(n).fill(1));
  let [low, high] = [least, 2 * sums.reduce((most, x) => Math.max(most, x), least)];
  demand(isAbove(high), 'the last covariance leaves the range of float64');
  while (high - low > WIDTH * high) {
    const t = (low + high) / 2;
    if (isAbove(t)) high = t;
    else low = t;
  }
  return high;
}
