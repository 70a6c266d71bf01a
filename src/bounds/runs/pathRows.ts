/** The rows of some paths: products of norms and closed forms first, then the searches from the best of them. */
import { normCost, programCost, stepsOf } from '../../ellipsoid/memory/cost.ts';
import { secondsOf } from '../../ellipsoid/memory/seconds.ts';
import { hasSkips } from '../../ellipsoid/multipliers/skips.ts';
import type { Norms } from '../../ellipsoid/norms/gains.ts';
import { normsOf } from '../../ellipsoid/norms/norms.ts';
import { precisionOf } from '../../engine/precision.ts';
import { isEuclidean } from '../../network/norms/norm.ts';
import type { Program } from '../../program/program.ts';
import { type FixedPath, needsNorms, type Path, storedPath } from '../paths/path.ts';
import { runCount } from '../paths/runCount.ts';
import { wants, wantsPasses } from '../query.ts';
import type { BoundTask } from '../task.ts';
import { AnyLength } from './anyLength.ts';
import { closedFormRows, closedRows } from './closedForm.ts';
import { moduliProduct } from './moduliProduct.ts';
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
  if (wants(task.query, 'moduli-product') && !isEuclidean(task.query.norms)) yield await moduliRow(task);
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

async function moduliRow({ original, query, stop }: BoundTask): Promise<Row> {
  const clock = stopwatch();
  const found = await moduliProduct(original, query.norms, query.pair, stop);
  return { method: 'moduli-product', ...found, seconds: clock() };
}

/** Tells the ledger what a path takes. What one for any length takes is seen on the way. */
function announce(task: BoundTask, path: FixedPath): void {
  const { query, ledger } = task;
  const { program, objection } = path;
  if (objection === undefined) {
    if (wantsPasses(query)) ledger.announce(runCount(query.rules) * programCost(program));
    if (query.searches) announceSearch(task, program);
  }
  if (!needsNorms(query, path)) return;
  for (const { segment, k, step } of stepsOf(program)) {
    if (step.kind !== 'linear' && step.kind !== 'read') continue;
    for (const placed of step.terms) {
      const { kind } = placed.term.map;
      if (kind !== 'identity' && kind !== 'pick') ledger.announce(normCost(segment, k, placed));
    }
  }
}

async function* fixedRows(task: BoundTask, path: FixedPath): AsyncGenerator<Row, Opening | undefined> {
  const { query } = task;
  const { program, kind, objection } = path;
  let norms: Norms | undefined;
  if (needsNorms(query, path)) {
    const tests = passesFirst(task, path);
    const product = await productRow(task, path, tests);
    if (kind === 'torus' && wants(query, 'spectral-product')) yield product.row;
    norms = tests ? await aboutNorms(task, program) : product.norms;
  }
  if (!wantsPasses(query) || objection !== undefined) return undefined;
  const { rows, passSeconds } = yield* closedFormRows(task, path, norms);
  const best = least(rows);
  if (!query.searches || !best) return undefined;
  return { best, open: async () => ({ program, path: storedPath(path), best, passSeconds }) };
}

/** Whether passes are to follow that take so much of the time that it is all for them: they say far more than norms. */
function passesFirst({ query, engine, deadline }: BoundTask, { program, objection }: FixedPath): boolean {
  if (query.method !== 'all' || objection !== undefined) return false;
  return precisionOf(engine.information) === 'double' && secondsOf(program) > PART_OF_PASS * deadline.left;
}

/** Norms that rules choose by, about. */
async function aboutNorms(
  { engine, room, stop, allowance }: BoundTask,
  program: Program,
): Promise<Norms | undefined> {
  if (!hasSkips(program)) return undefined;
  const options = { memory: room.bytes, signal: stop, seconds: allowance.norms };
  return normsOf(engine, program, { ...options, about: true });
}

/** The product of norms, those as exact as time and memory allow. @param tests: all of them by sums of entries */
async function productRow(
  task: BoundTask,
  { program }: FixedPath,
  tests: boolean,
): Promise<{ readonly row: Row; readonly norms: Norms }> {
  const { query, allowance } = task;
  const clock = stopwatch();
  const { bound, norms, tested } = await spectralProduct(task.engine, program, {
    ...{ memory: task.room.bytes, signal: task.stop, ledger: task.ledger },
    // Rules only choose by them.
    ...(wants(query, 'spectral-product') ? { rounding: task.rounding } : { about: true }),
    seconds: tests ? 0 : allowance.norms,
    // What follows is worth more.
    until:
      performance.now() +
      (query.method === 'spectral-product' ? 1 : PART_OF_NORMS) * 1000 * task.deadline.left,
  });
  const value = ofPair(program, bound, query.pair);
  const note = tested > 0 ? testedNote(tested, query.method === 'all') : undefined;
  return {
    norms,
    row: { method: 'spectral-product', value, seconds: clock(), program, ...(note && { note }) },
  };
}

/** Of the time that is left when they begin, what norms may take. */
const PART_OF_NORMS = 0.3;
/** Of it, what a pass may take, by the estimate, where there is time for norms as well: in float64, as the rates are. */
const PART_OF_PASS = 0.1;

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
