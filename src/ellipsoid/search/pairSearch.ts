/**
 * Multipliers for single pairs of outputs, or single entries, from those for all of them on (docs/mathematics.md §5): few steps for each. What they are worth
 * a last pass has to say.
 */
import type { Engine } from '../../engine/engine.ts';
import { bytesPerNumber } from '../../engine/precision.ts';
import type { Program, Step } from '../../program/program.ts';
import { nonlinearSteps } from '../multipliers/relative.ts';
import { Flat } from './flat.ts';
import { allFrequencies } from './frequencies.ts';
import { DifferentiablePass, type Smoothing } from './gradient/differentiablePass.ts';
import { minimise, type Pair, type Point } from './lbfgs.ts';
import { difference, type Objective } from './objective.ts';
import { SearchPlan } from './plan.ts';
import { Taps } from './taps.ts';

/** Few steps must not end at the boundary of D ⪰ S; a barrier of more than 3e-4 costs more than it saves. */
const SMOOTHING: Smoothing = { doublings: 7, barrier: 2e-4 };
/** No multiplier changes by more than a factor e^0.5 in one step: of 0.4, 0.5, 0.6, 0.7, 1 and 2 this one left the least. */
const LARGEST_MOVE = 0.5;
/** Second derivatives are taken to be at least this part of the largest; so many times the largest where nothing is known of them. */
const LEAST_CURVATURE = 0.03;
const UNKNOWN_CURVATURE = 10;
/** Pairs of L-BFGS, at most, and the part of the memory that those of all pairs of outputs may take. */
const MEMORY = 20;
const PART = 0.1;
/** Evaluations over which gains are judged. */
const PATIENCE = 2;

/** What some steps have come to. */
export interface PairSteps {
  readonly theta: ReadonlyMap<Step, Float64Array>;
  /** By how much the last evaluations made ln L less, each. */
  readonly gain: number;
}

export interface PairSearchOptions {
  /** In bytes. */
  readonly memory: number;
  /** Pairs of outputs that there may be steps for. */
  readonly count: number;
  /** Less than this an evaluation need not gain in ln L: steps that do end. */
  readonly leastGain: number;
  readonly signal?: AbortSignal | undefined;
}

/** Where the steps of a pair go on. */
interface Course {
  readonly point: Point;
  readonly pairs: Pair[];
}

export class PairSearch {
  readonly #engine: Engine;
  readonly #program: Program;
  readonly #layout: Flat;
  readonly #taps = new Taps();
  readonly #start: Float64Array;
  readonly #blocks: number;
  readonly #options: PairSearchOptions;
  readonly #courses = new Map<string, Course>();
  #evaluations = 0;

  private constructor(
    engine: Engine,
    program: Program,
    theta: ReadonlyMap<Step, Float64Array>,
    blocks: number,
    options: PairSearchOptions,
  ) {
    this.#engine = engine;
    this.#program = program;
    this.#blocks = blocks;
    this.#options = options;
    this.#layout = new Flat(nonlinearSteps(program));
    this.#start = this.#layout.flatten(theta);
  }

  /** Undefined where the memory has no room for gradients at all frequencies. @param theta where every pair begins */
  static from(
    engine: Engine,
    program: Program,
    theta: ReadonlyMap<Step, Float64Array>,
    options: PairSearchOptions,
  ): PairSearch | undefined {
    const plan = new SearchPlan(program, options.memory, bytesPerNumber(engine));
    const blocks = plan.blocksFor(plan.counts);
    return blocks === undefined ? undefined : new PairSearch(engine, program, theta, blocks, options);
  }

  /** Gradients so far. */
  get evaluations(): number {
    return this.#evaluations;
  }

  /**
   * Steps for output i minus output j, from where its last ones ended; of the evaluations one is for where it begins. Undefined where no
   * multipliers were found that dominate.
   * @throws the signal's reason when it is aborted: what these steps have found is lost
   */
  async steps(i: number, j: number, evaluations: number): Promise<PairSteps | undefined> {
    return this.#steps(`${i},${j}`, difference(this.#program.output.channels, i, j), evaluations);
  }

  /** As `steps`, for one entry of the output. */
  async stepsOfEntry(k: number, evaluations: number): Promise<PairSteps | undefined> {
    const weights = new Float64Array(this.#program.output.channels);
    weights[k] = 1;
    return this.#steps(`${k}`, { kind: 'diagonal', weights }, evaluations);
  }

  async #steps(key: string, objective: Objective, evaluations: number): Promise<PairSteps | undefined> {
    const { memory, count, leastGain, signal } = this.#options;
    const program = this.#program;
    const options = { blocks: this.#blocks, taps: this.#taps };
    const frequencies = program.segments.map(allFrequencies);
    const pass = new DifferentiablePass(this.#engine, program, frequencies, options);
    const end = this.#evaluations + evaluations;
    const begun = this.#courses.get(key);
    let best: { readonly bound: number; readonly theta: Float64Array } | undefined;
    const values: number[] = begun ? [begun.point.value] : [];
    const evaluate = async (x: Float64Array): Promise<Point> => {
      const theta = this.#layout.split(x);
      const { bound, curvature, gradient, ...found } = await pass.evaluate(
        theta,
        SMOOTHING,
        objective,
        signal,
      );
      this.#evaluations++;
      if (bound < (best?.bound ?? Infinity)) best = { bound, theta: x };
      values.push(Math.min(found.objective, values.at(-1) ?? Infinity));
      return {
        ...{ x, value: found.objective, gradient: this.#layout.join(gradient) },
        curvature: positive(this.#layout.join(curvature)),
      };
    };
    try {
      const point = begun?.point ?? (await evaluate(this.#start));
      if (!(point.value < Infinity)) return undefined;
      const pairs = begun?.pairs ?? [];
      const found = await minimise(evaluate, point, {
        ...{ memory: MEMORY, largestMove: LARGEST_MOVE, pairs },
        ...{ patience: PATIENCE, tolerance: PATIENCE * leastGain },
        proceed: () => this.#evaluations < end,
      });
      // Two vectors of float64 each.
      const kept = Math.floor((PART * memory) / (16 * point.x.length * count));
      pairs.splice(0, Math.max(0, pairs.length - kept));
      this.#courses.set(key, { point: found.best, pairs });
      const over = Math.min(PATIENCE, values.length - 1);
      const gain = over === 0 ? 0 : (values.at(-1 - over)! - values.at(-1)!) / over;
      return best && { theta: this.#layout.named(best.theta), gain };
    } finally {
      pass.close();
    }
  }
}

/** Second derivatives that a step may be divided by. */
function positive(curvature: Float64Array): Float64Array {
  const largest = curvature.reduce((most, c) => (c < Infinity ? Math.max(most, c) : most), 0) || 1;
  return curvature.map((c) =>
    c < Infinity ? Math.max(LEAST_CURVATURE * largest, c) : UNKNOWN_CURVATURE * largest,
  );
}
