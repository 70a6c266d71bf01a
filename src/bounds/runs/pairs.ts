/** Single pairs of outputs, one after the other, from the multipliers that a search has found for all of them together. */
import { programCost } from '../../ellipsoid/memory/cost.ts';
import { lastPass } from '../../ellipsoid/search/lastPass.ts';
import { difference } from '../../ellipsoid/search/objective.ts';
import { PairSearch } from '../../ellipsoid/search/pairSearch.ts';
import { refine } from '../../ellipsoid/search/refine.ts';
import type { Outcome } from '../../ellipsoid/sweep/sweep.ts';
import { isLess, log10, type Scaled } from '../../scaled.ts';
import type { PairReport } from '../result.ts';
import type { BoundTask } from '../task.ts';
import { MOST_OUTPUTS, marginOf } from './margins.ts';
import { least, type Row } from './rows.ts';
import { GRADIENT_COST } from './search.ts';
import { stopwatch } from './stopwatch.ts';

/** Evaluations for all pairs, as a multiple of what the search for all of them together may take. */
const EVALUATIONS = 3;
/** Those of the first visit to a pair, and of those after it, which go where the last gained most. */
const FIRST = 8;
const AGAIN = 4;
/** A pair that gains less than this an evaluation, in ln L, is left. */
const LEAST_GAIN = 2e-4;
/** Fewer evaluations find next to nothing. */
const LEAST_EVALUATIONS = 4;
/** Seconds that are left for the pairs, as a multiple of those of a search: what the time limit is shared out by. */
export const SHARES = 3;

/** What the pairs of a row have come to. */
export interface PairFindings {
  /** The row whose multipliers they begin with. */
  readonly row: Row;
  /** Each bounds all pairs. */
  readonly outcomes: readonly Outcome[];
  readonly report: PairReport;
}

interface Target {
  readonly i: number;
  readonly j: number;
  gain: number;
}

/**
 * Few steps for every pair; a last pass says what they are worth for all. What has been found when somebody interrupts, or the time is over,
 * stands. Undefined where there is nothing to begin with.
 * @param rows of all methods
 * @throws the signal's reason when it is aborted
 */
export async function pairFindings(task: BoundTask, rows: readonly Row[]): Promise<PairFindings | undefined> {
  const { query, engine, room, rounding, stop, signal, interrupt, deadline, ledger } = task;
  if (query.target !== 'margins' || interrupt?.aborted || deadline.over) return undefined;
  const row = least(
    rows.filter((one) => one.pairStart),
    ({ objective }) => objective,
  );
  if (!row?.pairStart) return undefined;
  const { program, theta, few, evaluations } = row.pairStart;
  const outputs = program.output.channels;
  // Of two outputs the search was for the one pair.
  if (outputs < 3 || outputs > MOST_OUTPUTS || evaluations < LEAST_EVALUATIONS) return undefined;
  const clock = stopwatch();
  const targets = targetsOf(outputs, row.outcome!);
  const most = EVALUATIONS * evaluations;
  const each = GRADIENT_COST * programCost(program);
  ledger.announce(each * most);
  const options = { memory: room.bytes, signal: stop };
  const search = few
    ? undefined
    : PairSearch.from(engine, program, theta, {
        ...options,
        count: targets.length,
        leastGain: LEAST_GAIN,
      });
  const outcomes: Outcome[] = [];
  const visited = new Set<Target>();
  let own = 0;
  const evaluated = () => search?.evaluations ?? own;

  const visit = async (target: Target): Promise<void> => {
    const { i, j } = target;
    const before = evaluated();
    const left = most - before;
    if (search) {
      const found = await search.steps(i, j, Math.min(left, visited.has(target) ? AGAIN : FIRST));
      target.gain = found?.gain ?? 0;
      if (found)
        outcomes.push((await lastPass(engine, program, found.theta, { ...options, rounding })).outcome);
    } else {
      target.gain = 0;
      const found = await refine(
        engine,
        program,
        { theta },
        {
          ...{ ...options, rounding, interrupt, deadline: deadline.end, polish: task.allowance.polish },
          evaluations: Math.max(LEAST_EVALUATIONS, Math.floor(most / targets.length)),
          ...{ tolerance: query.tolerance, objective: difference(outputs, i, j) },
        },
      );
      if (typeof found !== 'string') {
        outcomes.push(found.outcome);
        own += found.evaluations;
      }
    }
    visited.add(target);
    const made = evaluated() - before;
    ledger.add(row.method, `outputs ${i} and ${j}`, each * made);
  };

  let status: PairReport['status'] = 'evaluations';
  try {
    for (const target of targets) if (most - evaluated() >= LEAST_EVALUATIONS) await visit(target);
    for (;;) {
      const next = targets.reduce((a, b) => (b.gain > a.gain ? b : a));
      if (next.gain < LEAST_GAIN) status = 'converged';
      if (status === 'converged' || most - evaluated() < LEAST_EVALUATIONS) break;
      await visit(next);
    }
  } catch (error) {
    if (signal?.aborted || !(interrupt?.aborted || deadline.over)) throw error;
    status = interrupt?.aborted ? 'interrupted' : 'time limit';
  }
  const gained = gainsOf(targets, outputs, row.outcome!, outcomes);
  const report: PairReport = {
    ...{ status, pairs: visited.size, of: targets.length, evaluations: evaluated(), seconds: clock() },
    ...gained,
  };
  return { row, outcomes, report };
}

/** All pairs, those with the largest bounds first. */
function targetsOf(outputs: number, outcome: Outcome): Target[] {
  const pairs = Array.from({ length: outputs }, (_, i) =>
    Array.from({ length: i }, (_, j) => ({ i, j, gain: 0, value: marginOf(outcome, outputs, i, j) })),
  ).flat();
  return pairs.sort((a, b) => (isLess(a.value, b.value) ? 1 : isLess(b.value, a.value) ? -1 : 0));
}

/** How much smaller the pairs' bounds are than those of the multipliers for all, as fractions. */
function gainsOf(
  targets: readonly Target[],
  outputs: number,
  common: Outcome,
  outcomes: readonly Outcome[],
): Pick<PairReport, 'mean' | 'largest'> {
  const gains = targets.map(({ i, j }) => {
    const before = marginOf(common, outputs, i, j);
    const after = outcomes.reduce((best: Scaled, outcome) => {
      const value = marginOf(outcome, outputs, i, j);
      return isLess(value, best) ? value : best;
    }, before);
    if (before.mantissa === 0 || Number.isNaN(before.mantissa)) return 0;
    return after.mantissa === 0 ? 1 : 1 - 10 ** (log10(after) - log10(before));
  });
  return {
    mean: gains.reduce((a, b) => a + b, 0) / gains.length,
    largest: gains.reduce((a, b) => Math.max(a, b), 0),
  };
}
