/** The time that a call may take, for all that it does. */

/** The longest delay of a timer: 24 days. */
const LONGEST = 2 ** 31 - 1;

export class Deadline {
  #end = Infinity;
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param end on `performance.now()`; Infinity: there is none */
  constructor(end: number) {
    this.hasten(end);
  }

  /** On `performance.now()`, in milliseconds. */
  get end(): number {
    return this.#end;
  }

  /** From now on it ends at `end`, if that is before. */
  hasten(end: number): void {
    if (!(end < this.#end)) return;
    this.#end = end;
    this.close();
    if (this.over) this.#controller.abort(reason());
    else
      this.#timer = setTimeout(() => this.#controller.abort(reason()), Math.min(LONGEST, this.left * 1000));
  }

  /** Aborted at the end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Timers may be a little early: who has been aborted is not told that there is time. */
  get over(): boolean {
    return this.#controller.signal.aborted || performance.now() >= this.#end;
  }

  /** Seconds until the end, 0 when it is over. */
  get left(): number {
    return Math.max(0, (this.#end - performance.now()) / 1000);
  }

  /** Lets go of the timer. */
  close(): void {
    clearTimeout(this.#timer);
  }
}

function reason(): Error {
  return new Error('the time limit is over');
}
