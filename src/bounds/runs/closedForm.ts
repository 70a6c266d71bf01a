/** The ellipsoid with multipliers from closed-form rules, all in one sweep (docs/mathematics.md §4). */

import { stepCost } from '../../ellipsoid/memory/cost.ts';
import type { RuleName } from '../../ellipsoid/multipliers/closedForms.ts';
import { skipsOf } from '../../ellipsoid/multipliers/skips.ts';
import type { Norms } from '../../ellipsoid/norms/gains.ts';
import type { Rounding } from '../../ellipsoid/rounding/rounding.ts';
import { type Outcome, sweep } from '../../ellipsoid/sweep/sweep.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Program } from '../../program/program.ts';
import type { Ledger } from '../ledger.ts';
import { runCount } from '../paths/runCount.ts';
import type { Query } from '../query.ts';
import { NOT_DOMINATED, type Row, rowValue } from './rows.ts';

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
