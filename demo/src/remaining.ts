/** How long work will still take, judged by what has been done. */

/** Work at the moment when it was last heard of. Times are milliseconds on `performance.now()`. */
export interface Heard {
  readonly started: number;
  readonly at: number;
  /** Of the work, from 0 to 1. */
  readonly share: number;
  /** Seconds from `at` on after which it ends in any case. */
  readonly limit?: number;
}

/** Before so much of the work is done nothing can be said of the rest. */
const LEAST_SHARE = 0.02;

/**
 * In words, or nothing where there is nothing to judge by. Between two pieces of news the time runs down: what is slow to
 * come makes nobody think that all will take longer.
 */
export function remaining({ started, at, share, limit = Infinity }: Heard, now: number): string | undefined {
  const judged = share >= LEAST_SHARE ? ((at - started) / 1000) * ((1 - share) / share) : Infinity;
  const passed = (now - at) / 1000;
  const left = Math.max(0, Math.min(judged, limit) - passed);
  if (!Number.isFinite(left)) return undefined;
  return judged < limit ? `about ${roughly(left)} left` : `at most ${roughly(left)} left`;
}

/** No more digits than are known of what is to come. */
function roughly(seconds: number): string {
  if (seconds < 1) return '1 s';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
