/** Work announced and work done, in floating-point operations, across the methods of one call. */
import type { Progress } from './result.ts';

export class Ledger {
  #done = 0;
  #total = 0;
  #log10: number | undefined;
  readonly #listener: ((progress: Progress) => void) | undefined;
  readonly #end: number;

  /** @param end of the call, on `performance.now()` */
  constructor(listener: ((progress: Progress) => void) | undefined, end = Infinity) {
    this.#listener = listener;
    this.#end = end;
  }

  announce(work: number): void {
    this.#total += work;
  }

  /** Takes note of a bound, given by its decimal logarithm. */
  found(log10: number): void {
    if (!(log10 >= (this.#log10 ?? Infinity))) this.#log10 = log10;
  }

  add(method: string, layer: string, work: number): void {
    this.#done += work;
    this.#listener?.({
      ...{ method, layer, done: this.#done, total: Math.max(this.#total, this.#done) },
      ...(this.#end === Infinity ? {} : { limit: Math.max(0, (this.#end - performance.now()) / 1000) }),
      ...(this.#log10 === undefined ? {} : { log10: this.#log10 }),
    });
  }
}
