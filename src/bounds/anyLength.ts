/** Bounds for signals of any length: on ever more frequencies, until the gaps between them add next to nothing. */

import { atFrequencies, interpolated } from '../ellipsoid/anyLength/plan.ts';
import { type StepNorms, stepNorms } from '../ellipsoid/anyLength/taps.ts';
import { programCost } from '../ellipsoid/memory/cost.ts';
import type { RuleName } from '../ellipsoid/multipliers/closedForms.ts';
import { hasSkips } from '../ellipsoid/multipliers/skips.ts';
import type { Norms } from '../ellipsoid/norms/gains.ts';
import { normsOf } from '../ellipsoid/norms/norms.ts';
import type { Rounding } from '../ellipsoid/rounding/rounding.ts';
import { lastPass } from '../ellipsoid/search/lastPass.ts';
import type { Outcome } from '../ellipsoid/sweep/sweep.ts';
import type { Engine } from '../engine/engine.ts';
import { UnsupportedError } from '../errors.ts';
import { largest } from '../network/extremes.ts';
import { existingLength, lengthened, sidesAt } from '../network/lengths.ts';
import type { Network } from '../network/network.ts';
import { simplify } from '../network/simplify.ts';
import { product } from '../network/size.ts';
import { compile } from '../program/compile.ts';
import type { Program, Step } from '../program/program.ts';
import type { Variable } from '../program/variables.ts';
import { over, type Scaled, toNumber } from '../scaled.ts';
import { beyondMemory, type Room } from './budget.ts';
import { closedForms, runsOf } from './closedForm.ts';
import type { Ledger } from './ledger.ts';
import type { LengthReport } from './result.ts';
import { rowValue } from './rows.ts';

/** Per axis, by the number of axes: where it starts, where it ends, and what the gaps may add. */
const PLANS = [
  { first: 64, most: 2 ** 16, tolerance: 0.01 },
  { first: 16, most: 512, tolerance: 0.05 },
  { first: 8, most: 64, tolerance: 0.05 },
] as const;
/** The search needs no more to know where it goes. */
const SEARCHED = [256, 32, 16] as const;
/** Frequencies do not grow faster than this from one pass to the next. */
const LARGEST_JUMP = 16;

export interface AnyLengthOptions {
  readonly smallestLength: number | undefined;
  readonly cellTolerance: number | undefined;
  readonly pair: readonly [number, number] | undefined;
  readonly room: Room;
  readonly rounding: Rounding | undefined;
  readonly signal: AbortSignal | undefined;
  readonly ledger: Ledger;
}

/** Outcomes of one pass, and what the gaps between its frequencies have added to the least of them. */
export interface Stage {
  readonly program: Program;
  readonly outcomes: readonly Outcome[];
  readonly report: LengthReport;
}

export class AnyLength {
  readonly #engine: Engine;
  readonly #options: AnyLengthOptions;
  readonly #base: Program;
  readonly #samples: ReadonlyMap<Variable, number>;
  readonly #axes: number;
  /** The least length at which there is a network, of those that are bounded. */
  readonly #exists: number | undefined;
  #norms: ReadonlyMap<Step, StepNorms> | undefined;

  /** @throws UnsupportedError listing what ties the network to the length of its file */
  constructor(engine: Engine, network: Network, options: AnyLengthOptions) {
    this.#engine = engine;
    this.#options = options;
    const { smallestLength } = options;
    const long = simplify(lengthened(network, smallestLength));
    const sides = smallestLength === undefined ? undefined : sidesAt(network, smallestLength);
    this.#exists = existingLength(network, smallestLength ?? 1);
    this.#base = compile(long, { lengths: { shortest: (node) => sides?.get(node) } });
    const beyond = beyondMemory(engine, this.#base, options.room);
    if (beyond) throw beyond;
    refuseLongKernels(this.#base);
    this.#samples = samplesOf(this.#base, sides);
    this.#axes = largest(this.#base.segments.map((s) => s.axes));
  }

  /** Its nonlinear layers are those of every program here. */
  get base(): Program {
    return this.#base;
  }

  /** Closed forms, with as many frequencies as they need. */
  async closedForms(rules: readonly RuleName[]): Promise<Stage> {
    return this.#adapted(runsOf(rules), async (program) =>
      closedForms(this.#engine, program, await this.#mapNorms(program), rules, {
        ...this.#options,
        memory: this.#options.room.bytes,
        method: 'closed-form',
      }),
    );
  }

  /** Multipliers that a search has found on `searched`, with as many frequencies as they need. */
  async refined(theta: ReadonlyMap<Step, Float64Array>): Promise<Stage> {
    return this.#adapted(1, async (program) => {
      const { outcome } = await lastPass(this.#engine, program, theta, {
        ...this.#options,
        memory: this.#options.room.bytes,
      });
      return [outcome];
    });
  }

  /** What a search works on: frequencies alone, no more than `stage` has. */
  async searched({ report }: Stage): Promise<Program> {
    return atFrequencies(await this.#at(Math.min(report.frequencies, SEARCHED[this.#axes - 1]!)));
  }

  async #at(frequencies: number): Promise<Program> {
    this.#norms ??= await stepNorms(this.#engine, this.#base, this.#options.rounding);
    return interpolated(this.#base, this.#norms, frequencies, this.#samples);
  }

  /** Norms of maps, which rules want to know about where something is skipped; at no more than some frequencies. */
  async #mapNorms(program: Program): Promise<Norms | undefined> {
    if (!hasSkips(program)) return undefined;
    const few = await this.#at(PLANS[this.#axes - 1]!.first);
    return normsOf(this.#engine, few, { memory: this.#options.room.bytes, signal: this.#options.signal });
  }

  async #adapted(runs: number, sweep: (program: Program) => Promise<Outcome[]>): Promise<Stage> {
    const { first, most, tolerance: usual } = PLANS[this.#axes - 1]!;
    const { cellTolerance, smallestLength } = this.#options;
    const tolerance = cellTolerance ?? usual;
    for (let frequencies: number = first; ; ) {
      const program = await this.#at(frequencies);
      const work = programCost(program) * runs;
      this.#options.ledger.announce(work);
      this.#options.ledger.add(
        'any length',
        `${frequencies ** this.#axes} frequencies, about ${(work / 1e9).toPrecision(2)} Gflop`,
        0,
      );
      const outcomes = await sweep(program);
      const bare = await sweep(atFrequencies(program));
      const added = excess(this.#least(program, outcomes), this.#least(program, bare));
      const report: LengthReport = {
        ...{ lengths: 'any', frequencies, tolerance, added: Number.isFinite(added) ? added : null },
        ...(smallestLength === undefined ? {} : { smallest: smallestLength }),
        ...(this.#exists === undefined ? {} : { exists: this.#exists }),
      };
      if (added <= tolerance || frequencies >= most) return { program, outcomes, report };
      // What the gaps add falls with the square of their width.
      const wanted = Math.sqrt(Math.log1p(added) / Math.log1p(tolerance));
      const jump = Number.isFinite(wanted) ? 2 ** Math.ceil(Math.log2(wanted)) : LARGEST_JUMP;
      frequencies = Math.min(most, frequencies * Math.min(LARGEST_JUMP, Math.max(2, jump)));
    }
  }

  #least(program: Program, outcomes: readonly Outcome[]): Scaled[] {
    return outcomes.map((outcome) => rowValue(program, outcome, this.#options.pair));
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

/** Samples of a kernel that are looked at one by one, at every frequency: more would take minutes. */
const MOST_SAMPLES = 2 ** 17;

/** @throws UnsupportedError naming every layer whose kernel is too long */
function refuseLongKernels(program: Program): void {
  const found = new Map<string, number>();
  for (const step of program.segments.flatMap((segment) => segment.steps)) {
    if (step.kind !== 'linear') continue;
    for (const { term, target } of step.terms) {
      if (term.map.kind !== 'convolution' && term.map.kind !== 'transposed') continue;
      const samples = product(term.map.kernel.sides);
      if (samples > MOST_SAMPLES) found.set(term.name ?? target.variable.name, samples);
    }
  }
  if (found.size === 0) return;
  throw new UnsupportedError(
    [...found].map(([node, samples]) => ({
      node,
      found: `a kernel of ${samples} samples`,
      reason: `for any length at most ${MOST_SAMPLES} are supported; bound it without the option length`,
    })),
  );
}

/** Samples that every mean over a whole signal has at least, by the variable that it is taken of. */
function samplesOf(
  program: Program,
  shortest: ReadonlyMap<string, readonly number[]> | undefined,
): Map<Variable, number> {
  const samples = new Map<Variable, number>();
  for (const { kind, ...step } of program.segments.flatMap((s) => s.steps)) {
    if (kind !== 'read' || !('terms' in step)) continue;
    for (const { term, source } of step.terms) {
      const sides = shortest?.get(term.name ?? '');
      if (term.map.kind !== 'total' || !sides) {
        throw new UnsupportedError([
          {
            node: term.name ?? source.variable.name,
            found: 'a read of all positions',
            reason: 'it ties the network to the length of the file; bound it without the option length',
          },
        ]);
      }
      samples.set(
        source.variable,
        sides.reduce((p, n) => p * n, 1),
      );
    }
  }
  return samples;
}
