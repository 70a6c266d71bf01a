/** Single entries of the output, the largest first, from the multipliers that a search has found for all of them together. */
import { programCost } from '../ellipsoid/memory/cost.ts';
import { lastPass } from '../ellipsoid/search/lastPass.ts';
import { PairSearch } from '../ellipsoid/search/pairSearch.ts';
import { isLess, largest, roundedUp, type Scaled, scaled, times } from '../scaled.ts';
import { entriesOf, least, type Row } from './runs/rows.ts';
import { GRADIENT_COST } from './runs/search.ts';
import { stopwatch } from './runs/stopwatch.ts';
import type { BoundTask } from './task.ts';

/** Evaluations for all entries, as a multiple of what the search for all of them together may take. */
const EVALUATIONS = 2;
/** Those of the first visit to an entry, and of those after it. */
const FIRST = 12;
const AGAIN = 6;
/** An entry that gains less than this an evaluation, in ln L, is left, and with it all that are smaller. */
const LEAST_GAIN = 2e-4;
/** Fewer evaluations find next to nothing. */
const LEAST_EVALUATIONS = 4;
/** Entries whose searches are remembered. */
const REMEMBERED = 64;

/**
 * Where the largest of several entries is bounded: of each the least that any multipliers give it. Only what is the largest has steps of its own,
 * until it gains no more. Undefined where there is nothing to begin with.
 * @param rows of all methods
 * @throws the signal's reason when it is aborted
 */
export async function entryRow(task: BoundTask, rows: readonly Row[]): Promise<Row | undefined> {
  const { engine, room, rounding, stop, signal, interrupt, deadline, ledger } = task;
  if (interrupt?.aborted || deadline.over) return undefined;
  const row = least(rows.filter((one) => one.entryStart));
  if (!row?.entryStart) return undefined;
  const { program, theta, few, evaluations } = row.entryStart;
  const best = row.outcome && entriesOf(row.outcome);
  if (!best || best.length < 2 || few || evaluations < LEAST_EVALUATIONS) return undefined;
  const options = { memory: room.bytes, signal: stop };
  const search = PairSearch.from(engine, program, theta, {
    ...options,
    count: Math.min(best.length, REMEMBERED),
    leastGain: LEAST_GAIN,
  });
  if (!search) return undefined;
  const clock = stopwatch();
  const most = EVALUATIONS * evaluations;
  const each = GRADIENT_COST * programCost(program);
  ledger.announce(each * most);
  const keep = (values: readonly Scaled[] | undefined) => {
    for (const [k, value] of values?.entries() ?? []) if (isLess(value, best[k]!)) best[k] = value;
  };
  for (const { program: own, outcome } of rows) if (own === program && outcome) keep(entriesOf(outcome));
  const gains = new Map<number, number>();
  let told = 0;
  try {
    while (most - search.evaluations >= LEAST_EVALUATIONS) {
      const k = best.reduce((top, value, at) => (isLess(best[top]!, value) ? at : top), 0);
      const gain = gains.get(k);
      if (gain !== undefined && gain < LEAST_GAIN) break;
      const left = most - search.evaluations;
      const found = await search.stepsOfEntry(k, Math.min(left, gain === undefined ? FIRST : AGAIN));
      gains.set(k, found?.gain ?? 0);
      if (found)
        keep(entriesOf((await lastPass(engine, program, found.theta, { ...options, rounding })).outcome));
      ledger.add(row.method, `entry ${k}`, each * (search.evaluations - told));
      told = search.evaluations;
    }
  } catch (error) {
    if (signal?.aborted || !(interrupt?.aborted || deadline.over)) throw error;
  }
  ledger.add(row.method, 'entries', each * Math.max(0, most - told));
  const value = roundedUp(times(largest(best), scaled(program.factor)));
  if (gains.size === 0 || !row.value || !isLess(value, row.value)) return undefined;
  const { method, rule, unrolledFrom } = row;
  const what = program.reading === 'inputs' ? 'inputs' : 'outputs';
  return {
    ...{ method, value, seconds: clock(), program },
    ...(rule && { rule }),
    ...(unrolledFrom !== undefined && { unrolledFrom }),
    note: `Of ${best.length} ${what} the largest had multipliers of their own, ${gains.size} of them.`,
  };
}
