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
import { Flat } from './flat.ts';
import { lastPass } from './lastPass.ts';
import type { Objective } from './objective.ts';
import { SearchPlan } from './plan.ts';
import type { Found, Setting } from './setting.ts';
import { thetaOf } from './start.ts';
import { Taps } from './taps.ts';
import { type Status, Watch, type WatchOptions } from './watch.ts';
import { wholeSearch } from './wholeSearch.ts';

export type { Status } from './watch.ts';

export interface RefineOptions extends WatchOptions {
  /** Memory budget in bytes. */
  readonly memory: number;
  /** Ends when ten steps gain less than this in ln L. */
  readonly tolerance: number;
  readonly objective: Objective;
  /** Whether the start is near what will be found, as that of another checkpoint is. */
  readonly near?: boolean;
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
  /** Whether the search has seen few frequencies only. */
  readonly few: boolean;
}

/** Where a search starts: the multipliers of a run of `sweep`, or θ alone. */
export type Start =
  | { readonly layers: readonly LayerMultipliers[] }
  | { readonly theta: ReadonlyMap<Step, Float64Array> };

/**
 * Searches from `start` and returns the outcome of the last pass over all frequencies.
 * `no room` where not even one frequency's worth of tapes fits the memory; `no slope` where there is nothing to
 * descend: the bound is 0, or leaves the range of the arithmetic; `interrupted` where that came before anything was found.
 * @throws the signal's reason when it is aborted
 */
export async function refine(
  engine: Engine,
  program: Program,
  start: Start,
  options: RefineOptions,
): Promise<Refined | 'no room' | 'no slope' | 'interrupted'> {
  const plan = new SearchPlan(program, options.memory, bytesPerNumber(engine));
  if (!plan.hasRoom) return 'no room';
  const layout = new Flat(nonlinearSteps(program));
  const watch = new Watch(options);
  const { objective, signal, interrupt } = options;
  const stop = signal && interrupt ? AbortSignal.any([signal, interrupt]) : (signal ?? interrupt);
  const setting = { engine, program, layout, taps: new Taps(), objective, signal: stop };
  const onActive = await onFew(setting, start, plan, watch, options);
  let found = onActive;
  // Who interrupts before anything was found does not wait for a gradient at all frequencies.
  if (!found && !watch.interrupted) found = await onAll(setting, start, plan, watch, options);
  if (!found) return watch.interrupted ? 'interrupted' : 'no slope';
  const { outcome, theta } = await lastPass(engine, program, layout.named(layout.join(found.theta)), options);
  return {
    ...{ outcome, theta, partial: found.partial, few: onActive !== undefined },
    status: watch.status(found.ending),
    evaluations: watch.evaluations,
    ...watch.gain,
  };
}

/** A search on active frequencies, where there are any to choose from; undefined where it does not pay, or finds nothing. */
async function onFew(
  setting: Setting,
  start: Start,
  plan: SearchPlan,
  watch: Watch,
  options: RefineOptions,
): Promise<Found | undefined> {
  const { engine, program } = setting;
  if (program.segments.every(({ axes }) => axes === 0)) return undefined;
  const layers = 'layers' in start ? start.layers : await layersOf(setting, start.theta, options);
  const held = await heldFrom(engine, program, layers);
  return new ActiveSearch(setting, plan, watch, options).run(held);
}

/** A search on all frequencies, if there is room for them; undefined where it finds nothing. */
async function onAll(
  setting: Setting,
  start: Start,
  plan: SearchPlan,
  watch: Watch,
  options: RefineOptions,
): Promise<Found | undefined> {
  const blocks = plan.blocksFor(plan.counts);
  if (blocks === undefined) return undefined;
  const from = (theta: Float64Array) => wholeSearch(setting, blocks, watch, options, theta);
  const given = setting.layout.flatten('theta' in start ? start.theta : thetaOf(start.layers));
  // Any multipliers above the row sums are feasible.
  const far = () =>
    wholeSearch(
      setting,
      blocks,
      watch,
      { ...options, near: false },
      given.map(() => Math.log(4 / 3)),
    );
  return (await from(given)) ?? (await far());
}

/** The multipliers that θ stands for. */
async function layersOf(
  { engine, program, signal }: Setting,
  theta: ReadonlyMap<Step, Float64Array>,
  { memory }: RefineOptions,
): Promise<readonly LayerMultipliers[]> {
  const runs = [{ name: 'refined', theta } as const];
  const [outcome] = await sweep(engine, program, { runs, memory, skips: new Map(), signal });
  return outcome!.layers;
}
