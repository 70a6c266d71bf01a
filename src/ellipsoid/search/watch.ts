/** What a search may still do, what it has done, and what that has gained. */
import type { Relative } from '../multipliers/relative.ts';
import type { Ending } from './lbfgs.ts';

export interface WatchOptions {
  /** Gradient evaluations at most. */
  readonly evaluations: number;
  /** Milliseconds on `performance.now()` by which the last evaluation is to have ended: none starts that would not have, if it takes as long
   *  as those before. */
  readonly deadline: number;
  /** Ends the search; the best so far is still brought home. */
  readonly interrupt?: AbortSignal | undefined;
  /** Cancels it. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvaluation?: (evaluation: SearchProgress) => void;
  /** Called with the multipliers of every better bound. */
  readonly onFound?: ((theta: Relative) => void) | undefined;
}

export interface SearchProgress {
  readonly evaluation: number;
  /** ln of the best bound so far (of the frequencies searched). */
  readonly bound: number;
  /** True where the search sees all frequencies, so that `bound` holds. */
  readonly complete: boolean;
  /** The work that has been done since the last, in gradients at all frequencies. */
  readonly work: number;
}

export type Status = 'converged' | 'evaluations' | 'time limit' | 'interrupted';

/** Evaluations that the gain is told of. */
const PATIENCE = 10;

export class Watch {
  readonly #options: WatchOptions;
  readonly #trace: number[] = [];
  #outOfTime = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  get evaluations(): number {
    return this.#trace.length;
  }

  get interrupted(): boolean {
    return this.#options.interrupt?.aborted === true;
  }

  get cancelled(): boolean {
    return this.#options.signal?.aborted === true;
  }

  /** Whether another evaluation may begin. @param until evaluations at most @param takes milliseconds that it takes, with what has to follow */
  proceed(takes: number, until = Infinity): boolean {
    if (this.evaluations >= Math.min(until, this.#options.evaluations) || this.interrupted) return false;
    this.#outOfTime = performance.now() + takes >= this.#options.deadline;
    return !this.#outOfTime;
  }

  /** Takes note of an evaluation. @param best ln of the best bound so far that is one of all frequencies, if that is known */
  evaluated(best: number, shown: Omit<SearchProgress, 'evaluation'>): void {
    this.#trace.push(best);
    this.shown(shown);
  }

  /** Tells of what has been found, without an evaluation of its own. */
  shown(shown: Omit<SearchProgress, 'evaluation'>): void {
    this.#options.onEvaluation?.({ evaluation: this.evaluations, ...shown });
  }

  /** There are better multipliers than all before. */
  found(theta: Relative): void {
    this.#options.onFound?.(theta);
  }

  /** The last evaluation has led to a better bound. */
  improved(best: number): void {
    this.#trace[this.#trace.length - 1] = best;
  }

  status(ending: Ending): Status {
    if (this.interrupted) return 'interrupted';
    if (ending === 'converged') return 'converged';
    return this.#outOfTime ? 'time limit' : 'evaluations';
  }

  /** What the last evaluations gained, from the first one on that had a bound. */
  get gain(): { readonly gap: number; readonly over: number } {
    const last = this.#trace.slice(-1 - PATIENCE).filter((bound) => bound < Infinity);
    if (last.length === 0) return { gap: 0, over: 0 };
    return { gap: Math.expm1(last[0]! - last.at(-1)!), over: last.length - 1 };
  }
}
