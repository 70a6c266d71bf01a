/** What the searches of one call have in common: a trace. */
import type { BoundOptions, TracePoint } from '../result.ts';
import type { BoundTask } from '../task.ts';

export class SearchLog {
  /** Every evaluation so far. */
  readonly trace: TracePoint[] = [];
  readonly #task: BoundTask;
  readonly #listener: BoundOptions['onTrace'];

  constructor(task: BoundTask, listener: BoundOptions['onTrace']) {
    this.#task = task;
    this.#listener = listener;
  }

  add(point: Omit<TracePoint, 'seconds'>): void {
    const { start, ledger, query } = this.#task;
    const full = { ...point, seconds: (performance.now() - start) / 1000 };
    this.trace.push(full);
    if (!point.estimate && query.target !== 'margins') ledger.found(point.log10);
    this.#listener?.(full);
  }
}
