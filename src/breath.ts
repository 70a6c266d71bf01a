/** Long work on one thread lets others have their turn of the event loop: signals, timers, whoever wants to end it. */

/** Milliseconds that work goes on for before others get a turn. */
const PATIENCE = 15;

export class Breath {
  readonly #signal: AbortSignal | undefined;
  #last = performance.now();

  /** @param signal ends the work when it is aborted */
  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Lets the event loop turn if it has not for some milliseconds; else there is nothing to wait for.
   *  @throws the signal's reason when it is aborted */
  async taken(): Promise<void> {
    if (performance.now() - this.#last < PATIENCE) return;
    await turn();
    this.#last = performance.now();
    this.#signal?.throwIfAborted();
  }
}

/** A turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve);
  });
}
