/** Work announced and work done, in floating-point operations, across the methods of one call. */
import type { Progress } from './result.ts';

export class Ledger {
  #done = 0;
  #total = 0;
  readonly #listener: ((progress: Progress) => void) | undefined;

  constructor(listener: ((progress: Progress) => void) | undefined) {
    this.#listener = listener;
  }

  announce(work: number): void {
    this.#total += work;
  }

  add(method: string, layer: string, work: number): void {
    this.#done += work;
    this.#listener?.({ method, layer, done: this.#done, total: Math.max(this.#total, this.#done) });
  }
}
