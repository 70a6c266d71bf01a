/** Work announced and work done, in floating-point operations, across the methods of one call. */
import type { Progress } from './result.ts';

export class Ledger {
  #done = 0;
  #total = 0;
  /** Of searches, still to do. */
  #search = 0;
  #seconds = 0;
  #deadline: number | undefined;
  #log10: number | undefined;
  readonly #listener: ((progress: Progress) => void) | undefined;

  constructor(listener: ((progress: Progress) => void) | undefined) {
    this.#listener = listener;
  }

  announce(work: number): void {
    this.#total += work;
  }

  /** Of searches, which end at a limit that they share. @param seconds counted from `searching` on */
  announceSearch(work: number, seconds: number): void {
    this.announce(work);
    this.#search += work;
    this.#seconds = seconds;
  }

  /** @param deadline on `performance.now()` */
  searching(deadline: number): void {
    this.#deadline = deadline;
  }

  /** Takes note of a bound, given by its decimal logarithm. */
  found(log10: number): void {
    if (!(log10 >= (this.#log10 ?? Infinity))) this.#log10 = log10;
  }

  add(method: string, layer: string, work: number): void {
    this.#done += work;
    this.#listener?.({
      ...{ method, layer, done: this.#done, total: Math.max(this.#total, this.#done) },
      ...this.#limited(),
      ...(this.#log10 === undefined ? {} : { log10: this.#log10 }),
    });
  }

  /** Once a search has begun, closed forms that are still to come, of programs in proportion, count for nothing beside it. */
  #limited(): Pick<Progress, 'search'> {
    if (this.#deadline === undefined) {
      return this.#search > 0 ? { search: { work: this.#search, seconds: this.#seconds } } : {};
    }
    const seconds = Math.max(0, (this.#deadline - performance.now()) / 1000);
    return { search: { work: Math.max(0, this.#total - this.#done), seconds } };
  }

  /** The same for work of a search. */
  addSearch(method: string, layer: string, work: number): void {
    this.#search = Math.max(0, this.#search - work);
    this.add(method, layer, work);
  }
}
