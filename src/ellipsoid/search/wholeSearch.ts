/** A search that sees all frequencies. */

import { allFrequencies } from './frequencies.ts';
import { DifferentiablePass, type Smoothing } from './gradient/differentiablePass.ts';
import { type Ending, minimise, type Point } from './lbfgs.ts';
import type { Found, Setting } from './setting.ts';
import type { Watch } from './watch.ts';

/** Shares of the evaluations, and how each is smoothed (docs/mathematics.md §5; the weights of the barrier were measured). */
const STAGES: readonly { readonly share: number; readonly smoothing: Smoothing }[] = [
  { share: 0.4, smoothing: { doublings: 5, barrier: 1e-4 } },
  { share: 0.75, smoothing: { doublings: 7, barrier: 1e-6 } },
  { share: 1, smoothing: { doublings: 9, barrier: 1e-8 } },
];

const MEMORY = 20;
/** No multiplier changes by more than a factor e in one step. */
const LARGEST_MOVE = 1;

export interface WholeOptions {
  /** Gradient evaluations at most. */
  readonly evaluations: number;
  /** Ends when ten steps gain less than this in ln L. */
  readonly tolerance: number;
  /** The start is near the end: it begins with the last stage, since smoothing would lead away from there first. */
  readonly near?: boolean;
}

/**
 * The best that is found from `start` on; undefined where that is nothing.
 * @param blocks of steps for whose tapes there is room (`SearchPlan`)
 * @throws the signal's reason when it is aborted
 */
export async function wholeSearch(
  { engine, program, layout, taps, objective, signal }: Setting,
  blocks: number,
  watch: Watch,
  { evaluations, tolerance, near = false }: WholeOptions,
  start: Float64Array,
): Promise<Found | undefined> {
  const frequencies = program.segments.map(allFrequencies);
  const pass = new DifferentiablePass(engine, program, frequencies, { blocks, taps });
  /** Milliseconds of the longest evaluation. */
  let longest = 0;
  let best: { readonly bound: number; readonly theta: Float64Array } | undefined;
  const evaluated = async (x: Float64Array, smoothing: Smoothing): Promise<Point> => {
    const began = performance.now();
    const {
      bound,
      objective: value,
      gradient,
    } = await pass.evaluate(layout.split(x), smoothing, objective, signal);
    longest = Math.max(longest, performance.now() - began);
    if (bound < (best?.bound ?? Infinity)) {
      best = { bound, theta: x };
      watch.found(layout.split(x));
    }
    const least = best?.bound ?? Infinity;
    watch.evaluated(least, { bound: least, complete: true, work: 1 });
    return { x, value, gradient: layout.join(gradient) };
  };
  try {
    let theta = start;
    let ending: Ending = 'stopped';
    for (const { share, smoothing } of near ? STAGES.slice(-1) : STAGES) {
      const until = Math.ceil(share * evaluations);
      const proceed = () => watch.proceed(longest, until);
      // Only the last stage says that the bound itself, hardly smoothed, has converged.
      ending = 'stopped';
      if (watch.evaluations > 0 && !proceed()) continue;
      const first = await evaluated(theta, smoothing);
      if (first.value === Infinity) break;
      const found = await minimise((x) => evaluated(x, smoothing), first, {
        ...{ memory: MEMORY, largestMove: LARGEST_MOVE },
        ...{ proceed, tolerance },
      });
      theta = found.best.x;
      ending = found.ending;
    }
    return best && { theta: layout.split(best.theta), ending, partial: false };
  } catch (error) {
    // Whoever interrupts wants what there is.
    if (!watch.interrupted || watch.cancelled) throw error;
    return best && { theta: layout.split(best.theta), ending: 'stopped', partial: false };
  } finally {
    pass.close();
  }
}
