/**
 * The recursion of math.md §1 in float64, from above: every computed covariance is replaced by a larger one. If
 * |error_ij| ≤ B_ij for a symmetric error, then error ⪯ diag(B q / q) for any q > 0 (Gershgorin); q evens out rows of
 * different size.
 */
import { LARGEST, positive, TINY } from './dominance.ts';
import { absoluteTimes, inverseFactor, product } from './kernels.ts';
import { gamma, powerOfTwo, U, up } from './numbers.ts';
import type { LinearStep, NonlinearStep, Segment } from './plan.ts';
import { demand, Refusal } from './refusal.ts';
import { aliases, halves, type Index } from './symbol.ts';

/** A covariance at one frequency, n × n (twice the rows for a pair ±ω). */
interface State {
  readonly n: number;
  readonly matrix: Float64Array;
}

/** Runs a plan; `pause` is awaited often, and may throw. Returns an upper bound of λ_max of the last covariance. */
export async function run(segments: readonly Segment[], pause: () => Promise<void>): Promise<number> {
  let top = 0;
  for (const segment of segments) {
    const one = segment.sides.map(() => 1);
    const zero = segment.sides.map(() => 0);
    for (const omega of aliases(zero, one, segment.sides)) {
      const state = await after(segment, segment.steps.length - 1, omega, pause);
      // Where a maximum ends a segment all has been shown, and the next one starts from what it says.
      if (segment === segments.at(-1)) top = largestEigenvalue(state, top);
    }
  }
  return top;
}

/** The covariance after step k (−1: before the first) at a frequency of the grid there. */
export async function after(
  segment: Segment,
  k: number,
  omega: Index,
  pause: () => Promise<void>,
): Promise<State> {
  await pause();
  const step = segment.steps[k];
  if (step === undefined) return white(segment.start, halves(omega, segment.sides));
  if (step.kind !== 'linear') {
    const first = k === 0;
    const h = halves(omega, step.sides);
    return nonlinear(step, first ? white(segment.start, h) : await after(segment, k - 1, omega, pause), h);
  }
  const { rows } = step.taps;
  const list = aliases(
    omega,
    step.sides.map((n, a) => n / step.ratio[a]!),
    step.ratio,
  );
  const n =
    rows *
    halves(
      omega,
      step.sides.map((s, a) => s / step.ratio[a]!),
    );
  const sum = new Float64Array(n * n);
  for (const alias of list) {
    const state = k === 0 ? segment.start : await after(segment, k - 1, alias, pause);
    const image = linear(step, state, alias);
    if (step.ratio.every((r) => r === 1)) return { n, matrix: image };
    // A pair that aliases to a frequency of its own: X + X̄ = 2 Re X is below the sum of both diagonal blocks.
    const width = halves(alias, step.sides) * rows;
    for (let block = 0; block + n <= width; block += n) {
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) sum[i * n + j]! += image[(i + block) * width + j + block]!;
      }
    }
  }
  const copies = step.ratio.reduce((p, r) => p * r, 1);
  for (let at = 0; at < n * n; at++) sum[at]! /= copies;
  // |error| ≤ γ Σ |X_ij| ≤ γ √(Σ X_ii Σ X_jj), X being positive semidefinite.
  for (let i = 0; i < n; i++) sum[i * n + i]! *= 1 + 1.001 * (n + 1) * gamma(2 * list.length + 4);
  return { n, matrix: sum };
}

function white(diagonal: Float64Array, h: number): State {
  const n = h * diagonal.length;
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = diagonal[i % diagonal.length]!;
  return { n, matrix };
}

/** W Σ Wᵀ, Σ a matrix or one diagonal for every half. With Ŵ = W + E, |E| ≤ error · F and |W| ≤ F:
 *  |computed − exact| ≤ (2 γ + 2 error + …) F |Σ| Fᵀ, where |Σ_kl| ≤ √(Σ_kk Σ_ll). */
function linear({ taps, sides }: LinearStep, state: State | Float64Array, omega: Index): Float64Array {
  const { rows, columns, magnitude } = taps;
  const h = halves(omega, sides);
  const [m, k] = [h * rows, h * columns];
  const w = taps.symbol(omega, sides);
  const full = 'matrix' in state ? state.matrix : undefined;
  const diagonal = Float64Array.from({ length: k }, (_, j) =>
    'matrix' in state ? state.matrix[j * k + j]! : state[j % columns]!,
  );
  const left = full ? product(w, full, [m, k, k]) : w.map((x, at) => x * diagonal[at % k]!);
  const image = product(left, w, [m, m, k], { symmetric: true });
  // F stands in every block of a pair.
  const forth = (x: Float64Array) => {
    const folded = Float64Array.from({ length: columns }, (_, j) => x[j]! + (h === 2 ? x[j + columns]! : 0));
    const y = absoluteTimes(magnitude, rows, columns, folded);
    return Float64Array.from({ length: m }, (_, i) => y[i % rows]!);
  };
  const q = forth(diagonal.map(Math.sqrt)).map((x) => 1 / Math.max(x, 2 ** -250));
  const folded = Float64Array.from({ length: rows }, (_, i) => q[i]! + (h === 2 ? q[i + rows]! : 0));
  const inner = absoluteTimes(magnitude, rows, columns, folded, true);
  const twice = Float64Array.from({ length: k }, (_, j) => inner[j % columns]!);
  const sums = forth(full ? absoluteTimes(full, k, k, twice) : twice.map((x, j) => x * diagonal[j]!));
  const factor = 2.01 * (gamma(k + 4) + taps.error);
  raise(
    image,
    m,
    q,
    sums.map((x) => factor * x),
  );
  return image;
}

/**
 * D ≻ S is proven, then Σ' = T + V (D − S)⁻¹ Vᵀ: for slopes in [m − r, m + r] V = [Σ_kc; M D] and T = diag(Σ_kk, (r² − m²) D); for
 * a maximum V = [Σ_kc; 0] and T = diag(Σ_kk, e).
 */
function nonlinear(step: NonlinearStep, state: State, h: number): State {
  const { d, middle, radius, image, name } = step;
  demand(Math.abs(step.shift) < 1000, `${name}: multipliers of another scale than the covariance`);
  const factor = powerOfTwo(step.shift);
  const before = state.matrix.map((x) => x * factor);
  const at = (i: number, j: number) => before[i * state.n + j]!;
  for (let i = 0; i < state.n; i++)
    demand(at(i, i) < LARGEST, `${name}: the covariance leaves the range of float64`);
  const spread = (rows: readonly number[], total: number) =>
    Array.from({ length: h }, (_, half) => rows.map((r) => r + half * total)).flat();
  const [source, kept] = [spread(step.source, step.rows), spread(step.kept, step.rows)];
  const s = source.length;
  const a = Float64Array.from({ length: s * s }, (_, k) => {
    const [i, j] = [Math.floor(k / s), k % s];
    return (i === j ? d[i % d.length]! : 0) - at(source[i]!, source[j]!);
  });
  const root = positive(a, s);
  demand(root !== undefined, `${name}: the multipliers do not dominate the covariance`);

  const results = step.kind === 'sector' ? d.length : image.length;
  const own = step.kept.length + results;
  const n = h * own;
  const keptAt = spread(
    step.kept.map((_, k) => k),
    own,
  );
  const resultAt = spread(
    Array.from({ length: results }, (_, k) => step.kept.length + k),
    own,
  );
  const v = new Float64Array(n * s);
  const result = new Float64Array(n * n);
  const total = new Float64Array(n * n);
  for (const [k, i] of keptAt.entries()) {
    for (let j = 0; j < s; j++) v[i * s + j] = at(kept[k]!, source[j]!);
    for (const [l, j] of keptAt.entries()) result[i * n + j] = at(kept[k]!, kept[l]!);
  }
  for (let t = 0; t < n * n; t++) total[t] = Math.abs(result[t]!);
  for (const [k, i] of resultAt.entries()) {
    const o = k % results;
    const [plus, minus] =
      step.kind === 'sector'
        ? [radius[o]! * radius[o]! * d[o]!, middle[o]! * middle[o]! * d[o]!]
        : [image[o]!, 0];
    if (step.kind === 'sector') v[i * s + k] = middle[o]! * d[o]!;
    result[i * n + i] = plus - minus;
    total[i * n + i] = plus + minus;
  }
  // (D − S)⁻¹ ⪯ excess · Nᵀ N; alone, V Nᵀ is an upper triangle.
  const y = product(v, root.factor, [n, s, s], { b: 'lower' });
  const g = product(y, y, [n, n, s], { symmetric: true, ...(kept.length === 0 ? { a: 'upper' } : {}) });
  for (let t = 0; t < n * n; t++) {
    const grown = root.excess * g[t]!;
    result[t]! += grown;
    total[t]! += Math.abs(grown);
  }
  // |V||N|ᵀ|N||V|ᵀ bounds what the products can be off by, `total` what adding up can.
  const q = Float64Array.from({ length: n }, (_, i) => 1 / Math.sqrt(Math.max(total[i * n + i]!, TINY)));
  const inner = absoluteTimes(root.factor, s, s, absoluteTimes(v, n, s, q, true));
  const sums = absoluteTimes(v, n, s, absoluteTimes(root.factor, s, s, inner, true));
  const added = absoluteTimes(total, n, n, q);
  const products = 2.01 * root.excess * gamma(2 * s + 8);
  raise(
    result,
    n,
    q,
    sums.map((x, i) => products * x + 8 * U * added[i]!),
  );
  return { n, matrix: result };
}

/** Adds bound_i / q_i to the diagonal, and what roundings of this sum, of the bound and underflow can take away. */
function raise(matrix: Float64Array, n: number, q: Float64Array, bound: Float64Array): void {
  for (let i = 0; i < n; i++) {
    const own = matrix[i * n + i]!;
    const more = (1.001 * bound[i]!) / q[i]! + TINY;
    matrix[i * n + i] = own + more + 4 * U * (Math.abs(own) + more);
  }
}

/** Bisection stops at this relative width; what is proven in the end lies a little above. */
const WIDTH = 2 ** -36;
/** A bound of 0 is reported as the root of this, which `positive` can still prove. */
const SMALLEST = 2 ** -400;

/** Not below λ_max, nor below `least`: a t with t I − Σ ≻ 0. */
function largestEigenvalue({ n, matrix }: State, least: number): number {
  const below = (t: number) => matrix.map((x, k) => (k % (n + 1) === 0 ? t : 0) - x);
  if (least > 0 && positive(below(least), n)) return least;
  let high = absoluteTimes(matrix, n, n, new Float64Array(n).fill(1)).reduce((m, x) => Math.max(m, x), TINY);
  let low = 0;
  for (let k = 0; k < 1000 && high - low > WIDTH * high; k++) {
    const t = (low + high) / 2;
    if (inverseFactor(below(t), n)) high = t;
    else low = t;
  }
  for (let margin = 2 ** -34; margin < 2; margin *= 4) {
    const t = Math.max(least, SMALLEST, high * (1 + margin));
    if (positive(below(t), n)) return up(t);
  }
  throw new Refusal('the last covariance leaves the range of float64');
}
