/** Multipliers found by search, from the best closed form on (docs/mathematics.md §5). */
import { programCost } from '../../ellipsoid/memory/cost.ts';
import { nonlinearSteps } from '../../ellipsoid/multipliers/relative.ts';
import { allDifferences, difference, type Objective } from '../../ellipsoid/search/objective.ts';
import { type Refined, refine } from '../../ellipsoid/search/refine.ts';
import { thetaOf } from '../../ellipsoid/search/start.ts';
import type { Outcome } from '../../ellipsoid/sweep/sweep.ts';
import type { Program } from '../../program/program.ts';
import { multipliersFor } from '../paths/givenMultipliers.ts';
import { evaluationsWithin } from '../proportion.ts';
import type { Query } from '../query.ts';
import type { SearchReport, StoredMultipliers, TracePoint } from '../result.ts';
import type { BoundTask } from '../task.ts';
import { hasEntries } from './margins.ts';

/** A gradient costs this many closed-form passes, about. */
const GRADIENT_COST = 3;

/** Tells the ledger of a search that is to come. */
export function announceSearch(task: BoundTask, program: Program): void {
  const evaluations = evaluationsOf(task, program);
  if (typeof evaluations === 'string') return;
  task.ledger.announceSearch(GRADIENT_COST * evaluations * programCost(program), task.query.timeLimit);
}

/** Evaluations of a search at most; a reason where nobody has asked for one and it is out of proportion. */
export function evaluationsOf({ query, allowance }: BoundTask, program: Program): number | string {
  const most = evaluationsWithin(program, allowance.search);
  return typeof most === 'string' ? most : Math.min(query.evaluations, most);
}

export interface Found extends Refined {
  readonly report: SearchReport;
  readonly layers: StoredMultipliers['layers'];
}

/**
 * @param start the closed form to start from, unless multipliers are given
 * @param options.path on which given multipliers must have been found
 * @param options.evaluations at most
 * @param options.deadline on `performance.now()`
 * @param options.onTrace without its time
 */
export async function searched(
  { engine, query, room, rounding, ledger, interrupt, signal }: BoundTask,
  program: Program,
  start: Outcome,
  options: {
    readonly path: StoredMultipliers['path'];
    readonly method: TracePoint['method'];
    readonly evaluations: number;
    readonly deadline: number;
    readonly onTrace: (point: Omit<TracePoint, 'seconds'>) => void;
  },
): Promise<Found | 'no room' | 'no slope'> {
  const { multipliers } = query;
  const { path, method, evaluations, deadline, onTrace } = options;
  const each = GRADIENT_COST * programCost(program);
  const given = multipliers?.path === path ? multipliersFor(program, multipliers) : undefined;
  let counted = 0;
  let partial = false;
  const found = await refine(engine, program, given ?? thetaOf(start.layers), {
    ...{ deadline, rounding, interrupt, signal },
    memory: room.bytes,
    evaluations: Math.max(1, evaluations),
    tolerance: query.tolerance,
    objective: objectiveOf(program, query),
    onEvaluation: ({ evaluation, bound, complete }) => {
      counted = evaluation;
      partial ||= !complete;
      const log10 = bound / Math.LN10 + Math.log10(program.factor);
      onTrace({ method, evaluation, log10, ...(complete ? {} : { estimate: true }) });
      if (evaluation <= evaluations) ledger.addSearch(method, `evaluation ${evaluation}`, each);
    },
  });
  ledger.addSearch(method, 'last pass', each * Math.max(0, evaluations - counted));
  if (typeof found === 'string') return found;
  return {
    ...found,
    report: {
      status: found.status,
      evaluations: found.evaluations,
      gap: found.gap,
      over: found.over,
      ...(partial ? { partial } : {}),
    },
    layers: nonlinearSteps(program).map((step) => ({
      name: step.target.variable.name,
      theta: [...found.theta.get(step)!],
    })),
  };
}

function objectiveOf(program: Program, { target }: Query): Objective {
  if (target === 'global' || !hasEntries(program)) return { kind: 'radius' };
  const outputs = program.output.channels;
  return target === 'margins' ? allDifferences(outputs) : difference(outputs, ...target);
}
