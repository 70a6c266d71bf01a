/** What a search adds to the rows: one that says what it found, beside the closed form that it did not improve on. */

import { type Outcome, sweep } from '../../ellipsoid/sweep/sweep.ts';
import type { Program } from '../../program/program.ts';
import { isLess, type Scaled, scaled, times, toNumber } from '../../scaled.ts';
import type { StoredMultipliers } from '../result.ts';
import type { BoundTask } from '../task.ts';
import { allMarginsOf, hasEntries } from './margins.ts';
import { SHARES } from './pairs.ts';
import { NOT_DOMINATED, type Row, rowValue } from './rows.ts';
import { evaluationsOf, type Found, NO_ROOM, searched } from './search.ts';
import type { SearchLog } from './searchLog.ts';
import { stopwatch } from './stopwatch.ts';

export interface SearchStart {
  /** What is searched. */
  readonly program: Program;
  readonly path: StoredMultipliers['path'];
  /** A closed form with its outcome: where the search starts. */
  readonly best: Row;
  /** Seconds that a pass takes which brings home what the search finds. */
  readonly passSeconds: number;
  /** What the multipliers found say in the end; absent: what the search's own last pass says. */
  readonly home?: (found: Found) => Promise<Required<Pick<Row, 'program' | 'outcome' | 'length'>>>;
}

/** @param searches how many share the time that is left, this one the first of them */
export async function* searchRows(
  task: BoundTask,
  log: SearchLog,
  start: SearchStart,
  searches: number,
): AsyncGenerator<Row> {
  const { program, path, best, passSeconds, home } = start;
  const clock = stopwatch();
  const { query } = task;
  const { unrolledFrom } = best;
  const row = {
    ...(path === 'torus'
      ? ({ method: 'refined' } as const)
      : ({ method: 'unrolled', rule: 'refined' } as const)),
    ...(unrolledFrom === undefined ? {} : { unrolledFrom }),
  };
  // What the search has not improved on is an answer too. With other methods its row is there.
  const kept = query.method === 'refined' ? [best] : [];
  const evaluations = evaluationsOf(task, program);
  if (typeof evaluations === 'string') {
    yield* kept;
    yield { ...row, seconds: 0, error: evaluations };
    return;
  }
  const found = await searched(task, program, best.outcome!, {
    path,
    evaluations,
    method: path === 'torus' ? 'refined' : 'unrolled',
    passSeconds,
    deadline: performance.now() + (1000 * task.deadline.left) / (searches + pairShares(task)),
    // What lies between the frequencies is left to `home`.
    onTrace: (point) => log.add(home ? { ...point, estimate: true } : point),
  });
  const seconds = clock();
  if (typeof found === 'string') {
    yield* kept;
    yield { ...row, seconds, ...without(found) };
    return;
  }
  let end: Pick<Row, 'length'> & Required<Pick<Row, 'program' | 'outcome'>>;
  try {
    end = home ? await home(found) : { program, outcome: found.outcome };
  } catch (error) {
    if (!task.deadline.over || task.signal?.aborted) throw error;
    yield* kept;
    yield {
      ...row,
      seconds: seconds + clock(),
      ...without(task.interrupt?.aborted ? 'interrupted' : 'no time'),
    };
    return;
  }
  const value = rowValue(end.program, end.outcome, query.pair);
  const again = home ? {} : { again: lastPassOf(task, program, found) };
  if (Number.isNaN(value.mantissa)) {
    yield* kept;
    yield { ...row, seconds: seconds + clock(), program, ...again, error: NOT_DOMINATED };
    return;
  }
  if (!isLess(value, best.value!)) yield* kept;
  const objective = objectiveOf(task, end.program, end.outcome);
  const before = objective && objectiveOf(task, best.program!, best.outcome!);
  const margins = before && { before: toNumber(before), after: toNumber(objective) };
  yield {
    ...row,
    seconds: seconds + clock(),
    search: { ...found.report, ...(margins ? { margins } : {}) },
    value,
    ...(objective ? { objective } : {}),
    ...(readsEntries(task, program) && !home
      ? { entryStart: { program, theta: found.theta, few: found.few, evaluations } }
      : {}),
    ...(objective && !home
      ? { pairStart: { program, theta: found.theta, few: found.few, evaluations } }
      : {}),
    ...end,
    ...again,
    multipliers: found.multipliers,
  };
}

/** Whether what is bounded is the largest of several entries, each of which may have multipliers of its own. */
function readsEntries({ query }: BoundTask, program: Program): boolean {
  return program.reading !== undefined && !query.sensitivities && hasEntries(program);
}

/** What the pairs of outputs that follow take of the time, in searches. */
function pairShares({ query }: BoundTask): number {
  return query.target === 'margins' ? SHARES : 0;
}

/** Why nothing is searched. */
export const NO_SEARCH = {
  'no time': 'the time limit leaves none for a search; raise it',
  interrupted: 'interrupted before anything that it could have found was proven',
  'no room': NO_ROOM,
  'no slope':
    'there is nothing to search: the bound is 0, or leaves the range of the arithmetic that the search works in',
} as const;

function without(reason: keyof typeof NO_SEARCH): Pick<Row, 'error' | 'late' | 'interrupted'> {
  return {
    error: NO_SEARCH[reason],
    ...(reason === 'no time' && { late: true }),
    ...(reason === 'interrupted' && { interrupted: true }),
  };
}

/** What a search makes small, where that is not the bound. */
function objectiveOf(
  { query }: BoundTask,
  { output, factor }: Program,
  outcome: Outcome,
): Scaled | undefined {
  if (query.target !== 'margins' || !outcome.covariance) return undefined;
  return times(allMarginsOf(outcome, output.channels), scaled(factor));
}

/** The last pass of a search, to be made once more. */
function lastPassOf(
  { engine: own, room, stop }: BoundTask,
  program: Program,
  { theta }: Found,
): NonNullable<Row['again']> {
  return async (engine, rounding) => {
    const memory = engine === own ? room.bytes : room.host;
    const [outcome] = await sweep(engine, program, {
      ...{ runs: [{ name: 'refined', theta }], memory, skips: new Map() },
      ...{ rounding, signal: stop },
    });
    return outcome!;
  };
}
