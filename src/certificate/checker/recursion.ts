/**
 * The recursion of math.md §1 in float64, from above: every computed covariance is replaced by a larger one. If
 * |error_ij| ≤ B_ij for a symmetric error, then error ⪯ diag(B q / q) for any q > 0 (Gershgorin); q evens
 * out rows of different size.
 */
import { LARGEST, positive, TINY } from './dominance.ts';
import { absoluteTimes, cholesky, product } from './kernels.ts';
import { gamma, powerOfTwo, U, up } from './numbers.ts';
import type { LinearStep, NonlinearStep, Segment } from './plan.ts';
import { demand } from './refusal.ts';
import { aliases, halfTorus, halves, type Index } from './symbol.ts';

/** A covariance at one frequency: a symmetric matrix (of twice the rows for a pair ±ω), or the diagonal that a segment starts
 *  from. */
type State = { readonly n: number; readonly matrix: Float64Array } | { readonly diagonal: Float64Array };

/** Runs a plan; `pause` is awaited often, and may throw. Returns an upper bound of λ_max of the last covariance. */
export async function run(segments: readonly Segment[], pause: () => Promise<void>): Promise<number> {
  let top = 0;
  for (const [s, segment] of segments.entries()) {
    for (const omega of halfTorus(segment.sides)) {
      const state = await after(segment, segment.steps.length - 1, omega, pause);
      if (s === segments.length - 1) top = largestEigenvalue(full(state, halves(omega, segment.sides)), top);
    }
  }
  return top;
}

/** The covariance after step k (−1: before the first) at a frequency of the grid there. */
async function after(segment: Segment, k: number, omega: Index, pause: () => Promise<void>): Promise<State> {
  if (k < 0) return { diagonal: segment.start };
  await pause();
  const step = segment.steps[k]!;
  if (step.kind !== 'linear') {
    const h = halves(omega, step.sides);
    const before = full(await after(segment, k - 1, omega, pause), h);
    return step.kind === 'sector' || step.kept.length > 0
      ? nonlinear(step, before, h)
      : pooled(step, before, h);
  }
  const { rows } = step.taps;
  const coarse = step.sides.map((n, a) => n / step.ratio[a]!);
  const list = aliases(omega, coarse, step.ratio);
  const copies = step.ratio.reduce((p, r) => p * r, 1);
  const n = halves(omega, coarse) * rows;
  const sum = new Float64Array(n * n);
  for (const alias of list) {
    const state = await after(segment, k - 1, alias.omega, pause);
    const image = linear(step, state, alias.omega);
    if (list.length === 1 && copies === 1) return { n, matrix: image };
    // A pair that aliases to a frequency of its own: X + X̄ = 2 Re X is below the sum of both diagonal blocks.
    const width = halves(alias.omega, step.sides) * rows;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        sum[i * n + j]! += image[i * width + j]!;
        if (width > n) sum[i * n + j]! += image[(i + rows) * width + j + rows]!;
      }
    }
  }
  for (let i = 0; i < n * n; i++) sum[i]! /= copies;
  // |Σ error| ≤ γ Σ |X_ij| ≤ γ √(Σ X_ii Σ X_jj), X being positive semidefinite.
  for (let i = 0; i < n; i++) sum[i * n + i]! *= 1 + 1.001 * (n + 1) * gamma(2 * list.length + 4);
  return { n, matrix: sum };
}

function full(state: State, h: number): { n: number; matrix: Float64Array } {
  if ('matrix' in state) return state;
  const { length } = state.diagonal;
  const n = h * length;
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = state.diagonal[i % length]!;
  return { n, matrix };
}

/** W Σ Wᵀ. With Ŵ = W + E, |E| ≤ error · F and |W| ≤ F (1 + error): |computed − exact| ≤ (2γ + 2 error + …) F |Σ| Fᵀ. */
function linear({ taps, sides }: LinearStep, state: State, omega: Index): Float64Array {
  const { rows, columns, magnitude } = taps;
  const h = halves(omega, sides);
  const [m, k] = [h * rows, h * columns];
  const w = taps.symbol(omega, sides);
  let left: Float64Array;
  if ('matrix' in state) left = product(w, state.matrix, m, k, k);
  else left = w.map((x, at) => x * state.diagonal[at % columns]!);
  const image = product(left, w, m, m, k, { symmetric: true });
  // |W Σ Wᵀ|_ij ≤ a_i a_j with a = F √diag Σ: what q has to even out.
  const roots = ('matrix' in state ? diagonalOf(state.matrix, k) : state.diagonal).map(Math.sqrt);
  const paired = roots.subarray(0, columns).map((x, j) => x + (roots[j + columns] ?? 0));
  const a = absoluteTimes(magnitude, rows, columns, paired);
  const q = Float64Array.from({ length: m }, (_, i) => 1 / Math.max(a[i % rows]!, 2 ** -250));
  // F stands in every block of a pair.
  const folded = q.subarray(0, rows).map((x, i) => x + (h === 2 ? q[i + rows]! : 0));
  const inner = absoluteTimes(magnitude, rows, columns, folded, true);
  const twice = Float64Array.from({ length: k }, (_, j) => inner[j % columns]!);
  const middle =
    'matrix' in state
      ? absoluteTimes(state.matrix, k, k, twice)
      : twice.map((x, j) => x * state.diagonal[j % columns]!);
  const joined = middle.subarray(0, columns).map((x, j) => x + (h === 2 ? middle[j + columns]! : 0));
  const sums = absoluteTimes(magnitude, rows, columns, joined);
  const factor = 2.01 * (gamma(k + 4) + taps.error);
  raise(
    image,
    m,
    q,
    Float64Array.from({ length: m }, (_, i) => factor * sums[i % rows]!),
  );
  return image;
}

/**
 * A nonlinearity, or a maximum beside which something lives on: Σ' = T + V (D − S)⁻¹ Vᵀ with V = [Σ_kc; M D] and
 * T = diag(Σ_kk, (r² − m²) D), slopes in [m − r, m + r]; for a maximum M = 0 and its result is diag(e).
 */
function nonlinear(step: NonlinearStep, state: { n: number; matrix: Float64Array }, h: number): State {
  const { d, middle, radius, image } = step;
  const sector = step.kind === 'sector';
  const q0 = shifted(step, state);
  const s = d.length * h;
  const root = dominated(step, q0, state.n, h);
  const kept = spread(step.kept, step.rows, h);
  const source = spread(step.source, step.rows, h);
  const results = sector ? d.length : image.length;
  const own = step.kept.length + results;
  const n = own * h;
  /** Row of the kept ones, or −1 and the index of the result. */
  const rowOf = (i: number) => {
    const local = i % own;
    const half = (i - local) / own;
    return local < step.kept.length
      ? { row: kept[half * step.kept.length + local]!, result: -1, half }
      : { row: -1, result: local - step.kept.length, half };
  };
  const where = Array.from({ length: n }, (_, i) => rowOf(i));
  const v = new Float64Array(n * s);
  where.forEach(({ row, result, half }, i) => {
    if (row >= 0) for (let j = 0; j < s; j++) v[i * s + j] = q0[row * state.n + source[j]!]!;
    else if (sector) v[i * s + half * d.length + result] = middle[result]! * d[result]!;
  });
  // (D − S)⁻¹ ⪯ excess · Nᵀ N, and V Nᵀ is upper triangular where nothing is kept.
  const diagonal = step.kept.length === 0;
  const y = diagonal ? scaledTranspose(v, root.factor, n) : product(v, root.factor, n, s, s, { b: 'lower' });
  const g = product(y, y, n, n, s, { symmetric: true, ...(diagonal ? { a: 'upper' } : {}) });
  const result = new Float64Array(n * n);
  const total = new Float64Array(n * n);
  const t = new Float64Array(n);
  where.forEach(({ row, result: o }, i) => {
    for (let j = 0; j < n; j++) {
      const fromKept = row >= 0 && where[j]!.row >= 0 ? q0[row * state.n + where[j]!.row]! : 0;
      const grown = root.excess * g[i * n + j]!;
      result[i * n + j] = fromKept + grown;
      total[i * n + j] = Math.abs(fromKept) + Math.abs(grown);
    }
    if (o < 0) return;
    const square = sector
      ? [radius[o]! * radius[o]! * d[o]!, middle[o]! * middle[o]! * d[o]!]
      : [image[o]!, 0];
    result[i * n + i]! += square[0]! - square[1]!;
    t[i] = square[0]! + square[1]!;
  });
  // |V||N|ᵀ|N||V|ᵀ bounds what the products can be off by; then what adding up can.
  const q = Float64Array.from(t, (x, i) => 1 / Math.sqrt(Math.max(x + total[i * n + i]!, TINY)));
  const inner = absoluteTimes(root.factor, s, s, absoluteTimes(v, n, s, q, true));
  const sums = absoluteTimes(v, n, s, absoluteTimes(root.factor, s, s, inner, true));
  const added = absoluteTimes(total, n, n, q);
  const products = 2.01 * root.excess * gamma(2 * s + 8);
  raise(
    result,
    n,
    q,
    Float64Array.from(sums, (x, i) => products * x + 8 * U * (added[i]! + t[i]! * q[i]!)),
  );
  return { n, matrix: result };
}

/** A maximum beside which nothing lives on: it only has to be true that D ≻ S. */
function pooled(step: NonlinearStep, state: { n: number; matrix: Float64Array }, h: number): State {
  dominated(step, shifted(step, state), state.n, h);
  return { diagonal: step.image };
}

/** The state times 2^shift. */
function shifted(step: NonlinearStep, { n, matrix }: { n: number; matrix: Float64Array }): Float64Array {
  demand(Math.abs(step.shift) < 1000, `${step.name}: multipliers of another scale than the covariance`);
  const factor = powerOfTwo(step.shift);
  const result = matrix.map((x) => x * factor);
  for (let i = 0; i < n; i++) {
    demand(result[i * n + i]! < LARGEST, `${step.name}: the covariance leaves the range of float64`);
  }
  return result;
}

/** D ≻ S, proven. */
function dominated(step: NonlinearStep, q: Float64Array, n: number, h: number) {
  const rows = spread(step.source, step.rows, h);
  const s = rows.length;
  const a = new Float64Array(s * s);
  for (let i = 0; i < s; i++) {
    for (let j = 0; j < s; j++)
      a[i * s + j] = (i === j ? step.d[i % step.d.length]! : 0) - q[rows[i]! * n + rows[j]!]!;
  }
  const root = positive(a, s);
  demand(root !== undefined, `${step.name}: the multipliers do not dominate the covariance`);
  return root;
}

/** Rows of a state in all its halves. */
function spread(rows: Int32Array, total: number, h: number): Int32Array {
  return Int32Array.from(
    { length: h * rows.length },
    (_, k) => rows[k % rows.length]! + total * Math.floor(k / rows.length),
  );
}

/** v Nᵀ for diagonal v. */
function scaledTranspose(v: Float64Array, factor: Float64Array, n: number): Float64Array {
  const y = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) y[i * n + j] = v[i * n + i]! * factor[j * n + i]!;
  return y;
}

function diagonalOf(matrix: Float64Array, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => matrix[i * n + i]!);
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
function largestEigenvalue({ n, matrix }: { n: number; matrix: Float64Array }, least: number): number {
  const below = (t: number) => matrix.map((x, k) => (k % (n + 1) === 0 ? t : 0) - x);
  if (least > 0 && positive(below(least), n)) return least;
  const sums = absoluteTimes(matrix, n, n, new Float64Array(n).fill(1));
  let high = sums.reduce((m, x) => Math.max(m, x), TINY);
  let low = 0;
  while (high - low > WIDTH * high) {
    const t = (low + high) / 2;
    if (cholesky(below(t), n)) high = t;
    else low = t;
  }
  for (let margin = 2 ** -34; margin < 2; margin *= 4) {
    const t = Math.max(least, SMALLEST, high * (1 + margin));
    if (positive(below(t), n)) return up(t);
  }
  demand(false, 'the last covariance leaves the range of float64');
}
