/**
 * Multipliers by first-order search (docs/mathematics.md §5): from a closed form to what an interior-point solver would find, in some fifty
 * gradients. The search may see only some frequencies and a smoothed bound; what counts is the last pass, which sees all
 * of them and scales multipliers up where they do not dominate.
 */

import type { Engine } from '../../engine/engine.ts';
import { bytesPerNumber } from '../../engine/precision.ts';
import type { Program, Step } from '../../program/program.ts';
import { nonlinearSteps } from '../multipliers/relative.ts';
import type { Rounding } from '../rounding/rounding.ts';
import { type LayerMultipliers, type Outcome, sweep } from '../sweep/sweep.ts';
import { ActiveSearch } from './active/activeSearch.ts';
import { heldFrom } from './active/held.ts';
import { DifferentiablePass, type Smoothing } from './differentiablePass.ts';
import { Flat } from './flat.ts';
import { allFrequencies } from './frequencies.ts';
import { lastPass } from './lastPass.ts';
import { type Ending, minimise, type Point } from './lbfgs.ts';
import type { Objective } from './objective.ts';
import { SearchPlan } from './plan.ts';
import { thetaOf } from './start.ts';
import { Taps } from './taps.ts';
import { type Status, Watch, type WatchOptions } from './watch.ts';

export type { Status } from './watch.ts';

export interface RefineOptions extends WatchOptions {
  /** Memory budget in bytes. */
  readonly memory: number;
  /** Ends when ten steps gain less than this in ln L. */
  readonly tolerance: number;
  readonly objective: Objective;
  /** Estimated seconds beyond which a search on few frequencies leaves the last thousandths of the bound where they are. */
  readonly polish: number;
  /** Bounds the rounding of the last pass; the search itself needs no proof. */
  readonly rounding?: Rounding | undefined;
}

export interface Refined {
  readonly outcome: Outcome;
  readonly theta: ReadonlyMap<Step, Float64Array>;
  readonly status: Status;
  readonly evaluations: number;
  /** What the last evaluations gained, as a fraction of L, and how many they are: ten, or all but the first. */
  readonly gap: number;
  readonly over: number;
  /** Whether frequencies were left out for want of memory. */
  readonly partial: boolean;
}

/** Shares of the evaluations, and how each is smoothed (docs/mathematics.md §5; the weights of the barrier were measured). */
const STAGES: readonly { readonly share: number; readonly smoothing: Smoothing }[] = [
  { share: 0.4, smoothing: { doublings: 5, barrier: 1e-4 } },
  { share: 0.75, smoothing: { doublings: 7, barrier: 1e-6 } },
  { share: 1, smoothing: { doublings: 9, barrier: 1e-8 } },
];

const MEMORY = 20;
/** No multiplier changes by more than a factor e in one step. */
const LARGEST_MOVE = 1;

/** Where a search starts: the multipliers of a run of `sweep`, or θ alone. */
export type Start =
  | { readonly layers: readonly LayerMultipliers[] }
  | { readonly theta: ReadonlyMap<Step, Float64Array> };

/**
 * Searches from `start` and returns the outcome of the last pass over all frequencies.
 * `no room` where not even one frequency's worth of tapes fits the memory; `no slope` where there is nothing to
 * descend: the bound is 0, or leaves the range of the arithmetic.
 * @throws the signal's reason when it is aborted
 */
export async function refine(
  engine: Engine,
  program: Program,
  start: Start,
  options: RefineOptions,
): Promise<Refined | 'no room' | 'no slope'> {
  const plan = new SearchPlan(program, options.memory, bytesPerNumber(engine));
  if (plan.blocksFor(plan.counts.map(() => 1)) === undefined) return 'no room';
  const layout = new Flat(nonlinearSteps(program));
  const watch = new Watch(options);
  const found =
    (await onFew(engine, program, start, plan, layout, watch, options)) ??
    (await onAll(engine, program, start, plan, layout, watch, options));
  if (!found) return 'no slope';
  const { outcome, theta } = await lastPass(engine, program, layout.named(found.theta), options);
  return {
    ...{ outcome, theta, partial: found.partial },
    status: watch.status(found.ending),
    evaluations: watch.evaluations,
    ...watch.gain,
  };
}

interface Found {
  readonly theta: Float64Array;
  readonly ending: Ending;
  readonly partial: boolean;
}

/** A search on active frequencies, where there are any to choose from; undefined where it does not pay, or finds nothing. */
async function onFew(
  engine: Engine,
  program: Program,
  start: Start,
  plan: SearchPlan,
  layout: Flat,
  watch: Watch,
  options: RefineOptions,
): Promise<Found | undefined> {
  if (program.segments.every(({ axes }) => axes === 0)) return undefined;
  const { signal, interrupt, objective, polish } = options;
  const stop = signal && interrupt ? AbortSignal.any([signal, interrupt]) : (signal ?? interrupt);
  const setting = { engine, program, layout, taps: new Taps(), objective, signal: stop };
  const layers = 'layers' in start ? start.layers : await layersOf(engine, program, start.theta, options);
  const held = await heldFrom(engine, program, layers);
  const found = await new ActiveSearch(setting, plan, watch, polish).run(held);
  return found && { ...found, theta: layout.join(found.theta) };
}

/** A search on all frequencies, if there is room for them; undefined where it finds nothing. */
async function onAll(
  engine: Engine,
  program: Program,
  start: Start,
  plan: SearchPlan,
  layout: Flat,
  watch: Watch,
  options: RefineOptions,
): Promise<Found | undefined> {
  const blocks = plan.blocksFor(plan.counts);
  if (blocks === undefined) return undefined;
  const from = (theta: Float64Array) =>
    new Search(engine, program, blocks, layout, watch, options).run(theta);
  const given = layout.flatten('theta' in start ? start.theta : thetaOf(start.layers));
  // Any multipliers above the row sums are feasible.
  return (await from(given)) ?? (await from(given.map(() => Math.log(4 / 3))));
}

/** The multipliers that θ stands for. */
async function layersOf(
  engine: Engine,
  program: Program,
  theta: ReadonlyMap<Step, Float64Array>,
  { memory, signal }: RefineOptions,
): Promise<readonly LayerMultipliers[]> {
  const runs = [{ name: 'refined', theta } as const];
  const [outcome] = await sweep(engine, program, { runs, memory, skips: new Map(), signal });
  return outcome!.layers;
}

/** Sees all frequencies, and keeps the best. */
class Search {
  readonly #pass: DifferentiablePass;
  readonly #layout: Flat;
  readonly #watch: Watch;
  readonly #options: RefineOptions;
  /** Milliseconds of the longest evaluation. */
  #longest = 0;
  #best: { bound: number; theta: Float64Array } | undefined;

  constructor(
    engine: Engine,
    program: Program,
    blocks: number,
    layout: Flat,
    watch: Watch,
    options: RefineOptions,
  ) {
    this.#pass = new DifferentiablePass(engine, program, program.segments.map(allFrequencies), { blocks });
    this.#layout = layout;
    this.#watch = watch;
    this.#options = options;
  }

  async run(start: Float64Array) {
    try {
      let theta = start;
      let ending: Ending = 'stopped';
      for (const { share, smoothing } of STAGES) {
        const until = Math.ceil(share * this.#options.evaluations);
        const proceed = () => this.#watch.proceed(this.#longest, until);
        // Only the last stage says that the bound itself, hardly smoothed, has converged.
        ending = 'stopped';
        if (this.#watch.evaluations > 0 && !proceed()) continue;
        const evaluate = (x: Float64Array) => this.#evaluate(x, smoothing);
        const first = await evaluate(theta);
        if (first.value === Infinity) break;
        const found = await minimise(evaluate, first, {
          memory: MEMORY,
          largestMove: LARGEST_MOVE,
          proceed,
          tolerance: this.#options.tolerance,
        });
        theta = found.best.x;
        ending = found.ending;
      }
      return this.#best && { theta: this.#best.theta, ending, partial: false };
    } finally {
      this.#pass.close();
    }
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
    if (bound < (this.#best?.bound ?? Infinity)) this.#best = { bound, theta: x };
    const best = this.#best?.bound ?? Infinity;
    this.#watch.evaluated(best, { bound: best, complete: true, work: 1 });
    return { x, value: objective, gradient: this.#layout.join(gradient) };
  }
}
