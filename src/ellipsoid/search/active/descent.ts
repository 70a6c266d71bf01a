/** Downhill on some frequencies: from multipliers that are held to better ones, which only a pass over all frequencies can judge. */
import type { Relative } from '../../multipliers/relative.ts';
import type { SegmentFrequencies } from '../frequencies.ts';
import {
  DifferentiablePass,
  type Evaluation,
  type Smoothing,
  type Summed,
} from '../gradient/differentiablePass.ts';
import { type Ending, minimise, type Pair, type Point } from '../lbfgs.ts';
import type { Setting } from '../setting.ts';
import { type FixedOutcome, FixedPass } from './fixedPass.ts';
import { type Held, heldAt } from './held.ts';

const MEMORY = 20;
const LARGEST_MOVE = 1;

/** What a round is to do. */
export interface Course {
  readonly frequencies: readonly SegmentFrequencies[];
  /** Blocks of steps for whose tapes there is room. */
  readonly blocks: number;
  /** Whether symbols are kept for several passes without a gradient. */
  readonly keep: boolean;
  /** Where it may start: the best of these. */
  readonly candidates: readonly (readonly Held[])[];
  /** The last pass over all frequencies that all of them went through. */
  readonly finite: FixedOutcome;
  readonly smoothing: Smoothing;
  /** It ends when so many steps gain less than this in ln L. */
  readonly patience: number;
  readonly tolerance: number;
  /** Pairs of L-BFGS, of this round's function and of the one before; they are replaced. */
  readonly pairs: Pair[];
  /** Whether another evaluation may begin. @param longest of those before, in milliseconds @param count of this round's so far */
  readonly proceed: (longest: number, count: number) => boolean;
  /** @param bound ln of the least L of the frequencies at hand so far */
  readonly onEvaluation: (bound: number) => void;
}

export interface Descent {
  readonly held: readonly Held[];
  /** ln L of the frequencies at hand, with what the others add to sums. */
  readonly bound: number;
  readonly ending: Ending;
}

/** Undefined where no candidate can be raised to dominate at these frequencies. */
export async function descend(setting: Setting, course: Course): Promise<Descent | undefined> {
  const { engine, program, taps } = setting;
  const { frequencies, blocks } = course;
  const { start, beside } = await started(setting, course);
  if (!start) return undefined;
  const pass = new DifferentiablePass(engine, program, frequencies, { blocks, beside, taps });
  try {
    return await minimised(setting, course, pass, start);
  } finally {
    pass.close();
  }
}

/** The best candidate, and what the other frequencies add to sums. */
async function started(
  { engine, program, objective, taps, signal }: Setting,
  { frequencies, keep, candidates, finite }: Course,
): Promise<{ readonly start: FixedOutcome | undefined; readonly beside: readonly (Summed | undefined)[] }> {
  const pieces = frequencies.map((own) => [own]);
  const pass = new FixedPass(engine, program, pieces, objective, taps, keep);
  try {
    let beside: readonly (Summed | undefined)[] = [];
    if (finite.seen.some((seen) => seen?.sum)) {
      const own = await pass.run(finite.held, { signal });
      beside = finite.seen.map((seen, i) => without(seen?.sum, own.seen[i]?.sum));
    }
    let start: FixedOutcome | undefined;
    for (const held of candidates) {
      const outcome = await pass.run(held, { raise: true, beside, signal });
      if (outcome.bound < (start?.bound ?? Infinity)) start = outcome;
    }
    return { start, beside };
  } finally {
    pass.close();
  }
}

async function minimised(
  { program, layout, objective, signal }: Setting,
  { smoothing, patience, tolerance, pairs, proceed, onEvaluation }: Course,
  pass: DifferentiablePass,
  start: FixedOutcome,
): Promise<Descent | undefined> {
  let best: { readonly evaluation: Evaluation; readonly theta: Relative } | undefined;
  let longest = 0;
  let count = 0;
  const evaluate = async (x: Float64Array): Promise<Point> => {
    const began = performance.now();
    const theta = layout.split(x);
    const evaluation = await pass.evaluate(theta, smoothing, objective, signal);
    longest = Math.max(longest, performance.now() - began);
    count++;
    if (evaluation.bound < (best?.evaluation.bound ?? Infinity)) best = { evaluation, theta };
    onEvaluation(best?.evaluation.bound ?? Infinity);
    return { x, value: evaluation.objective, gradient: layout.join(evaluation.gradient) };
  };
  const first = await evaluate(layout.join(start.theta));
  if (!(first.value < Infinity)) return undefined;
  const { ending } = await minimise(evaluate, first, {
    ...{ memory: MEMORY, largestMove: LARGEST_MOVE, pairs, patience, tolerance },
    proceed: () => proceed(longest, count),
  });
  const { evaluation, theta } = best!;
  return { held: heldAt(program, theta, evaluation.multipliers), bound: evaluation.bound, ending };
}

/** What all frequencies add up to, less what some do. */
function without(all: Summed | undefined, some: Summed | undefined): Summed | undefined {
  if (!all || !some) return undefined;
  const unit = 2 ** (some.exponent - all.exponent);
  return { exponent: all.exponent, entries: all.entries.map((x, i) => x - unit * some.entries[i]!) };
}
