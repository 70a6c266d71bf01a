/**
 * Projected L-BFGS with a diagonal preconditioner that changes with the point, for functions that are +∞ where they are not defined (Liu &
 * Nocedal 1989; Armijo's condition alone).
 */
import { dot } from '../algebra.ts';

export interface Sample {
  /** Where it is, which may be beside the point that was asked for. */
  readonly x: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
  /** Positive, one per entry; `share` divides that of weights. */
  readonly curvature: (share: number) => Float64Array;
}

export interface SearchOptions {
  readonly least: Float64Array;
  readonly most: Float64Array;
  /** Evaluations, at most. */
  readonly evaluations: number;
  /** The search ends below it. */
  readonly target: number;
}

const MEMORY = 20;
const ARMIJO = 1e-4;
const BACKTRACKS = 12;
/** No entry moves further in one step. */
const LARGEST_MOVE = 2;
/** A step that is refused is shortened by these: where the value is too large, and where there is none. */
const SHORTER = 0.4;
const MUCH_SHORTER = 0.35;
/** Steps that gain less than this, relatively, count as stalled, and so many of them end a search. */
const STALL = 1e-5;
const MOST_STALLS = 8;
/** Shares of curvature, and whether the last pair scales the steps: what is tried in turn where a search stalls. */
const TRIALS = [
  { share: 0.1, scaled: true },
  { share: 0.3, scaled: false },
] as const;

/**
 * Minimises from `start`; of what was seen the best is returned, undefined if nothing was.
 * @param evaluate undefined where the function is +∞
 */
export async function minimise<S extends Sample>(
  evaluate: (x: Float64Array) => Promise<S | undefined>,
  start: Float64Array,
  options: SearchOptions,
): Promise<S | undefined> {
  let best: S | undefined;
  let used = 0;
  const proceed = () => used < options.evaluations && !(best !== undefined && best.value < options.target);
  const watched = async (x: Float64Array) => {
    used++;
    const sample = await evaluate(x);
    if (sample && !(best && sample.value >= best.value)) best = sample;
    return sample;
  };
  // Until all ways have stalled where the first of them began.
  for (let before: number | undefined; proceed(); before = best?.value) {
    for (const trial of TRIALS)
      if (proceed()) await descend(watched, best?.x ?? start, options, trial, proceed);
    if (!best) break;
    if (before !== undefined && !(best.value < before - STALL * Math.abs(before))) break;
  }
  return best;
}

interface Memory {
  readonly s: Float64Array;
  readonly y: Float64Array;
}

async function descend(
  evaluate: (x: Float64Array) => Promise<Sample | undefined>,
  start: Float64Array,
  { least, most }: SearchOptions,
  { share, scaled }: (typeof TRIALS)[number],
  proceed: () => boolean,
): Promise<void> {
  let here = await evaluate(start);
  if (!here) return;
  let { x } = here;
  let pairs: Memory[] = [];
  let stalls = 0;
  while (proceed()) {
    const { gradient } = here;
    const free = gradient.map((g, i) =>
      (x[i]! <= least[i]! && g > 0) || (x[i]! >= most[i]! && g < 0) ? 0 : 1,
    );
    const inverse = inverseCurvature(here.curvature(share));
    let direction = quasiNewton(gradient, pairs, free, inverse, scaled);
    if (!(dot(direction, gradient) < 0)) {
      pairs = [];
      direction = gradient.map((g, i) => -g * free[i]!);
      const longest = largest(direction);
      if (!(longest > 0)) return;
      direction = direction.map((d) => (0.1 * d) / longest);
    }
    const longest = largest(direction);
    if (longest > LARGEST_MOVE) direction = direction.map((d) => (d * LARGEST_MOVE) / longest);
    let step = 1;
    let next: Sample | undefined;
    for (let k = 0; k < BACKTRACKS && proceed(); k++) {
      const sample = await evaluate(
        x.map((v, i) => Math.min(Math.max(v + step * direction[i]!, least[i]!), most[i]!)),
      );
      if (sample === undefined) {
        step *= MUCH_SHORTER;
        continue;
      }
      let promised = 0;
      for (let i = 0; i < x.length; i++) promised += gradient[i]! * (sample.x[i]! - x[i]!);
      if (sample.value <= here.value + ARMIJO * promised) {
        next = sample;
        break;
      }
      step *= SHORTER;
    }
    if (!next) {
      if (pairs.length === 0) return;
      pairs = [];
      continue;
    }
    const s = next.x.map((v, i) => v - x[i]!);
    const y = next.gradient.map((g, i) => g - gradient[i]!);
    if (dot(s, y) > 1e-12 * dot(s, s)) pairs = [...pairs, { s, y }].slice(-MEMORY);
    stalls = here.value - next.value < STALL * (Math.abs(here.value) + 1e-3) ? stalls + 1 : 0;
    here = next;
    x = here.x;
    if (stalls > MOST_STALLS) return;
  }
}

/** −H g by the two-loop recursion on the free entries, H₀ the preconditioner, scaled by the last pair if so. */
function quasiNewton(
  gradient: Float64Array,
  pairs: readonly Memory[],
  free: Float64Array,
  inverse: Float64Array,
  scaled: boolean,
): Float64Array {
  const masked = (values: Float64Array) => values.map((v, i) => v * free[i]!);
  const q = masked(gradient);
  const usable = pairs
    .map(({ s, y }) => ({ s: masked(s), y: masked(y) }))
    .map((one) => ({ ...one, curvature: dot(one.s, one.y) }))
    .filter(({ curvature }) => curvature > 1e-14);
  const alphas = new Array<number>(usable.length);
  for (let k = usable.length - 1; k >= 0; k--) {
    const { s, y, curvature } = usable[k]!;
    alphas[k] = dot(s, q) / curvature;
    for (let i = 0; i < q.length; i++) q[i]! -= alphas[k]! * y[i]!;
  }
  let scale = 1;
  const latest = pairs.at(-1);
  if (scaled && latest) {
    const [s, y] = [masked(latest.s), masked(latest.y)];
    const across = y.reduce((sum, v, i) => sum + v * v * inverse[i]!, 0);
    scale = Math.min(Math.max(Math.max(dot(s, y), 1e-14) / Math.max(across, 1e-30), 0.05), 5);
  }
  for (let i = 0; i < q.length; i++) q[i]! *= scale * inverse[i]!;
  for (const [k, { s, y, curvature }] of usable.entries()) {
    const beta = alphas[k]! - dot(y, q) / curvature;
    for (let i = 0; i < q.length; i++) q[i]! += beta * s[i]!;
  }
  return q.map((v, i) => -v * free[i]!);
}

function inverseCurvature(curvature: Float64Array): Float64Array {
  const mean = curvature.reduce((sum, v) => sum + v, 0) / Math.max(1, curvature.length);
  return curvature.map((v) => 1 / (v + 1e-3 * mean + 1e-12));
}

function largest(values: Float64Array): number {
  return values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
}
