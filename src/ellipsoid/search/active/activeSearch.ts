/**
 * A search that sees few frequencies (docs/mathematics.md §5): those at which something is near its maximum, found by passes over all of
 * them with the multipliers held. At the optimum a handful carries the bound.
 *
 * Between two such passes it goes downhill on the active frequencies, from the last multipliers; where these did not dominate everywhere,
 * from between them and the best that did. What it gives is the best of those that a pass over all frequencies has seen.
 */
import type { Program, Segment } from '../../../program/program.ts';
import type { Frequencies } from '../../../spectrum/frequencies.ts';
import { stepCost } from '../../memory/cost.ts';
import { secondsOfGradient } from '../../memory/seconds.ts';
import { allFrequencies, chosenFrequencies, coarsest, inPieces } from '../frequencies.ts';
import type { Smoothing } from '../gradient/differentiablePass.ts';
import type { Ending, Pair } from '../lbfgs.ts';
import type { SearchPlan } from '../plan.ts';
import type { Found, Setting } from '../setting.ts';
import type { Watch } from '../watch.ts';
import { ActiveSet } from './activeSet.ts';
import { type Descent, descend } from './descent.ts';
import { type FixedOutcome, FixedPass } from './fixedPass.ts';
import { between, type Held } from './held.ts';

/** How a round smooths the bound, how many gradients it takes at most, and how many of its steps have to gain what. */
interface Stage {
  readonly smoothing: Smoothing;
  readonly gradients: number;
  readonly patience: number;
  readonly tolerance: number;
}

/** Two that are coarse. What is left to gain after them is some thousandths. */
const COARSE: readonly Stage[] = [
  { smoothing: { doublings: 7, barrier: 1e-6 }, gradients: 10, patience: 5, tolerance: 4e-3 },
  { smoothing: { doublings: 9, barrier: 1e-8 }, gradients: 10, patience: 5, tolerance: 4e-3 },
];
/** And one that is as fine as it is asked to be: gains are judged over half as many steps as those of a search on all frequencies, since a
 *  round begins anew, and each costs a fraction. */
const FINE: Stage = { smoothing: { doublings: 9, barrier: 1e-8 }, gradients: 30, patience: 5, tolerance: 10 };

export interface ActiveOptions {
  /** Ten times as much is what five steps have to gain in the end, in ln L. */
  readonly tolerance: number;
  /** Estimated seconds beyond which the last thousandths of the bound are left where they are. */
  readonly polish: number;
  /** The start is near the end: coarse stages would lead away from there first. */
  readonly near?: boolean;
}

/** A stage is done when the bound at all frequencies is that at the active ones but for this, as a logarithm. */
const AGREED = 2e-3;
/** After multipliers that did not dominate everywhere, how far from the last that did towards them the next round may start. */
const RETREATS = [1, 0.7, 0.4, 0];
/** A pass without a gradient costs about this much of one with it. */
const PASS = 0.5;
/** Seeing some frequencies pays where they take no more than this part of the work of all. */
const MOST_WORK = 1 / 3;

export class ActiveSearch {
  readonly #setting: Setting;
  readonly #plan: SearchPlan;
  readonly #watch: Watch;
  readonly #stages: readonly Stage[];
  /** Work beyond which the last stage ends. */
  readonly #polish: number;
  readonly #all: FixedPass;
  readonly #tori: readonly { readonly all: Frequencies; readonly set: ActiveSet; readonly segment: number }[];
  /** Of every segment, its part of the work of a gradient. */
  readonly #parts: readonly number[];
  /** Milliseconds of the last pass over all frequencies. */
  #passTime = 0;
  /** In gradients at all frequencies. */
  #work = 0;

  constructor(
    setting: Setting,
    plan: SearchPlan,
    watch: Watch,
    { tolerance, polish, near = false }: ActiveOptions,
  ) {
    const { engine, program, objective, taps } = setting;
    const { segments } = program;
    this.#setting = setting;
    this.#plan = plan;
    this.#watch = watch;
    this.#stages = [...(near ? [] : COARSE), { ...FINE, tolerance: FINE.tolerance * tolerance }];
    this.#polish = polish / secondsOfGradient(program);
    const pieces = segments.map((segment, i) => inPieces(segment, plan.pieces[i]!));
    this.#all = new FixedPass(engine, program, pieces, objective, taps, plan.keptSymbols > 0);
    this.#parts = partsOf(program);
    this.#tori = segments.flatMap((segment, i) => {
      if (segment.axes === 0) return [];
      const all = coarsest(segment);
      return [{ all, set: new ActiveSet(all, (size) => this.#fits(i, size)), segment: i }];
    });
  }

  /** Undefined where it has found nothing, or would not pay. @param start multipliers that dominate everywhere */
  async run(start: readonly Held[]): Promise<Found | undefined> {
    try {
      return await this.#rounds(start);
    } catch (error) {
      // Before anything was found.
      if (this.#watch.interrupted && !this.#watch.cancelled) return undefined;
      throw error;
    } finally {
      this.#all.close();
    }
  }

  async #rounds(start: readonly Held[]): Promise<Found | undefined> {
    let last = await this.#over(start);
    if (!(last.bound < Infinity)) return undefined;
    for (const { set, segment } of this.#tori) set.begin(last.seen[segment]!);
    const whole = this.#plan.blocksFor(this.#plan.counts) !== undefined;
    if (whole && this.#share > MOST_WORK) return undefined;
    let good = last;
    let finite = last;
    let stage = 0;
    let ending: Ending = 'stopped';
    const pairs: Pair[] = [];
    for (let round = 0; this.#watch.proceed(2 * this.#passTime); round++) {
      if (stage === this.#stages.length - 1 && this.#work > this.#polish) break;
      let found: Descent | undefined;
      try {
        found = await this.#round(good, last, finite, this.#stages[stage]!, pairs);
        if (!found) {
          // Nothing to descend, or nothing that can be: a search on all frequencies may know better.
          if (round === 0) return undefined;
          break;
        }
        last = await this.#over(found.held);
      } catch (error) {
        // Whoever interrupts wants what there is.
        if (!this.#watch.interrupted || this.#watch.cancelled) throw error;
        break;
      }
      if (last.bound < Infinity) finite = last;
      if (last.bound < good.bound) {
        good = last;
        this.#watch.found(good.theta);
      }
      this.#watch.improved(good.bound);
      this.#watch.shown({ bound: good.bound, complete: true, work: PASS });
      this.#grow(last);
      if (found.ending !== 'converged' || !(last.bound <= found.bound + AGREED)) continue;
      stage++;
      if (stage < this.#stages.length) continue;
      ending = 'converged';
      break;
    }
    return { theta: good.theta, ending, partial: this.#tori.some(({ set }) => set.full) };
  }

  async #over(held: readonly Held[]): Promise<FixedOutcome> {
    const start = performance.now();
    const outcome = await this.#all.run(held, { signal: this.#setting.signal });
    this.#passTime = performance.now() - start;
    this.#work += PASS;
    return outcome;
  }

  #round(
    good: FixedOutcome,
    last: FixedOutcome,
    finite: FixedOutcome,
    { gradients, ...stage }: Stage,
    pairs: Pair[],
  ): Promise<Descent | undefined> {
    const frequencies = this.#setting.program.segments.map((segment, i) => {
      const torus = this.#tori.find((t) => t.segment === i);
      return torus ? chosenFrequencies(segment, torus.all, torus.set.chosen) : allFrequencies(segment);
    });
    const share = this.#share;
    const retreats = last.bound < Infinity ? [1] : RETREATS;
    this.#work += PASS * share * retreats.length;
    return descend(this.#setting, {
      ...{ frequencies, finite, pairs, ...stage },
      blocks: this.#plan.blocksFor(this.#sizes, this.#plan.keptSymbols) ?? 1,
      keep: this.#plan.keptSymbols > 0,
      candidates: retreats.map((lambda) => between(good.held, last.held, lambda)),
      proceed: (longest, count) => count < gradients && this.#watch.proceed(longest + this.#passTime),
      onEvaluation: (bound) => {
        this.#work += share;
        this.#watch.evaluated(good.bound, { bound, complete: false, work: share });
      },
    });
  }

  #grow(outcome: FixedOutcome): void {
    for (const { set, segment } of this.#tori) set.grow(outcome.seen[segment]!);
  }

  get #sizes(): number[] {
    return this.#plan.counts.map((count, i) => this.#tori.find((t) => t.segment === i)?.set.size ?? count);
  }

  /** Whether tapes of so many frequencies of a segment have room beside those of the others. */
  #fits(segment: number, size: number): boolean {
    const sizes = this.#sizes.map((own, i) => (i === segment ? size : Math.max(1, own)));
    return this.#plan.blocksFor(sizes, this.#plan.keptSymbols) !== undefined;
  }

  /** The work of a gradient at the active frequencies, of one at all. */
  get #share(): number {
    const { counts } = this.#plan;
    return this.#sizes.reduce((sum, size, i) => sum + (this.#parts[i]! * size) / counts[i]!, 0);
  }
}

function partsOf({ segments }: Program): number[] {
  const costOf = (segment: Segment) => segment.steps.reduce((sum, _, k) => sum + stepCost(segment, k), 0);
  const costs = segments.map(costOf);
  const all = costs.reduce((a, b) => a + b, 0);
  return costs.map((cost) => cost / all);
}
