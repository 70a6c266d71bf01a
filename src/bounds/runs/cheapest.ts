/** The bound that is there in no time: what a call answers whose time was over before anything else. */
import { InputError } from '../../errors.ts';
import { Ledger } from '../ledger.ts';
import type { Path } from '../paths/path.ts';
import type { BoundTask } from '../task.ts';
import { ofPair, type Row } from './rows.ts';
import { spectralProduct } from './spectralProduct.ts';
import { stopwatch } from './stopwatch.ts';

/**
 * The product of norms, each of them bounded by sums of entries.
 * @throws InputError where not even that is known: signals of any length
 */
export async function cheapestRow(task: BoundTask, paths: readonly Path[]): Promise<Row> {
  const { engine, room, rounding, signal, query } = task;
  const path = paths.find((one) => one.kind !== 'any length');
  if (!path)
    throw new InputError('time limit: it must leave time for a first bound, and was over before; raise it');
  const clock = stopwatch();
  const { bound } = await spectralProduct(engine, path.program, {
    ...{ memory: room.bytes, seconds: 0, rounding, signal, ledger: new Ledger(undefined) },
  });
  return {
    method: 'spectral-product',
    value: ofPair(path.program, bound, query.pair),
    seconds: clock(),
    program: path.program,
    note: "The time limit was over before any method came to its end: this is the product of norms that are bounded by sums of entries (Schur's test), far above what more time gives.",
  };
}
