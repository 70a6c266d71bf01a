/** A bound and how it changes with the weights (docs/mathematics.md §12). */
import { nonlinearSteps } from '../../ellipsoid/multipliers/relative.ts';
import { hasSkips } from '../../ellipsoid/multipliers/skips.ts';
import { normsOf } from '../../ellipsoid/norms/norms.ts';
import { allFrequencies } from '../../ellipsoid/search/frequencies.ts';
import { DifferentiablePass } from '../../ellipsoid/search/gradient/differentiablePass.ts';
import { lastPass } from '../../ellipsoid/search/lastPass.ts';
import { SearchPlan } from '../../ellipsoid/search/plan.ts';
import { thetaOf } from '../../ellipsoid/search/start.ts';
import { Taps } from '../../ellipsoid/search/taps.ts';
import type { Outcome } from '../../ellipsoid/sweep/sweep.ts';
import { createEngine } from '../../engine/create.ts';
import { engineOf } from '../../engine/engineOf.ts';
import { bytesPerNumber } from '../../engine/precision.ts';
import { lent } from '../../engine/scope.ts';
import { InputError, type Unsupported, UnsupportedError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';
import { arrange } from '../../network/simplify/simplify.ts';
import { compile } from '../../program/compile.ts';
import type { Program, Step } from '../../program/program.ts';
import { log10, roundedUp, type Scaled, scaled, times, toNumber } from '../../scaled.ts';
import { DEFAULTS } from '../defaults.ts';
import { fittingMultipliers, multipliersFor } from '../paths/givenMultipliers.ts';
import { queryOf } from '../query.ts';
import type { BoundOptions, StoredMultipliers } from '../result.ts';
import { closedForms } from '../runs/closedForm.ts';
import { allMarginsOf, hasEntries } from '../runs/margins.ts';
import { NOT_DOMINATED, rowValue } from '../runs/rows.ts';
import { NO_ROOM, objectiveOf, searched } from '../runs/search.ts';
import { type BoundTask, boundTask } from '../task.ts';
import { GradientSums, type WeightGradient } from './gradientSums.ts';

export interface BoundGradientOptions
  extends Pick<
    BoundOptions,
    'engine' | 'target' | 'evaluations' | 'tolerance' | 'timeLimit' | 'memory' | 'rigor' | 'signal'
  > {
  /** Where the search starts: those of a result before, for the same layers. The network may have been trained on. With 0 `evaluations` they
   *  are taken as they are. */
  readonly multipliers?: StoredMultipliers;
}

export interface BoundGradient {
  /** As proven as that of `bound`: of the whole output, of a pair, or the root of the sum of squares of all margins (`target`). Null
   *  where float64 has no such number. */
  readonly bound: number | null;
  readonly log10: number;
  /** ln of what the gradient is of: a smooth majorant of the same bound, up to rounding a few per mille above it at most. */
  readonly smooth: number;
  readonly weights: readonly WeightGradient[];
  /** Scales that are held constant, since slopes have taken them in: factors that differ from position to position. */
  readonly held: readonly string[];
  /** What the bound was found with, for `multipliers` of a call thereafter. */
  readonly multipliers: StoredMultipliers;
}

/** How the bound is smoothed: as in the last stage of a search. */
const SMOOTHING = { doublings: 9, barrier: 0 };

/**
 * The bound of a network in ℓ2 (`target`) by multipliers on the torus, and the gradient of its logarithm with respect to weights of linear
 * maps, kernels and scales, for the multipliers found, relative to what each layer sees.
 *
 * @throws UnsupportedError for networks that have no such bound, and for weights that are computed in a way that gradients do not follow
 * @throws InputError for options that make no sense, and where there is no gradient: a bound of 0
 * @throws the signal's reason when it is aborted
 */
export async function boundGradient(
  network: Network,
  options: BoundGradientOptions = {},
): Promise<BoundGradient> {
  return gradientOf(network, options, new GradientSums(network), []);
}

/**
 * The same of a network that is made of the arrays of another.
 * @param sums of the arrays that gradients go back to
 * @param warm what a search of the network may start from, as `bound` takes it
 */
export async function gradientOf(
  network: Network,
  { evaluations, multipliers, ...rest }: BoundGradientOptions,
  sums: GradientSums,
  warm: readonly StoredMultipliers[],
): Promise<BoundGradient> {
  const given = multipliers && { ...multipliers, network: network.source?.sha256 ?? null };
  const query = queryOf(network, {
    ...{ ...rest, method: 'refined', lower: false, warm },
    ...(evaluations !== undefined && { evaluations }),
    ...(given && { multipliers: given }),
  });
  const engine = rest.engine ? engineOf(rest.engine) : await createEngine();
  try {
    return await lent(engine, async (own) => {
      const task = boundTask(own, network, { ...rest, method: 'refined' }, query);
      try {
        return await answer(task, sums);
      } catch (error) {
        if (rest.signal?.aborted || !task.deadline.over || error instanceof InputError) throw error;
        throw new InputError(
          `boundGradient: ${rest.timeLimit ?? DEFAULTS.timeLimit} s were over before there was a gradient`,
        );
      } finally {
        task.close();
      }
    });
  } finally {
    if (!rest.engine) await engine.close();
  }
}

async function answer(task: BoundTask, sums: GradientSums): Promise<BoundGradient> {
  const { engine, original, room, query, stop } = task;
  const program = compile(arrange(original), { unscaled: true });
  const taps = new Taps(Infinity);
  refuseZero(program, taps);
  const { outcome, theta } = await bestMultipliers(task, program);
  const value = targetValue(task, program, outcome);
  if (Number.isNaN(value.mantissa)) throw new UnsupportedError([unproven(original)]);
  const plan = new SearchPlan(program, room.bytes, bytesPerNumber(engine));
  // Gradients of symbols are as large as these.
  const blocks = plan.blocksFor(plan.counts, plan.symbolBytes);
  if (blocks === undefined) throw new InputError(`boundGradient: ${NO_ROOM}`);
  const frequencies = program.segments.map(allFrequencies);
  const pass = new DifferentiablePass(engine, program, frequencies, { blocks, taps });
  try {
    const steps = nonlinearSteps(program);
    const relative = steps.map((step) => theta.get(step)!);
    const { objective } = await pass.evaluateWeights(
      relative,
      SMOOTHING,
      objectiveOf(program, query),
      (weights, gradient, { term }) => sums.add(weights, gradient, term.name ?? term.source.name),
      stop,
    );
    if (objective === Infinity) throw new UnsupportedError([unproven(original)]);
    return {
      bound: toNumber(value),
      log10: log10(value),
      smooth: objective + Math.log(program.factor),
      ...sums.finish(),
      multipliers: {
        ...{ version: 2, network: original.source?.sha256 ?? null, path: 'torus' },
        layers: steps.map((step, k) => ({ name: step.target.variable.name, theta: [...relative[k]!] })),
      },
    };
  } finally {
    pass.close();
  }
}

/** @throws InputError where a step maps everything to 0 */
function refuseZero({ segments }: Program, taps: Taps): void {
  for (const { steps, axes } of segments) {
    for (const step of steps) {
      if (step.kind !== 'linear' && step.kind !== 'read') continue;
      if (!taps.of(step, axes).vanishes) continue;
      const name = step.after.at(-1)!.variable.name;
      throw new InputError(
        `boundGradient: a bound of 0 has no logarithm, and the weights of ${name} are all 0`,
      );
    }
  }
}

function unproven({ name }: Network): Unsupported {
  return { node: name, found: 'multipliers', reason: NOT_DOMINATED };
}

type Multipliers = { readonly outcome: Outcome; readonly theta: ReadonlyMap<Step, Float64Array> };

/** Those that are given, or of the best closed form; from there on by search, where evaluations are left for one. */
async function bestMultipliers(task: BoundTask, program: Program): Promise<Multipliers> {
  const { engine, query, room, rounding, stop, deadline } = task;
  const { multipliers, evaluations, warm } = query;
  const options = { memory: room.bytes, rounding, signal: stop };
  const near = warm.flatMap((stored) => fittingMultipliers(program, stored) ?? [])[0];
  const given = multipliers ? multipliersFor(program, multipliers) : near;
  const start = given ? await lastPass(engine, program, given, options) : await bestClosedForm(task, program);
  if (evaluations === 0) return start;
  const found = await searched(task, program, start.outcome, {
    ...{ path: 'torus', method: 'refined', evaluations, passSeconds: 0 },
    deadline: performance.now() + 1000 * deadline.left,
    onTrace: () => {},
  });
  return typeof found === 'string' ? start : found;
}

async function bestClosedForm(task: BoundTask, program: Program): Promise<Multipliers> {
  const { engine, query, room, rounding, stop, ledger } = task;
  const norms = hasSkips(program)
    ? await normsOf(engine, program, {
        ...{ memory: room.bytes, signal: stop, about: true },
        seconds: task.allowance.norms,
      })
    : undefined;
  const outcomes = await closedForms(engine, program, norms, query.rules, {
    ...{ method: 'refined', memory: room.bytes, rounding, signal: stop, ledger },
  });
  const best = outcomes.reduce((a, b) =>
    valueNumber(task, program, b) < valueNumber(task, program, a) ? b : a,
  );
  const theta = thetaOf(best.layers);
  // What the rule leaves at poolings is made anew from θ.
  return lastPass(engine, program, theta, { memory: room.bytes, rounding, signal: stop });
}

function valueNumber(task: BoundTask, program: Program, outcome: Outcome): number {
  const value = log10(targetValue(task, program, outcome));
  return Number.isNaN(value) ? Infinity : value;
}

/** What is asked for, as `bound` has it. */
function targetValue({ query }: BoundTask, program: Program, outcome: Outcome): Scaled {
  if (query.target !== 'margins' || !hasEntries(program)) return rowValue(program, outcome, query.pair);
  return roundedUp(times(allMarginsOf(outcome, program.output.channels), scaled(program.factor)));
}
