/**
 * Multipliers by first-order search (docs/mathematics.md §5): from a closed form to what an interior-point solver would find, in some fifty
 * gradients. The search may see only some frequencies and a smoothed bound; what counts is the last pass, which sees all
 * of them and scales multipliers up where they do not dominate.
 */
import { bytesPerNumber } from '../../engine/bytesPerNumber.ts';
import type { Engine } from '../../engine/engine.ts';
import {
  gridSides,
  type MaximumStep,
  type NonlinearityStep,
  type Program,
  type Step,
} from '../../program/program.ts';
import { halfCount } from '../../spectrum/frequencies.ts';
import { type Chunk, NO_FREQUENCIES, passBytes, spread } from '../memory/chunks.ts';
import { poolParameters } from '../multipliers/pool.ts';
import type { Rounding } from '../rounding/rounding.ts';
import { type LayerMultipliers, type Outcome, sweep } from '../sweep/sweep.ts';
import { type Ending, minimise, type Point } from './lbfgs.ts';
import type { Objective } from './objective.ts';
import { DifferentiablePass, nonlinearSteps, parametersOf, type Relative, type Smoothing } from './pass.ts';

export interface RefineOptions {
  /** Memory budget in bytes. */
  readonly memory: number;
  /** Gradient evaluations at most. */
  readonly evaluations: number;
  /** Ends when ten steps gain less than this in ln L. */
  readonly tolerance: number;
  /** Milliseconds on `performance.now()` after which no evaluation starts. */
  readonly deadline: number;
  readonly objective: Objective;
  /** Bounds the rounding of the last pass; the search itself needs no proof. */
  readonly rounding?: Rounding | undefined;
  /** Ends the search; the best so far is still brought home. */
  readonly interrupt?: AbortSignal | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvaluation?: (evaluation: TracePoint) => void;
}

export interface TracePoint {
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

/** Where the search starts: the multipliers of a run of `sweep`. */
export function thetaOf(layers: readonly LayerMultipliers[]): Map<Step, Float64Array> {
  return new Map<Step, Float64Array>(layers.map((l) => [l.step, startOf(l)]));
}

function startOf({ step, relative }: LayerMultipliers): Float64Array {
  const logarithm = (x: number, otherwise: number) => (x > 0 && x < Infinity ? Math.log(x) : otherwise);
  if (step.kind === 'nonlinearity') return relative.map((x) => logarithm(x, Math.log(4 / 3)));
  const free = poolParameters(step) - (step.kept.length > 0 ? 1 : 0);
  const largest = relative.reduce((m, x) => Math.max(m, x), 0);
  const start = new Float64Array(poolParameters(step)).fill(Math.log(0.3));
  for (let k = 0; k < free; k++) start[k] = Math.max(-20, logarithm(relative[k]! / largest, 0));
  return start;
}

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
  #best: { bound: number; theta: Float64Array } | undefined;
  readonly #trace: number[] = [];

  constructor(engine: Engine, program: Program, plan: SearchPlan, layout: Flat, options: RefineOptions) {
    this.#pass = new DifferentiablePass(engine, program, plan.chunks, plan.blocks);
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
    return (
      this.#evaluations < until &&
      performance.now() < this.#options.deadline &&
      this.#options.interrupt?.aborted !== true
    );
  }

  #status(ending: Ending): Status {
    if (this.#options.interrupt?.aborted) return 'interrupted';
    if (ending === 'converged') return 'converged';
    return performance.now() >= this.#options.deadline ? 'time limit' : 'evaluations';
  }

  async #evaluate(x: Float64Array, smoothing: Smoothing): Promise<Point> {
    const { bound, objective, gradient } = await this.#pass.evaluate(
      this.#layout.split(x),
      smoothing,
      this.#options.objective,
      this.#options.signal,
    );
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

  /** From the first evaluation on that had a bound. */
  #gain(): { gap: number; over: number } {
    const last = this.#trace.slice(-1 - PATIENCE).filter((bound) => bound < Infinity);
    return { gap: Math.expm1(last[0]! - last.at(-1)!), over: last.length - 1 };
  }
}

/** Factors by which multipliers that do not dominate at some frequency are scaled up, one after the other. */
const REPAIRS = [1, 1 + 1e-6, 1 + 1e-4, 1.01, 1.03, 1.1, 1.3, 2];

/** The bound that multipliers give, scaled up by as little as makes them dominate at every frequency. */
export async function lastPass(
  engine: Engine,
  program: Program,
  theta: ReadonlyMap<Step, Float64Array>,
  options: Pick<RefineOptions, 'memory' | 'rounding' | 'signal'>,
) {
  let last: { outcome: Outcome; theta: Map<Step, Float64Array> } | undefined;
  for (const factor of REPAIRS) {
    const raised = new Map([...theta].map(([step, t]) => [step, raise(step, t, Math.log(factor))] as const));
    const [outcome] = await sweep(engine, program, {
      runs: [{ name: 'refined', theta: raised }],
      memory: options.memory,
      skips: new Map(),
      rounding: options.rounding,
      signal: options.signal,
    });
    last = { outcome: outcome!, theta: raised };
    if (!Number.isNaN(outcome!.squared.mantissa)) break;
  }
  return last!;
}

/** At a pooling D is on the boundary whatever θ is. */
function raise(step: Step, theta: Float64Array, by: number): Float64Array {
  return step.kind === 'nonlinearity' ? theta.map((t) => t + by) : theta;
}

interface SearchPlan {
  readonly chunks: readonly Chunk[];
  /** True where all frequencies are there. */
  readonly complete: boolean;
  /** Blocks of steps between which the pass keeps states alone. */
  readonly blocks: number;
}

/**
 * How a search fits the memory: with all tapes; else with tapes for one block of steps at a time; else with only as many evenly
 * spread frequencies as there is room for. Undefined where there is no room for one.
 */
function searchPlan(program: Program, memory: number, numberBytes: number): SearchPlan | undefined {
  const parts = program.segments.map((segment) => ({
    segment,
    bytes: passBytes(segment, numberBytes),
    count: segment.axes === 0 ? 0 : halfCount(gridSides(segment, segment.steps.length)),
  }));
  const steps = program.segments.reduce((sum, s) => sum + s.steps.length, 0);
  // What vectors need does not shrink with the frequencies.
  const need = (blocks: number, vectors: boolean) => {
    const chosen = parts.filter((p) => (p.count === 0) === vectors);
    const times = (p: (typeof parts)[number]) => Math.max(1, p.count);
    const state = Math.max(0, ...chosen.map((p) => times(p) * p.bytes.state));
    const working = Math.max(0, ...chosen.map((p) => times(p) * p.bytes.working));
    const kept = chosen.reduce((sum, p) => sum + times(p) * (p.bytes.symbols + p.bytes.tapes / blocks), 0);
    return kept + working + (blocks > 1 ? blocks * state : 0);
  };
  const cuts = [1, 2, 4, 8, 16, 32].filter((b) => b === 1 || b <= steps / 2);
  const whole = cuts.find((b) => need(b, true) + need(b, false) <= memory);
  const blocks =
    whole ??
    cuts.reduce((best, b) =>
      need(b, true) + need(b, false) < need(best, true) + need(best, false) ? b : best,
    );
  const room = memory - need(blocks, true);
  if (!(room > 0)) return undefined;
  const share = whole === undefined ? Math.min(1, room / need(blocks, false)) : 1;
  const counts = parts.map((p) => (share === 1 ? p.count : Math.floor(share * p.count)));
  if (parts.some((p, i) => p.count > 0 && counts[i] === 0)) return undefined;
  return {
    chunks: parts.map(({ segment }, i) =>
      segment.axes === 0
        ? { frequencies: segment.grids.map(() => NO_FREQUENCIES) }
        : spread(segment, counts[i]!),
    ),
    complete: share === 1,
    blocks,
  };
}
