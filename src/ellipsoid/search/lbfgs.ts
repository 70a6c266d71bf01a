/**
 * Limited-memory BFGS with backtracking for functions that are expensive, piecewise smooth and +∞ outside their domain
 * (Liu & Nocedal 1989; Armijo's condition alone, since a gradient comes with every value).
 */

export interface Point {
  readonly x: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
  /** About the second derivative in every entry alone, all above 0, where that is known: with it a direction begins. */
  readonly curvature?: Float64Array;
}

/** A step, the change of the gradient along it, and 1 over their product. */
export interface Pair {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly rho: number;
}

export interface LbfgsOptions {
  /** Pairs remembered. */
  readonly memory: number;
  /** Those remembered from a search of nearly the same function; they are replaced. Default: none. */
  readonly pairs?: Pair[];
  /** Accepted steps over which progress is judged. Default: ten. */
  readonly patience?: number;
  /** No step moves any entry further than this. */
  readonly largestMove: number;
  /** Whether to go on after an evaluation; false ends the search at the best point so far. */
  readonly proceed: () => boolean;
  /** Ends when the last accepted values, `patience` of them, fell by less than this. */
  readonly tolerance: number;
}

export type Ending = 'converged' | 'stopped';

/** Backtracking steps before the search direction is given up. */
const MOST_BACKTRACKS = 12;
const ARMIJO = 1e-4;
const PATIENCE = 10;

/** Minimises from `start`, whose value must be finite. Evaluations outside the domain give +∞. */
export async function minimise(
  evaluate: (x: Float64Array) => Promise<Point>,
  start: Point,
  options: LbfgsOptions,
): Promise<{ best: Point; ending: Ending }> {
  let current = start;
  const { pairs = [], patience = PATIENCE } = options;
  const accepted = [start.value];
  let failures = 0;
  while (options.proceed()) {
    const direction = descent(current, pairs);
    let slope = dot(direction, current.gradient);
    if (!(slope < 0)) {
      pairs.length = 0;
      direction.set(current.gradient.map((g) => -g));
      slope = dot(direction, current.gradient);
      if (!(slope < 0)) return { best: current, ending: 'converged' };
    }
    const furthest = direction.reduce((m, d) => Math.max(m, Math.abs(d)), 0);
    let step = Math.min(1, options.largestMove / furthest);
    if (pairs.length === 0 && !current.curvature)
      step = Math.min(step, (0.3 * options.largestMove) / furthest);
    const next = await backtrack(evaluate, current, direction, slope, step, options.proceed);
    if (!next) {
      if (!options.proceed()) break;
      // The smooth model does not fit here (a kink of the row sums): forget it once, then give up.
      failures++;
      if (pairs.length === 0 || failures > 3) return { best: current, ending: 'converged' };
      pairs.length = 0;
      continue;
    }
    failures = 0;
    const s = next.x.map((v, i) => v - current.x[i]!);
    const y = next.gradient.map((v, i) => v - current.gradient[i]!);
    const curvature = dot(s, y);
    if (curvature > 1e-12 * Math.sqrt(dot(s, s) * dot(y, y))) {
      pairs.push({ s, y, rho: 1 / curvature });
      if (pairs.length > options.memory) pairs.shift();
    }
    current = next;
    accepted.push(current.value);
    const earlier = accepted[accepted.length - 1 - patience];
    if (earlier !== undefined && earlier - current.value < options.tolerance) {
      return { best: current, ending: 'converged' };
    }
  }
  return { best: current, ending: 'stopped' };
}

async function backtrack(
  evaluate: (x: Float64Array) => Promise<Point>,
  from: Point,
  direction: Float64Array,
  slope: number,
  first: number,
  proceed: () => boolean,
): Promise<Point | undefined> {
  let step = first;
  for (let k = 0; k < MOST_BACKTRACKS; k++) {
    if (k > 0 && !proceed()) return undefined;
    const point = await evaluate(from.x.map((v, i) => v + step * direction[i]!));
    if (point.value <= from.value + ARMIJO * step * slope) return point;
    // The minimiser of the parabola through both values, kept within reason; a plain halving outside the domain.
    const parabola = (-slope * step * step) / (2 * (point.value - from.value - slope * step));
    step = Number.isFinite(parabola) ? Math.min(0.5 * step, Math.max(0.1 * step, parabola)) : 0.5 * step;
  }
  return undefined;
}

/** −H g by the two-loop recursion, from a diagonal scaled by the last pair. */
export function descent({ gradient, curvature }: Point, pairs: readonly Pair[]): Float64Array {
  const first = curvature?.map((c) => 1 / c) ?? new Float64Array(gradient.length).fill(1);
  const q = gradient.map((g) => -g);
  const alphas: number[] = [];
  for (let k = pairs.length - 1; k >= 0; k--) {
    const { s, y, rho } = pairs[k]!;
    const alpha = rho * dot(s, q);
    alphas[k] = alpha;
    for (let i = 0; i < q.length; i++) q[i]! -= alpha * y[i]!;
  }
  const last = pairs.at(-1);
  const scale = last
    ? 1 /
      (last.rho *
        dot(
          last.y,
          last.y.map((y, i) => y * first[i]!),
        ))
    : 1;
  for (let i = 0; i < q.length; i++) q[i]! *= scale * first[i]!;
  pairs.forEach(({ s, y, rho }, k) => {
    const beta = rho * dot(y, q);
    for (let i = 0; i < q.length; i++) q[i]! += (alphas[k]! - beta) * s[i]!;
  });
  return q;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
