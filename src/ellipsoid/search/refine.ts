/**
 * Multipliers by first-order search (docs/mathematics.md §5): from a closed form to what an interior-point solver would find, in some fifty
 * gradients. The search may see only some frequencies and a smoothed bound; what counts is the last pass, which sees all
 * of them and scales multipliers up where they do not dominate.
 */

import type { Engine } from '../../engine/engine.ts';
import { bytesPerNumber } from '../../engine/precision.ts';
import type { MaximumStep, NonlinearityStep, Program, Step } from '../../program/program.ts';
import { nonlinearSteps, parametersOf, type Relative } from '../multipliers/relative.ts';
import type { Rounding } from '../rounding/rounding.ts';
import type { Outcome } from '../sweep/sweep.ts';
import { DifferentiablePass, type Smoothing } from './differentiablePass.ts';
import { lastPass } from './lastPass.ts';
import { type Ending, minimise, type Point } from './lbfgs.ts';
import type { Objective } from './objective.ts';
import { type SearchPlan, searchPlan } from './plan.ts';

export interface RefineOptions {
  /** Memory budget in bytes. */
  readonly memory: number;
  /** Gradient evaluations at most. */
  readonly evaluations: number;
  /** Ends when ten steps gain less than this in ln L. */
  readonly tolerance: number;
  /** Milliseconds on `performance.now()` by which the last evaluation is to have ended: none starts that would not have, if it takes as long
   *  as those before. */
  readonly deadline: number;
  readonly objective: Objective;
  /** Bounds the rounding of the last pass; the search itself needs no proof. */
  readonly rounding?: Rounding | undefined;
  /** Ends the search; the best so far is still brought home. */
  readonly interrupt?: AbortSignal | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvaluation?: (evaluation: SearchProgress) => void;
}

export interface SearchProgress {
  readonly evaluation: number;
  /** ln of the best bound so far (of the frequencies searched). */
  readonly bound: number;
  /** True where the search sees all frequencies, so that `bound` holds. */
  readonly complete: boolean;
}

export type Status = 'converged' | 'evaluations' | 'time limit' | 'interrupted';

export interface Refined {
  readonly outcome: Outcome;
  readonly theta: ReadonlyMap<Step, Float64Array>;
  readonly status: Status;
  readonly evaluations: number;
  /** What the last evaluations gained, as a fraction of L, and how many they are: ten, or all but the first. */
  readonly gap: number;
  readonly over: number;
}

/** Shares of the evaluations, and how each is smoothed (docs/mathematics.md §5; the weights of the barrier were measured). */
const STAGES: readonly { readonly share: number; readonly smoothing: Smoothing }[] = [
  { share: 0.4, smoothing: { doublings: 5, barrier: 1e-4 } },
  { share: 0.75, smoothing: { doublings: 7, barrier: 1e-6 } },
  { share: 1, smoothing: { doublings: 9, barrier: 1e-8 } },
];

const MEMORY = 20;
/** Evaluations that the gain is told of. */
const PATIENCE = 10;
/** No multiplier changes by more than a factor e in one step. */
const LARGEST_MOVE = 1;

/**
 * Searches from `start` and returns the outcome of the last pass over all frequencies.
 * `no room` where not even one frequency's worth of tapes fits the memory; `no slope` where there is nothing to
 * descend: the bound is 0, or leaves the range of the arithmetic.
 * @throws the signal's reason when it is aborted
 */
export async function refine(
  engine: Engine,
  program: Program,
  start: ReadonlyMap<Step, Float64Array>,
  options: RefineOptions,
): Promise<Refined | 'no room' | 'no slope'> {
  const search = searchPlan(program, options.memory, bytesPerNumber(engine));
  if (!search) return 'no room';
  const steps = nonlinearSteps(program);
  const layout = new Flat(steps);
  const from = (theta: Float64Array) => new Search(engine, program, search, layout, options).run(theta);
  const given = layout.flatten(start);
  // Any multipliers above the row sums are feasible.
  const found = (await from(given)) ?? (await from(given.map(() => Math.log(4 / 3))));
  if (!found) return 'no slope';
  const { outcome, theta } = await lastPass(engine, program, layout.named(found.theta), options);
  return {
    outcome,
    theta,
    status: found.status,
    evaluations: found.evaluations,
    gap: found.gap,
    over: found.over,
  };
}

/** θ of all steps in one array. */
class Flat {
  readonly #steps: readonly (NonlinearityStep | MaximumStep)[];
  readonly #sizes: readonly number[];

  constructor(steps: readonly (NonlinearityStep | MaximumStep)[]) {
    this.#steps = steps;
    this.#sizes = steps.map(parametersOf);
  }

  flatten(theta: ReadonlyMap<Step, Float64Array>): Float64Array {
    return this.join(this.#steps.map((s) => theta.get(s)!));
  }

  join(parts: Relative): Float64Array {
    const all = new Float64Array(this.#sizes.reduce((a, b) => a + b, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  split(all: Float64Array): Relative {
    let at = 0;
    return this.#sizes.map((n) => {
      at += n;
      return all.subarray(at - n, at);
    });
  }

  named(all: Float64Array): Map<Step, Float64Array> {
    const parts = this.split(all);
    return new Map<Step, Float64Array>(this.#steps.map((s, k) => [s, parts[k]!]));
  }
}

/** Counts evaluations, keeps the best, says when to stop. */
class Search {
  readonly #pass: DifferentiablePass;
  readonly #layout: Flat;
  readonly #options: RefineOptions;
  readonly #complete: boolean;
  #evaluations = 0;
  /** Milliseconds of the longest evaluation. */
  #longest = 0;
  #outOfTime = false;
  #best: { bound: number; theta: Float64Array } | undefined;
  readonly #trace: number[] = [];

  constructor(engine: Engine, program: Program, plan: SearchPlan, layout: Flat, options: RefineOptions) {
    this.#pass = new DifferentiablePass(engine, program, plan.frequencies, plan.blocks);
    this.#complete = plan.complete;
    this.#layout = layout;
    this.#options = options;
  }

  async run(start: Float64Array) {
    try {
      let theta = start;
      let ending: Ending = 'stopped';
      for (const { share, smoothing } of STAGES) {
        const until = Math.ceil(share * this.#options.evaluations);
        // Only the last stage says that the bound itself, hardly smoothed, has converged.
        ending = 'stopped';
        if (this.#evaluations > 0 && !this.#proceed(until)) continue;
        const evaluate = (x: Float64Array) => this.#evaluate(x, smoothing);
        const first = await evaluate(theta);
        if (first.value === Infinity) break;
        const found = await minimise(evaluate, first, {
          memory: MEMORY,
          largestMove: LARGEST_MOVE,
          proceed: () => this.#proceed(until),
          tolerance: this.#options.tolerance,
        });
        theta = found.best.x;
        ending = found.ending;
      }
      if (!this.#best) return undefined;
      return {
        theta: this.#best.theta,
        evaluations: this.#evaluations,
        status: this.#status(ending),
        ...this.#gain(),
      };
    } finally {
      this.#pass.close();
    }
  }

  #proceed(until: number): boolean {
    if (this.#evaluations >= until || this.#options.interrupt?.aborted) return false;
    this.#outOfTime = performance.now() + this.#longest >= this.#options.deadline;
    return !this.#outOfTime;
  }

  #status(ending: Ending): Status {
    if (this.#options.interrupt?.aborted) return 'interrupted';
    if (ending === 'converged') return 'converged';
    return this.#outOfTime ? 'time limit' : 'evaluations';
  }

  async #evaluate(x: Float64Array, smoothing: Smoothing): Promise<Point> {
    const start = performance.now();
    const { bound, objective, gradient } = await this.#pass.evaluate(
      this.#layout.split(x),
      smoothing,
      this.#options.objective,
      this.#options.signal,
    );
    this.#longest = Math.max(this.#longest, performance.now() - start);
    this.#evaluations++;
    if (bound < (this.#best?.bound ?? Infinity)) this.#best = { bound, theta: x };
    this.#trace.push(this.#best?.bound ?? Infinity);
    this.#options.onEvaluation?.({
      evaluation: this.#evaluations,
      bound: this.#best?.bound ?? Infinity,
      complete: this.#complete,
    });
    return { x, value: objective, gradient: this.#layout.join(gradient) };
  }

  /** What the last evaluations gained, from the first one on that had a bound. */
  #gain(): { gap: number; over: number } {
    const last = this.#trace.slice(-1 - PATIENCE).filter((bound) => bound < Infinity);
    return { gap: Math.expm1(last[0]! - last.at(-1)!), over: last.length - 1 };
  }
}
