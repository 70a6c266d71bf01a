/** Multipliers found by search, from the best closed form on (docs/mathematics.md §5). */
import { programCost } from '../../ellipsoid/memory/cost.ts';
import { nonlinearSteps, type Relative } from '../../ellipsoid/multipliers/relative.ts';
import { allDifferences, difference, type Objective } from '../../ellipsoid/search/objective.ts';
import { SearchPlan } from '../../ellipsoid/search/plan.ts';
import { type Refined, refine } from '../../ellipsoid/search/refine.ts';
import type { Outcome } from '../../ellipsoid/sweep/sweep.ts';
import { bytesPerNumber } from '../../engine/precision.ts';
import type { Network } from '../../network/network.ts';
import type { Program, Step } from '../../program/program.ts';
import { fittingMultipliers, multipliersFor } from '../paths/givenMultipliers.ts';
import { evaluationsWithin } from '../proportion.ts';
import type { Query } from '../query.ts';
import type { SearchReport, StoredMultipliers, TracePoint } from '../result.ts';
import type { BoundTask } from '../task.ts';
import { hasEntries } from './margins.ts';

/** A gradient costs this many closed-form passes, about. */
export const GRADIENT_COST = 3;
/** A search of fewer evaluations than these finds next to nothing; one on few frequencies takes so many passes for as much. */
const LEAST_EVALUATIONS = 5;
const LEAST_PASSES = 4;
/** Passes that what is found may take home: multipliers that do not dominate in one are raised for the next. */
const PASSES_TO_HOME = 1.5;

/** Tells the ledger of a search that is to come. */
export function announceSearch(task: BoundTask, program: Program): void {
  const evaluations = evaluationsOf(task, program);
  if (typeof evaluations === 'string') return;
  task.ledger.announce(GRADIENT_COST * evaluations * programCost(program));
}

/** Evaluations of a search at most; a reason where nobody has asked for one and it is out of proportion. */
export function evaluationsOf(
  { query, allowance }: Pick<BoundTask, 'query' | 'allowance'>,
  program: Program,
): number | string {
  const most = evaluationsWithin(program, allowance.search);
  return typeof most === 'string' ? most : Math.min(query.evaluations, most);
}

/** What a search says that has no room for a gradient at a single frequency. */
export const NO_ROOM = 'the search does not fit the memory budget; raise it';

/** Why a program is not searched, as far as that can be told before anything runs. */
export function searchObjection(
  task: Pick<BoundTask, 'query' | 'allowance' | 'room'> & {
    readonly engine: Pick<BoundTask['engine'], 'information'>;
  },
  program: Program,
): string | undefined {
  const evaluations = evaluationsOf(task, program);
  if (typeof evaluations === 'string') return evaluations;
  const plan = new SearchPlan(program, task.room.bytes, bytesPerNumber(task.engine));
  return plan.hasRoom ? undefined : NO_ROOM;
}

export interface Found extends Refined {
  readonly report: SearchReport;
  readonly multipliers: StoredMultipliers;
}

/**
 * @param start the closed form to start from, unless multipliers are given
 * @param options.path on which given multipliers must have been found
 * @param options.evaluations at most
 * @param options.passSeconds that a pass takes which brings home what is found
 * @param options.deadline on `performance.now()`, for the search and that pass
 * @param options.onTrace without its time
 */
export async function searched(
  { engine, original, query, room, allowance, rounding, ledger, interrupt, signal, deadline: end }: BoundTask,
  program: Program,
  start: Outcome,
  options: {
    readonly path: StoredMultipliers['path'];
    readonly method: TracePoint['method'];
    readonly evaluations: number;
    readonly passSeconds: number;
    readonly deadline: number;
    readonly onTrace: (point: Omit<TracePoint, 'seconds'>) => void;
  },
): Promise<Found | 'no room' | 'no slope' | 'no time' | 'interrupted'> {
  const { path, method, evaluations, passSeconds, onTrace } = options;
  const stop = signal ? AbortSignal.any([signal, end.signal]) : end.signal;
  const deadline = options.deadline - 1000 * PASSES_TO_HOME * passSeconds;
  const onFew = program.segments.some(({ axes }) => axes > 0);
  const least = Math.min(LEAST_EVALUATIONS, evaluations) * GRADIENT_COST;
  const worth = (onFew ? Math.min(LEAST_PASSES, least) : least) * passSeconds;
  if (interrupt?.aborted) return 'interrupted';
  if (end.over || deadline - performance.now() < 1000 * worth) return 'no time';
  const each = GRADIENT_COST * programCost(program);
  const given = givenStart(query, program, path);
  const near = given !== undefined && query.multipliers?.path !== path;
  let counted = 0;
  const found = await refine(engine, program, given ? { theta: given } : start, {
    ...{ deadline, rounding, interrupt, signal: stop, near },
    memory: room.bytes,
    polish: allowance.polish,
    evaluations: Math.max(1, evaluations),
    tolerance: query.tolerance,
    objective: objectiveOf(program, query),
    onEvaluation: ({ evaluation, bound, complete, work }) => {
      const log10 = bound / Math.LN10 + Math.log10(program.factor);
      onTrace({ method, evaluation, log10, ...(complete ? {} : { estimate: true }) });
      const own = Math.min(work, evaluations - counted);
      counted += own;
      ledger.add(method, `evaluation ${evaluation}`, each * own);
    },
    onFound: query.onFound && ((theta) => query.onFound!(stored(original, program, path, theta))),
  }).catch((error: unknown): 'no time' | 'interrupted' => {
    if (signal?.aborted) throw error;
    // It took longer than it should have: what the multipliers give is not known.
    if (interrupt?.aborted) return 'interrupted';
    if (end.over) return 'no time';
    throw error;
  });
  ledger.add(method, 'last pass', each * Math.max(0, evaluations - counted));
  if (typeof found === 'string') return found;
  return {
    ...found,
    report: {
      status: found.status,
      evaluations: found.evaluations,
      gap: found.gap,
      over: found.over,
      ...(found.partial ? { partial: true } : {}),
    },
    multipliers: stored(
      original,
      program,
      path,
      nonlinearSteps(program).map((step) => found.theta.get(step)!),
    ),
  };
}

/** @param theta of every nonlinear step */
function stored(
  { source }: Network,
  program: Program,
  path: StoredMultipliers['path'],
  theta: Relative,
): StoredMultipliers {
  const layers = nonlinearSteps(program).map((step, k) => ({
    name: step.target.variable.name,
    theta: [...theta[k]!],
  }));
  return { version: 2, network: source?.sha256 ?? null, path, layers };
}

/** The multipliers that a caller gives for a path, if there are any. */
function givenStart(
  { multipliers, warm }: Query,
  program: Program,
  path: StoredMultipliers['path'],
): Map<Step, Float64Array> | undefined {
  if (multipliers?.path === path) return multipliersFor(program, multipliers);
  const own = warm.find((stored) => stored.path === path);
  return own && fittingMultipliers(program, own);
}

/** What a search for the target makes small. */
export function objectiveOf(program: Program, { target, sensitivities }: Query): Objective {
  if (!hasEntries(program)) return { kind: 'radius' };
  if (program.reading === 'inputs' && sensitivities) {
    return { kind: 'diagonal', weights: new Float64Array(program.output.channels).fill(1) };
  }
  if (program.reading !== undefined) return { kind: 'entries' };
  if (target === 'global') return { kind: 'radius' };
  const outputs = program.output.channels;
  return target === 'margins' ? allDifferences(outputs) : difference(outputs, ...target);
}
