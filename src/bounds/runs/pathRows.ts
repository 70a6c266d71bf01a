/** The rows of some paths: products of norms and closed forms first, then the searches from the best of them. */
import { normCost, programCost, stepsOf } from '../../ellipsoid/memory/cost.ts';
import type { Norms } from '../../ellipsoid/norms/gains.ts';
import { type FixedPath, needsNorms, type Path, storedPath } from '../paths/path.ts';
import { runCount } from '../paths/runCount.ts';
import { wants } from '../query.ts';
import type { BoundTask } from '../task.ts';
import { AnyLength } from './anyLength.ts';
import { closedFormRows, closedRows } from './closedForm.ts';
import { least, ofPair, type Row } from './rows.ts';
import { announceSearch } from './search.ts';
import type { SearchLog } from './searchLog.ts';
import { type SearchStart, searchRows } from './searchRows.ts';
import { spectralProduct } from './spectralProduct.ts';
import { stopwatch } from './stopwatch.ts';

/** A search that can begin. */
interface Opening {
  /** A closed form: where the search starts. */
  readonly best: Row;
  readonly open: () => Promise<SearchStart>;
}

/** Every row of some paths, as it is found. */
export async function* pathRows(
  task: BoundTask,
  paths: readonly Path[],
  log: SearchLog,
): AsyncGenerator<Row> {
  for (const path of paths) if (path.kind !== 'any length') announce(task, path);
  const openings: Opening[] = [];
  try {
    for (const path of paths) {
      const opening = yield* path.kind === 'any length'
        ? anyLengthRows(task, new AnyLength(task, path))
        : fixedRows(task, path);
      if (opening) openings.push(opening);
    }
    while (openings.length > 0) {
      yield* searchRows(task, log, await openings[0]!.open(), openings.length);
      openings.shift();
    }
  } catch (error) {
    // Where only what searches find is asked for, the closed forms that they would have started from have not been told of.
    if (task.query.method === 'refined') for (const { best } of openings) yield best;
    throw error;
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

async function* fixedRows(task: BoundTask, path: FixedPath): AsyncGenerator<Row, Opening | undefined> {
  const { query } = task;
  const { program, kind, objection } = path;
  let norms: Norms | undefined;
  if (needsNorms(query, path)) {
    const product = await productRow(task, path);
    norms = product.norms;
    if (kind === 'torus' && wants(query, 'spectral-product')) yield product.row;
  }
  if (query.method === 'spectral-product' || objection !== undefined) return undefined;
  const { rows, passSeconds } = yield* closedFormRows(task, path, norms);
  const best = least(rows);
  if (!query.searches || !best) return undefined;
  return { best, open: async () => ({ program, path: storedPath(path), best, passSeconds }) };
}

/** The product of norms, those as exact as time and memory allow. */
async function productRow(
  task: BoundTask,
  { program }: FixedPath,
): Promise<{ readonly row: Row; readonly norms: Norms }> {
  const { query, allowance } = task;
  const clock = stopwatch();
  const { bound, norms, tested } = await spectralProduct(task.engine, program, {
    ...{ memory: task.room.bytes, signal: task.stop, ledger: task.ledger },
    // Rules only choose by them.
    ...(wants(query, 'spectral-product') ? { rounding: task.rounding } : { about: true }),
    seconds: allowance.norms,
    // What follows is worth more.
    until:
      performance.now() +
      (query.method === 'spectral-product' ? 1 : PART_OF_NORMS) * 1000 * task.deadline.left,
  });
  const value = ofPair(bound, query.pair);
  const note = tested > 0 ? testedNote(tested, query.method === 'all') : undefined;
  return {
    norms,
    row: { method: 'spectral-product', value, seconds: clock(), program, ...(note && { note }) },
  };
}

/** Of the time that is left when they begin, what norms may take. */
const PART_OF_NORMS = 0.3;

async function* anyLengthRows(task: BoundTask, lengths: AnyLength): AsyncGenerator<Row, Opening | undefined> {
  const { query } = task;
  const clock = stopwatch();
  const stage = await lengths.closedForms();
  const seconds = clock();
  const seen = { method: 'closed-form', pair: query.pair, seconds } as const;
  const rows = closedRows(stage.program, stage.outcomes, seen).map(
    (row): Row => ({ ...row, length: stage.report }),
  );
  if (query.method !== 'refined') yield* rows;
  const best = least(rows);
  if (!query.searches || !best) return undefined;
  return {
    best,
    open: async () => {
      const program = await lengths.searched(stage);
      announceSearch(task, program);
      return {
        ...{ program, path: 'torus', best },
        // The last pass is made twice, with the gaps between frequencies and without.
        passSeconds: (2 * seconds) / runCount(query.rules),
        home: async (found) => {
          const { program, outcomes, report } = await lengths.refined(found.theta);
          return { program, outcome: outcomes[0]!, length: report };
        },
      };
    },
  };
}

/** @param unasked whether more would be done for who asks for it by name */
function testedNote(count: number, unasked: boolean): string {
  const which = `Of ${count} linear map${count === 1 ? '' : 's'} the norm is bounded by sums of entries (Schur's test)`;
  const ask = unasked ? '; ask for it with --method spectral-product' : '';
  return `${which}, as computing it would take too long or too much memory${ask}.`;
}
