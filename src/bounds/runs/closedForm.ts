/** The ellipsoid with multipliers from closed-form rules (docs/mathematics.md §4): all in one sweep, or the best of them first. */

import { stepCost } from '../../ellipsoid/memory/cost.ts';
import { secondsOf } from '../../ellipsoid/memory/seconds.ts';
import type { RuleName } from '../../ellipsoid/multipliers/closedForms.ts';
import { skipsOf } from '../../ellipsoid/multipliers/skips.ts';
import type { Norms } from '../../ellipsoid/norms/gains.ts';
import type { Rounding } from '../../ellipsoid/rounding/rounding.ts';
import { type Outcome, sweep } from '../../ellipsoid/sweep/sweep.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Program } from '../../program/program.ts';
import { Ledger } from '../ledger.ts';
import type { FixedPath } from '../paths/path.ts';
import { runCount } from '../paths/runCount.ts';
import type { Query } from '../query.ts';
import type { BoundTask } from '../task.ts';
import { NOT_DOMINATED, type Row, rowValue } from './rows.ts';
import { stopwatch } from './stopwatch.ts';

/** @param norms of the program's maps; only needed where something lives on beside a nonlinearity (`hasSkips`) */
export function closedForms(
  engine: Engine,
  program: Program,
  norms: Norms | undefined,
  rules: readonly RuleName[],
  options: {
    method: string;
    memory: number;
    rounding?: Rounding | undefined;
    signal?: AbortSignal | undefined;
    ledger: Ledger;
  },
): Promise<Outcome[]> {
  return sweep(engine, program, {
    runs: rules.map((name) => ({ name })),
    memory: options.memory,
    rounding: options.rounding,
    skips: norms ? skipsOf(program, norms) : new Map(),
    signal: options.signal,
    onStep: (segment, k, runs) => {
      const layer = segment.steps[k]!.after.at(-1)!.variable.name;
      options.ledger.add(options.method, layer, runCount(runs.map((r) => r.name)) * stepCost(segment, k));
    },
  });
}

/** A row for every outcome of a sweep. @param seconds that all of them took together */
export function closedRows(
  program: Program,
  outcomes: readonly Outcome[],
  { method, pair, seconds }: Pick<Row, 'method' | 'seconds'> & Pick<Query, 'pair'>,
): Row[] {
  return outcomes.map((outcome): Row => {
    const value = rowValue(program, outcome, pair);
    const failed = Number.isNaN(value.mantissa);
    const row = { method, rule: outcome.name as RuleName, seconds } as const;
    return failed ? { ...row, error: NOT_DOMINATED } : { ...row, value, program, outcome };
  });
}

/** Seconds, and the part of those that are left, that all rules in one sweep may take by the estimate: what goes on longer says
 *  something first. */
const AT_ONCE = 2;
const PART_AT_ONCE = 0.1;
/** Of the time that is left, what further rules may take before a search, and where there is none. */
const PART_BEFORE_SEARCH = 0.3;
const PART_OF_RULES = 0.9;

/** The best of the cheap rules first: one of these three is within a few percent of the best of all on networks that were tried. */
const FIRST: readonly (readonly RuleName[])[] = [['GC(1.5)'], ['GC(1.7)', 'Shift(1.7)']];

/**
 * The rows of all rules that are asked for, or of as many as the time allows.
 * Yields them, but where only what searches find is asked for; returns them, with the seconds that one run took.
 */
export async function* closedFormRows(
  task: BoundTask,
  path: FixedPath,
  norms: Norms | undefined,
): AsyncGenerator<Row, { readonly rows: readonly Row[]; readonly passSeconds: number }> {
  const { engine, query, room, rounding, stop, ledger, deadline, interrupt } = task;
  const { program, kind, unrolledFrom } = path;
  const method = kind === 'torus' ? 'closed-form' : 'unrolled';
  const options = { memory: room.bytes, rounding, signal: stop, ledger, method };
  const where = unrolledFrom === undefined ? {} : { unrolledFrom };
  const again = async (rule: RuleName, other: Engine, otherRounding: Rounding | undefined) => {
    const memory = other === engine ? room.bytes : room.host;
    const silent = { ...options, memory, rounding: otherRounding, ledger: new Ledger(undefined) };
    const [found] = await closedForms(other, program, norms, [rule], silent);
    return found!;
  };
  const told = query.method !== 'refined';
  const estimate = secondsOf(program);
  const rows: Row[] = [];
  const left: RuleName[] = [];
  let passSeconds = 0;
  try {
    for (const rules of groups(query.rules, estimate, deadline.left)) {
      const runs = runCount(rules);
      const most = (query.searches ? PART_BEFORE_SEARCH : PART_OF_RULES) * deadline.left;
      if (rows.length > 0 && passSeconds * runs > most) {
        left.push(...rules);
        continue;
      }
      const clock = stopwatch();
      const outcomes = await closedForms(engine, program, norms, rules, options);
      const seconds = clock();
      passSeconds = seconds / runs;
      const found = closedRows(program, outcomes, { method, pair: query.pair, seconds }).map((row): Row => {
        const rule = row.rule as RuleName;
        return { ...row, ...where, program, again: (...other) => again(rule, ...other) };
      });
      rows.push(...found);
      if (told) yield* found;
    }
  } catch (error) {
    if (!told) yield* rows;
    if (deadline.over && !interrupt?.aborted)
      yield { method, ...where, seconds: 0, error: UNFINISHED, late: true };
    throw error;
  }
  if (left.length > 0) {
    const error = leftOut(left, passSeconds * runCount(left));
    yield { method, ...where, seconds: 0, error, late: true };
  }
  return { rows, passSeconds };
}

/** Rules that run together. @param estimate of the seconds of one run @param left seconds until the deadline */
function groups(
  rules: readonly RuleName[],
  estimate: number,
  left: number,
): readonly (readonly RuleName[])[] {
  if (estimate * runCount(rules) <= Math.min(AT_ONCE, PART_AT_ONCE * left)) return [rules];
  const first = FIRST.map((group) => group.filter((rule) => rules.includes(rule)));
  const rest = rules.filter((rule) => !FIRST.flat().includes(rule));
  const [mixed, others] = [rest.filter((rule) => rule === 'mixed'), rest.filter((rule) => rule !== 'mixed')];
  return [...first, others, mixed].filter((group) => group.length > 0);
}

const UNFINISHED = 'the time limit was over before it came to its end; --time-limit gives it time';

function leftOut(rules: readonly RuleName[], seconds: number): string {
  return `the time limit leaves out ${rules.join(', ')}: about ${seconds.toPrecision(2)} s more; --rule NAME runs one of them, --time-limit gives them time`;
}
