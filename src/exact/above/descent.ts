/** Multipliers of a node that make its bound small: L-BFGS, a few steps or many. */
import { descent, type Pair } from '../../ellipsoid/search/lbfgs.ts';
import type { State } from '../state.ts';
import type { Ellipsoid } from './ellipsoid.ts';

const MEMORY = 12;
const LARGEST_MOVE = 2;
const FIRST_MOVE = 0.3;
const LONGEST_FIRST = 6;
const ARMIJO = 1e-4;
const SHORTER = 0.4;
const BACKTRACKS = 12;
/** Multipliers that do not dominate are raised by this, so often at most. */
const RAISE = 0.1;
const RAISES = 60;

export interface Descent {
  /** The square of the least bound; Infinity where there is none. */
  squared: number;
  /** log D, unit by unit; what is not free keeps what it had. */
  readonly logarithms: Float64Array;
}

export interface DescentOptions {
  readonly evaluations: number;
  readonly barrier: number;
  /** It is over where the square comes under this. */
  readonly enough: number;
}

/** @param start log D, unit by unit; any number where a unit has been fixed */
export function descend(
  ellipsoid: Ellipsoid,
  state: State,
  start: Float64Array,
  options: DescentOptions,
): Descent {
  const best = { squared: Infinity, logarithms: start.slice() };
  for (const _ of descending(ellipsoid, state, start, options, best));
  return best;
}

/** As `descend`, evaluation by evaluation. @param best becomes the best so far */
function* descending(
  ellipsoid: Ellipsoid,
  state: State,
  start: Float64Array,
  { evaluations, barrier, enough }: DescentOptions,
  best: Descent,
): Generator<void> {
  ellipsoid.enter(state);
  const size = start.length;
  let theta: Float64Array = start.slice();
  const { logarithms } = best;
  const keep = () => {
    if (!(ellipsoid.squared < best.squared)) return;
    best.squared = ellipsoid.squared;
    for (let u = 0; u < size; u++)
      if (ellipsoid.multipliers[u]! > 0) logarithms[u] = Math.log(ellipsoid.multipliers[u]!);
  };
  let gradient: Float64Array = new Float64Array(size);
  let value = ellipsoid.evaluate(theta, barrier, true, gradient);
  let spent = 1;
  for (let raised = 1; value === Infinity && raised <= RAISES; raised++, spent++) {
    theta = start.map((t) => t + raised * RAISE);
    value = ellipsoid.evaluate(theta, barrier, true, gradient);
  }
  if (value === Infinity) return;
  keep();
  yield;
  const pairs: Pair[] = [];
  let failures = 0;
  while (spent < evaluations && best.squared > enough) {
    const direction = descent({ x: theta, value, gradient }, pairs);
    let slope = 0;
    let furthest = 0;
    for (let u = 0; u < size; u++) {
      slope += direction[u]! * gradient[u]!;
      furthest = Math.max(furthest, Math.abs(direction[u]!));
    }
    if (!(slope < 0) || furthest === 0) {
      if (pairs.length === 0) break;
      pairs.length = 0;
      continue;
    }
    let step = Math.min(1, LARGEST_MOVE / furthest);
    if (pairs.length === 0)
      step = Math.min(LARGEST_MOVE / furthest, FIRST_MOVE / Math.sqrt(-slope), LONGEST_FIRST);
    let next: Float64Array | undefined;
    const at: Float64Array<ArrayBuffer> = new Float64Array(size);
    let found = Infinity;
    for (let k = 0; k < BACKTRACKS && spent < evaluations + 3; k++) {
      const trial = theta.map((t, u) => t + step * direction[u]!);
      at.fill(0);
      found = ellipsoid.evaluate(trial, barrier, false, at);
      spent++;
      if (found < Infinity) keep();
      yield;
      if (found <= value + ARMIJO * step * slope) {
        next = trial;
        break;
      }
      step *= SHORTER;
    }
    if (!next) {
      if (pairs.length === 0 || ++failures > 2) break;
      pairs.length = 0;
      continue;
    }
    const s = next.map((t, u) => t - theta[u]!);
    const y = at.map((g, u) => g - gradient[u]!);
    let curvature = 0;
    for (let u = 0; u < size; u++) curvature += s[u]! * y[u]!;
    if (curvature > 1e-16) {
      pairs.push({ s, y, rho: 1 / curvature });
      if (pairs.length > MEMORY) pairs.shift();
    }
    theta = next;
    gradient = at;
    value = found;
  }
}

/** Of the barrier at the root, and evaluations for each. */
const BARRIERS = [1e-2, 1e-3, 1e-4, 1e-5];
const ROOT_EVALUATIONS = 100;
/** Above the row sums. */
const START = Math.log(1.33);

/** As good as they get, from nothing, evaluation by evaluation. @param best becomes the best so far */
export function* descendingFromScratch(ellipsoid: Ellipsoid, state: State, best: Descent): Generator<void> {
  const { logarithms } = best;
  ellipsoid.enter(state);
  ellipsoid.evaluate(new Float64Array(logarithms.length).fill(START), 0, false);
  best.squared = ellipsoid.squared;
  for (let u = 0; u < logarithms.length; u++) {
    if (ellipsoid.multipliers[u]! > 0) logarithms[u] = Math.log(ellipsoid.multipliers[u]!);
  }
  for (const barrier of BARRIERS) {
    const options = { evaluations: ROOT_EVALUATIONS, barrier, enough: 0 };
    yield* descending(ellipsoid, state, logarithms.slice(), options, best);
  }
}
