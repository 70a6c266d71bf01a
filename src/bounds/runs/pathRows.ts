/** The rows of one path: the product of norms, closed forms, and the search from the best of them. */
import { normCost, programCost, stepsOf } from '../../ellipsoid/memory/cost.ts';
import type { RuleName } from '../../ellipsoid/multipliers/closedForms.ts';
import type { Norms } from '../../ellipsoid/norms/gains.ts';
import type { Rounding } from '../../ellipsoid/rounding/rounding.ts';
import type { Engine } from '../../engine/engine.ts';
import { scaled, times } from '../../scaled.ts';
import { Ledger } from '../ledger.ts';
import { type FixedPath, needsNorms, type Path, storedPath } from '../paths/path.ts';
import { runCount } from '../paths/runCount.ts';
import { wants } from '../query.ts';
import type { BoundTask } from '../task.ts';
import { AnyLength } from './anyLength.ts';
import { closedForms, closedRows } from './closedForm.ts';
import { least, type Row } from './rows.ts';
import { announceSearch } from './search.ts';
import type { SearchLog } from './searchLog.ts';
import { searchRows } from './searchRows.ts';
import { spectralProduct } from './spectralProduct.ts';
import { stopwatch } from './stopwatch.ts';

/** Every row of some paths, as it is found. */
export async function* pathRows(
  task: BoundTask,
  paths: readonly Path[],
  log: SearchLog,
): AsyncGenerator<Row> {
  for (const path of paths) if (path.kind !== 'any length') announce(task, path);
  for (const path of paths) {
    if (path.kind === 'any length') yield* anyLengthRows(task, new AnyLength(task, path), log);
    else yield* fixedRows(task, path, log);
  }
}

/** Tells the ledger what a path takes. What one for any length takes is seen on the way. */
function announce(task: BoundTask, path: FixedPath): void {
  const { query, ledger } = task;
  const { program, objection } = path;
  if (objection === undefined) {
    if (query.method !== 'spectral-product') ledger.announce(runCount(query.rules) * programCost(program));
    if (query.searches) announceSearch(task, program);
  }
  if (!needsNorms(query, path)) return;
  for (const { segment, k, step } of stepsOf(program)) {
    if (step.kind !== 'linear' && step.kind !== 'read') continue;
    for (const placed of step.terms) {
      if (placed.term.map.kind !== 'identity') ledger.announce(normCost(segment, k, placed));
    }
  }
}

async function* fixedRows(task: BoundTask, path: FixedPath, log: SearchLog): AsyncGenerator<Row> {
  const { engine, query, room, allowance, rounding, stop, ledger } = task;
  const { program, kind, objection, unrolledFrom } = path;
  const { pair, rules } = query;
  const options = { memory: room.bytes, rounding, signal: stop, ledger };
  const clock = stopwatch();
  let norms: Norms | undefined;
  if (needsNorms(query, path)) {
    const product = await spectralProduct(engine, program, { ...options, seconds: allowance.norms });
    norms = product.norms;
    const value = pair ? times(product.bound, scaled(Math.SQRT2)) : product.bound;
    const seconds = clock();
    if (kind === 'torus' && wants(query, 'spectral-product')) {
      const note = product.tested > 0 ? testedNote(product.tested, query.method === 'all') : undefined;
      yield { method: 'spectral-product', value, seconds, program, ...(note && { note }) };
    }
  }
  if (query.method === 'spectral-product' || objection !== undefined) return;
  const method = kind === 'torus' ? 'closed-form' : 'unrolled';
  const outcomes = await closedForms(engine, program, norms, rules, { ...options, method });
  const again = async (rule: RuleName, other: Engine, otherRounding: Rounding | undefined) => {
    const silent = { ...options, rounding: otherRounding, method, ledger: new Ledger(undefined) };
    const [found] = await closedForms(other, program, norms, [rule], silent);
    return found!;
  };
  const rows = closedRows(program, outcomes, { method, pair, seconds: clock() }).map((row): Row => {
    const rule = row.rule as RuleName;
    const where = unrolledFrom === undefined ? {} : { unrolledFrom };
    return { ...row, ...where, program, again: (...other) => again(rule, ...other) };
  });
  if (query.method !== 'refined') yield* rows;
  const best = least(rows);
  if (!query.searches || !best) return;
  yield* searchRows(task, log, { program, path: storedPath(path), best, clock });
}

async function* anyLengthRows(task: BoundTask, lengths: AnyLength, log: SearchLog): AsyncGenerator<Row> {
  const { query } = task;
  const clock = stopwatch();
  const stage = await lengths.closedForms();
  const seen = { method: 'closed-form', pair: query.pair, seconds: clock() } as const;
  const rows = closedRows(stage.program, stage.outcomes, seen).map(
    (row): Row => ({ ...row, length: stage.report }),
  );
  if (query.method !== 'refined') yield* rows;
  const best = least(rows);
  if (!query.searches || !best) return;
  const program = await lengths.searched(stage);
  announceSearch(task, program);
  yield* searchRows(task, log, {
    ...{ program, path: 'torus', best, clock },
    home: async (found) => {
      const { program, outcomes, report } = await lengths.refined(found.theta);
      return { program, outcome: outcomes[0]!, length: report };
    },
  });
}

/** @param unasked whether more would be done for who asks for it by name */
function testedNote(count: number, unasked: boolean): string {
  const which = `Of ${count} linear map${count === 1 ? '' : 's'} the norm is bounded by sums of entries (Schur's test)`;
  const ask = unasked ? '; ask for it with --method spectral-product' : '';
  return `${which}, as computing it would take too long or too much memory${ask}.`;
}
