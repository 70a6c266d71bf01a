/** The main job: every method that fits, the least bound of all. */
import { createEngine } from '../engine/create.ts';
import { engineOf } from '../engine/engineOf.ts';
import { lent } from '../engine/scope.ts';
import type { Network } from '../network/network.ts';
import { weighted } from '../network/norms/balls.ts';
import { isLess, log10, type Scaled } from '../scaled.ts';
import { entryRow } from './entryRow.ts';
import { lowerBoundOf } from './lower/lowerBound.ts';
import { checkWeights } from './options.ts';
import { beyondOf, pathPlan } from './paths/plan.ts';
import { queryOf } from './query.ts';
import { methodResult } from './report/numbers.ts';
import { reportOf } from './report/report.ts';
import type { BoundOptions, BoundResult, ExactReport, LowerBound } from './result.ts';
import { cheapestRow } from './runs/cheapest.ts';
import { pairFindings } from './runs/pairs.ts';
import { pathRows } from './runs/pathRows.ts';
import { repeatedRows } from './runs/repetition.ts';
import type { Row } from './runs/rows.ts';
import { SearchLog } from './runs/searchLog.ts';
import { type BoundTask, boundTask } from './task.ts';

/**
 * Bounds the Lipschitz constant of a network: ‖f(x) − f(y)‖ ≤ bound · ‖x − y‖ for all inputs x, y, in ℓ2 or the norms that are asked for.
 *
 * @throws UnsupportedError where no method covers the network: lists every node that stands in the way
 * @throws InputError for options that make no sense
 * @throws the signal's reason when it is aborted
 */
export async function bound(given: Network, options: BoundOptions = {}): Promise<BoundResult> {
  const { weights } = options;
  if (weights) checkWeights(given, weights);
  const network = weights ? weighted(given, Float64Array.from(weights)) : given;
  const query = queryOf(network, options);
  const engine = options.engine ? engineOf(options.engine) : await createEngine();
  try {
    return await lent(engine, async (own) => {
      const task = boundTask(own, network, options, query);
      try {
        const result = await answer(task, options);
        return weights ? { ...result, weights: Float64Array.from(weights) } : result;
      } finally {
        task.close();
      }
    });
  } finally {
    if (!options.engine) await engine.close();
  }
}

async function answer(
  task: BoundTask,
  { onTrace, onMethod }: Pick<BoundOptions, 'onTrace' | 'onMethod'>,
): Promise<BoundResult> {
  const { paths, refusals, leftOut } = pathPlan(task);
  const log = new SearchLog(task, onTrace);
  const found: Row[] = refusals.map((refusal) => ({ ...refusal, seconds: 0 }));
  const hasValue = () => found.some((row) => row.value !== undefined);
  try {
    for await (const row of pathRows(task, paths, log)) {
      found.push(row);
      if (row.value && row.value.mantissa > 0) task.ledger.found(log10(row.value));
      onMethod?.(methodResult(row));
    }
    const { exactRow } = await import('./exact/row.ts');
    const exact = await exactRow(task);
    if (exact) {
      found.push(exact);
      onMethod?.(methodResult(exact));
    }
    const beyond = beyondOf(paths);
    if (beyond && !hasValue()) throw beyond;
  } catch (error) {
    // An interruption keeps what has been found, and so does the end of the time.
    const { signal, interrupt, deadline } = task;
    if (signal?.aborted || !(interrupt?.aborted || deadline.over)) throw error;
    if (!hasValue()) {
      if (interrupt?.aborted) throw error;
      found.push(await cheapestRow(task, paths));
    }
  }
  const pairs = await pairFindings(task, found);
  const entries = await entryRow(task, found);
  if (entries) found.push(entries);
  const { rows, note } = await repeatedRows(task, found);
  const values = rows.flatMap(({ value }) => value ?? []);
  const least = values.reduce<Scaled | undefined>((a, b) => (a && !isLess(b, a) ? a : b), undefined);
  const exact = rows.find((row) => row.exact)?.exact;
  const lower = steeper(task, exact, await lowerBoundOf(task, least));
  const said = [...rows.map((row) => row.note), note, typeof lower === 'string' ? lower : undefined];
  const notes = said.filter((n) => n !== undefined);
  return reportOf(task, {
    ...{ rows, leftOut, trace: log.trace, pairs, notes },
    lower: typeof lower === 'string' ? undefined : lower,
  });
}

/** The lower bound of branch and bound, where nothing larger was sampled. */
function steeper(
  { query }: BoundTask,
  exact: ExactReport | undefined,
  sampled: LowerBound | string | undefined,
): LowerBound | string | undefined {
  if (!query.lower || !exact || !(exact.lower > 0)) return sampled;
  if (typeof sampled === 'object' && (sampled.value ?? Infinity) > exact.lower) return sampled;
  const { lower: value } = exact;
  return { value, log10: Math.log10(value), assurance: 'rounding-safe', seed: query.seed, seconds: 0 };
}
