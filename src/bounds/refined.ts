/** Multipliers found by search, from the best closed form on (docs/mathematics.md §5). */

import { programCost } from '../ellipsoid/memory/cost.ts';
import { nonlinearSteps, parametersOf } from '../ellipsoid/multipliers/relative.ts';
import type { Rounding } from '../ellipsoid/rounding/rounding.ts';
import { allDifferences, difference, type Objective } from '../ellipsoid/search/objective.ts';
import { type Refined, refine, type Status } from '../ellipsoid/search/refine.ts';
import { thetaOf } from '../ellipsoid/search/start.ts';
import type { Outcome } from '../ellipsoid/sweep/sweep.ts';
import type { Engine } from '../engine/engine.ts';
import { InputError } from '../errors.ts';
import type { Program, Step } from '../program/program.ts';
import type { Ledger } from './ledger.ts';
import { hasEntries } from './margins.ts';
import type { BoundOptions, SearchReport, StoredMultipliers, TracePoint } from './result.ts';

const DEFAULT_EVALUATIONS = 150;
const DEFAULT_TOLERANCE = 1e-5;
export const DEFAULT_TIME_LIMIT = 60;

/** A gradient costs this many closed-form passes, about. */
const GRADIENT_COST = 3;

export type SearchOptions = Pick<
  BoundOptions,
  'target' | 'evaluations' | 'tolerance' | 'multipliers' | 'interrupt' | 'signal'
>;

export function searchCost(program: Program, options: SearchOptions): number {
  return GRADIENT_COST * (options.evaluations ?? DEFAULT_EVALUATIONS) * programCost(program);
}

export interface Found extends Refined {
  readonly report: SearchReport;
  readonly layers: StoredMultipliers['layers'];
}

/**
 * @param start the closed form to start from, unless multipliers are given
 * @param onTrace without its time
 */
export async function refined(
  engine: Engine,
  program: Program,
  start: Outcome,
  path: StoredMultipliers['path'],
  options: SearchOptions & {
    readonly method: TracePoint['method'];
    readonly memory: number;
    readonly rounding: Rounding | undefined;
    readonly ledger: Ledger;
    /** On `performance.now()`. */
    readonly deadline: number;
    readonly onTrace: (point: Omit<TracePoint, 'seconds'>) => void;
  },
): Promise<Found | 'no room' | 'no slope'> {
  const evaluations = options.evaluations ?? DEFAULT_EVALUATIONS;
  const each = GRADIENT_COST * programCost(program);
  const given = options.multipliers?.path === path ? multipliersFor(program, options.multipliers) : undefined;
  let counted = 0;
  let partial = false;
  const found = await refine(engine, program, given ?? thetaOf(start.layers), {
    memory: options.memory,
    evaluations: Math.max(1, evaluations),
    tolerance: options.tolerance ?? DEFAULT_TOLERANCE,
    deadline: options.deadline,
    objective: objectiveOf(program, options.target),
    rounding: options.rounding,
    interrupt: options.interrupt,
    signal: options.signal,
    onEvaluation: ({ evaluation, bound, complete }) => {
      counted = evaluation;
      partial ||= !complete;
      const log10 = bound / Math.LN10 + Math.log10(program.factor);
      options.onTrace({ method: options.method, evaluation, log10, ...(complete ? {} : { estimate: true }) });
      if (evaluation <= evaluations)
        options.ledger.addSearch(options.method, `evaluation ${evaluation}`, each);
    },
  });
  options.ledger.addSearch(options.method, 'last pass', each * Math.max(0, evaluations - counted));
  if (typeof found === 'string') return found;
  return {
    ...found,
    report: {
      status: statusText(found.status, found.evaluations),
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

function objectiveOf(program: Program, target: BoundOptions['target']): Objective {
  if (target === undefined || target === 'global' || !hasEntries(program)) return { kind: 'radius' };
  const outputs = program.output.channels;
  return target === 'margins' ? allDifferences(outputs) : difference(outputs, ...target);
}

function statusText(status: Status, evaluations: number): string {
  switch (status) {
    case 'converged':
    case 'time limit':
    case 'interrupted':
      return status;
    case 'evaluations':
      return `stopped at ${evaluations} evaluation${evaluations === 1 ? '' : 's'}`;
    default:
      return status satisfies never;
  }
}

/** @throws InputError where the stored multipliers are not those of the program's nonlinear layers, one by one */
export function multipliersFor(program: Program, stored: StoredMultipliers): Map<Step, Float64Array> {
  const steps = nonlinearSteps(program);
  if (stored.layers.length !== steps.length) {
    throw new InputError(`multipliers: ${steps.length} nonlinear layers, got ${stored.layers.length}`);
  }
  return new Map(
    steps.map((step, k): [Step, Float64Array] => {
      const { name, theta } = stored.layers[k]!;
      const wanted = parametersOf(step);
      const layer = step.target.variable.name;
      if (name !== layer || theta.length !== wanted) {
        throw new InputError(
          `multipliers: layer ${k} is ${layer} and takes ${wanted} numbers, got ${theta.length} for ${name}`,
        );
      }
      return [step, Float64Array.from(theta)];
    }),
  );
}
