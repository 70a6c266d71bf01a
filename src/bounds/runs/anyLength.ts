/** Bounds for signals of any length: on ever more frequencies, until the gaps between them add next to nothing. */

import { atFrequencies, interpolated } from '../../ellipsoid/anyLength/plan.ts';
import { type StepNorms, stepNorms } from '../../ellipsoid/anyLength/taps.ts';
import { programCost } from '../../ellipsoid/memory/cost.ts';
import { hasSkips } from '../../ellipsoid/multipliers/skips.ts';
import type { Norms } from '../../ellipsoid/norms/gains.ts';
import { normsOf } from '../../ellipsoid/norms/norms.ts';
import { lastPass } from '../../ellipsoid/search/lastPass.ts';
import type { Outcome } from '../../ellipsoid/sweep/sweep.ts';
import type { Program, Step } from '../../program/program.ts';
import { over, type Scaled, toNumber } from '../../scaled.ts';
import { DEFAULTS } from '../defaults.ts';
import type { AnyLengthPath } from '../paths/path.ts';
import { runCount } from '../paths/runCount.ts';
import type { LengthReport } from '../result.ts';
import type { BoundTask } from '../task.ts';
import { closedForms } from './closedForm.ts';
import { rowValue } from './rows.ts';

/** Frequencies per axis, by the number of axes: the first and the most. */
const PLANS = [
  { first: 64, most: 2 ** 16 },
  { first: 16, most: 512 },
  { first: 8, most: 64 },
] as const;
/** The search needs no more to know where it goes. */
const SEARCHED = [256, 32, 16] as const;
/** Frequencies do not grow faster than this from one pass to the next. */
const LARGEST_JUMP = 16;

/** Outcomes of one pass, and what the gaps between its frequencies have added to the least of them. */
export interface LengthStage {
  readonly program: Program;
  readonly outcomes: readonly Outcome[];
  readonly report: LengthReport;
}

export class AnyLength {
  readonly #task: BoundTask;
  readonly #path: AnyLengthPath;
  #norms: ReadonlyMap<Step, StepNorms> | undefined;

  constructor(task: BoundTask, path: AnyLengthPath) {
    this.#task = task;
    this.#path = path;
  }

  /** The closed forms that are asked for, with as many frequencies as they need. */
  async closedForms(): Promise<LengthStage> {
    const { engine, query, ledger } = this.#task;
    const { rules } = query;
    return this.#adapted(runCount(rules), async (program) =>
      closedForms(engine, program, await this.#mapNorms(program), rules, {
        ...this.#passOptions,
        ledger,
        method: 'closed-form',
      }),
    );
  }

  /** Multipliers that a search has found on `searched`, with as many frequencies as they need. */
  async refined(theta: ReadonlyMap<Step, Float64Array>): Promise<LengthStage> {
    return this.#adapted(1, async (program) => {
      const { outcome } = await lastPass(this.#task.engine, program, theta, this.#passOptions);
      return [outcome];
    });
  }

  /** What a search works on: frequencies alone, no more than `stage` has. */
  async searched({ report }: LengthStage): Promise<Program> {
    return atFrequencies(await this.#at(Math.min(report.frequencies, SEARCHED[this.#path.axes - 1]!)));
  }

  get #passOptions() {
    const { room, rounding, stop } = this.#task;
    return { memory: room.bytes, rounding, signal: stop };
  }

  async #at(frequencies: number): Promise<Program> {
    const { program, samples } = this.#path;
    this.#norms ??= await stepNorms(this.#task.engine, program, this.#task.rounding);
    return interpolated(program, this.#norms, frequencies, samples);
  }

  /** Norms of maps, which rules want to know about where something is skipped; at no more than some frequencies. */
  async #mapNorms(program: Program): Promise<Norms | undefined> {
    if (!hasSkips(program)) return undefined;
    const { engine, room, stop } = this.#task;
    const few = await this.#at(PLANS[this.#path.axes - 1]!.first);
    return normsOf(engine, few, { memory: room.bytes, about: true, signal: stop });
  }

  /** What has been reached is a bound too when the time is over, or somebody interrupts. */
  async #adapted(runs: number, sweep: (program: Program) => Promise<Outcome[]>): Promise<LengthStage> {
    let reached: LengthStage | undefined;
    try {
      for await (const stage of this.#stages(runs, sweep)) reached = stage;
    } catch (error) {
      const { deadline, interrupt, signal } = this.#task;
      if (!reached || signal?.aborted || !(deadline.over || interrupt?.aborted)) throw error;
    }
    return reached!;
  }

  /** At ever more frequencies. */
  async *#stages(runs: number, sweep: (program: Program) => Promise<Outcome[]>): AsyncGenerator<LengthStage> {
    const { axes, exists } = this.#path;
    const { first, most } = PLANS[axes - 1]!;
    const { ledger, query } = this.#task;
    const { smallestLength } = query;
    const tolerance = query.cellTolerance ?? DEFAULTS.cellTolerance[axes - 1]!;
    for (let frequencies: number = first; ; ) {
      const program = await this.#at(frequencies);
      const work = programCost(program) * runs;
      ledger.announce(work);
      ledger.add(
        'any length',
        `${frequencies ** axes} frequencies, about ${(work / 1e9).toPrecision(2)} Gflop`,
        0,
      );
      const outcomes = await sweep(program);
      const bare = await sweep(atFrequencies(program));
      const added = excess(this.#least(program, outcomes), this.#least(program, bare));
      const report: LengthReport = {
        ...{ lengths: 'any', frequencies, tolerance, added: Number.isFinite(added) ? added : null },
        ...(smallestLength === undefined ? {} : { smallest: smallestLength }),
        ...(exists === undefined ? {} : { exists }),
      };
      yield { program, outcomes, report };
      if (added <= tolerance || frequencies >= most) return;
      // What the gaps add falls with the square of their width.
      const wanted = Math.sqrt(Math.log1p(added) / Math.log1p(tolerance));
      const jump = Number.isFinite(wanted) ? 2 ** Math.ceil(Math.log2(wanted)) : LARGEST_JUMP;
      frequencies = Math.min(most, frequencies * Math.min(LARGEST_JUMP, Math.max(2, jump)));
    }
  }

  #least(program: Program, outcomes: readonly Outcome[]): Scaled[] {
    return outcomes.map((outcome) => rowValue(program, outcome, this.#task.query.pair));
  }
}

/** By how much the least of some bounds lies above the same bound without gaps, as a fraction. Infinite where there is none. */
function excess(bounds: readonly Scaled[], bare: readonly Scaled[]): number {
  const ratios = bounds.map((b, i) => (b.mantissa === 0 ? 1 : toNumber(over(b, bare[i]!))));
  const best = bounds.reduce(
    (least, b, i) => (!Number.isNaN(b.mantissa) && (least < 0 || lessThan(b, bounds[least]!)) ? i : least),
    -1,
  );
  const ratio = best < 0 ? null : ratios[best];
  return ratio === null || ratio === undefined || !(ratio >= 0) ? Infinity : Math.max(0, ratio - 1);
}

function lessThan(a: Scaled, b: Scaled): boolean {
  const ratio = toNumber(over(a, b));
  return ratio !== null && ratio < 1;
}
