/** What to run: the paths that a query means for a network, and why others are not taken. Nothing is computed yet. */

import { UnsupportedError } from '../../errors.ts';
import { compileApart } from '../../program/apart.ts';
import { beyondMemory, disproportion, MemoryError } from '../budget.ts';
import { wants } from '../query.ts';
import type { BoundResult, MethodName } from '../result.ts';
import type { BoundTask } from '../task.ts';
import { anyLengthPath } from './anyLength.ts';
import { checkGiven } from './givenMultipliers.ts';
import { programIn } from './normed.ts';
import type { FixedPath, Path } from './path.ts';
import { runCount } from './runCount.ts';
import { type Unrolled, unrolledProgram, wholeUnrolling } from './unrolled.ts';

/** A method that is asked for and gives no bound, and why. */
export interface RefusedMethod {
  readonly method: Exclude<MethodName, 'all'>;
  readonly error: string;
}

/** What a plan is made from; of the engine it is only asked what it is. */
export type PlanTask = Pick<BoundTask, 'query' | 'original' | 'network' | 'room' | 'allowance'> & {
  readonly engine: Pick<BoundTask['engine'], 'information'>;
};

export interface PathPlan {
  /** In the order in which they run. */
  readonly paths: readonly Path[];
  readonly refusals: readonly RefusedMethod[];
  readonly leftOut?: NonNullable<BoundResult['leftOut']>;
}

/**
 * @throws UnsupportedError where no path covers the network: lists every node that stands in the way
 * @throws MemoryError where nothing fits the memory budget
 * @throws InputError for multipliers of other layers
 */
export function pathPlan(task: PlanTask): PathPlan {
  const { query } = task;
  if (query.method === 'exact') return { paths: [], refusals: [] };
  if (query.length === 'any') {
    const paths = [anyLengthPath(task)];
    checkGiven(query, paths);
    return { paths, refusals: [] };
  }
  const torus = query.method === 'unrolled' ? undefined : attempt(() => programIn(task.network, query));
  const { dense, ...leftOut } = unrolling(task, torus instanceof UnsupportedError);
  const paths: FixedPath[] = [];
  const refusals: RefusedMethod[] = [];
  const refuse = (methods: readonly RefusedMethod['method'][], error: string) => {
    refusals.push(...methods.filter((m) => wants(query, m)).map((method) => ({ method, error })));
  };
  if (torus instanceof UnsupportedError) {
    // Products of norms need no plan that all maps fit in.
    const apart = wants(query, 'spectral-product')
      ? attempt(() => programIn(task.network, query, compileApart))
      : torus;
    if (apart instanceof UnsupportedError) {
      refuse(['spectral-product', 'closed-form', 'refined'], torus.message);
    } else {
      paths.push({ kind: 'torus', program: apart, objection: torus.message });
    }
  } else if (torus) {
    paths.push({ kind: 'torus', program: torus });
  }
  if (dense instanceof UnsupportedError) {
    refusals.push({ method: 'unrolled', error: dense.message });
  } else if (dense) {
    paths.push({ kind: 'unrolled', program: dense.program, unrolledFrom: dense.from });
  }
  if (paths.length === 0) throw [torus, dense].find((r) => r instanceof UnsupportedError)!;
  checkGiven(query, paths);
  const judged = paths.map((path): FixedPath => {
    const objection = path.objection ?? objectionTo(path, task);
    if (objection === undefined) return path;
    const methods = path.kind === 'torus' ? (['closed-form', 'refined'] as const) : (['unrolled'] as const);
    refuse(methods, objection instanceof MemoryError ? objection.message : objection);
    return { ...path, objection };
  });
  const beyond = beyondOf(judged);
  // The weights alone are more than the budget.
  if (beyond && task.room.bytes < 0) throw beyond;
  return { paths: judged, refusals, ...leftOut };
}

/** What the first of some paths would take that the memory has no room for, if there is one. */
export function beyondOf(paths: readonly Path[]): MemoryError | undefined {
  return paths
    .map((path) => (path.kind === 'any length' ? undefined : path.objection))
    .find((objection) => objection instanceof MemoryError);
}

/** Multipliers take what the memory has no room for, or are out of all proportion and nobody has asked for them. */
function objectionTo(
  { program }: FixedPath,
  { engine, room, query, allowance }: PlanTask,
): FixedPath['objection'] {
  return (
    beyondMemory(engine, program, room) ??
    (query.method === 'all'
      ? disproportion(program, runCount(query.rules), allowance.closedForms)
      : undefined)
  );
}

/**
 * The unrolled network, if it is asked for or in proportion; or why it is not there, where that was asked for.
 * @param needed nothing else covers the network
 */
function unrolling(
  { query, network, room }: PlanTask,
  needed: boolean,
): Pick<PathPlan, 'leftOut'> & { readonly dense?: Unrolled | UnsupportedError } {
  const asked = query.method === 'unrolled';
  if (!asked && query.method !== 'all' && query.method !== 'refined') return {};
  const dense = attempt(() =>
    unrolledProgram(network, room.bytes, asked || needed, (one) => programIn(one, query)),
  );
  if (dense instanceof UnsupportedError) return { dense };
  if (!asked) {
    const whole = wholeUnrolling(network, room.bytes);
    const leftOut = whole && whole.from !== dense?.from;
    return {
      ...(dense && { dense }),
      ...(leftOut && {
        leftOut: { method: 'unrolled', from: network.nodes[whole.from]!.name, flops: whole.flops },
      }),
    };
  }
  if (dense) return { dense };
  const refusal = {
    node: network.name,
    found: 'the method unrolled',
    reason: network.nodes.some((n) => n.operator.kind === 'convolution')
      ? 'no layer fits the memory budget as a dense matrix; raise it, or use closed-form'
      : 'the network has no convolution or pooling to unroll; closed-form is the same there',
  };
  return { dense: new UnsupportedError([refusal]) };
}

/** The value, or the refusal as one. */
function attempt<T>(work: () => T): T | UnsupportedError {
  try {
    return work();
  } catch (error) {
    if (error instanceof UnsupportedError) return error;
    throw error;
  }
}
