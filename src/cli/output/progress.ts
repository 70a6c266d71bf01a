/** Progress on stderr: a redrawn bar for people, a plain line now and then for logs. */

import type { Progress } from '../../bounds/result.ts';
import { formatBound, formatDuration } from './format.ts';
import { type Output, printLines, redraw } from './terminal.ts';

/** Milliseconds between two drawings. */
const REDRAW = 100;
/** Milliseconds between two plain lines; work shorter than this prints none. */
const PLAIN = 10_000;
const BAR_WIDTH = 24;

export interface ProgressDisplay {
  show(progress: Progress): void;
  /** Takes the bar off the screen. */
  clear(): void;
}

/** `now` gives milliseconds on any monotonic clock. */
export function progressDisplay(
  output: Output,
  now: () => number = () => performance.now(),
): ProgressDisplay {
  const interval = output.interactive ? REDRAW : PLAIN;
  let start: { readonly time: number; readonly done: number } | undefined;
  let drawn = now() + (output.interactive ? -REDRAW : 0);
  return {
    show(progress) {
      const time = now();
      start ??= { time, done: progress.done };
      if (time - drawn < interval) return;
      drawn = time;
      const left = secondsLeft(progress, start, time);
      if (output.interactive) redraw(output, barLine(progress, left));
      else printLines(output, [plainLine(progress, left)]);
    },
    clear() {
      if (output.interactive && start !== undefined) redraw(output, '');
    },
  };
}

/** NaN while nothing has been done to judge the speed by. */
function secondsLeft(progress: Progress, start: { time: number; done: number }, time: number): number {
  const done = progress.done - start.done;
  if (!(done > 0)) return Number.NaN;
  const seconds = ((time - start.time) / 1000) * ((progress.total - progress.done) / done);
  // Whatever is left to do then.
  return Math.min(seconds, progress.limit ?? Infinity);
}

function fraction(progress: Progress): number {
  const share = progress.done / progress.total;
  return share > 0 ? Math.min(1, share) : 0;
}

function description(progress: Progress, left: number): string {
  const soFar = progress.log10 === undefined ? '' : `, bound ${formatBound(null, progress.log10)} so far`;
  const time = Number.isFinite(left) ? `, ${formatDuration(left)} left` : '';
  return `${progress.method}: ${progress.layer}${soFar}${time}`;
}

function percentage(progress: Progress): string {
  return `${String(Math.floor(100 * fraction(progress))).padStart(3)} %`;
}

function barLine(progress: Progress, left: number): string {
  const filled = Math.round(BAR_WIDTH * fraction(progress));
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${bar} ${percentage(progress)}  ${description(progress, left)}`;
}

function plainLine(progress: Progress, left: number): string {
  return `${percentage(progress)}  ${description(progress, left)}`;
}
