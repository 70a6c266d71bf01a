/** Progress on stderr: a redrawn bar for people, a plain line now and then for logs. */

import type { Progress } from '../bounds/result.ts';
import { formatBound, formatDuration } from './format.ts';
import type { Output } from './terminal.ts';

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
      const text = output.interactive ? barLine(progress, left) : plainLine(progress, left);
      output.write(output.interactive ? `\r\u001b[2K${truncate(text, output.columns - 1)}` : `${text}\n`);
    },
    clear() {
      if (output.interactive && start !== undefined) output.write('\r\u001b[2K');
    },
  };
}

/** NaN while nothing has been done to judge the speed by. */
function secondsLeft(progress: Progress, start: { time: number; done: number }, time: number): number {
  const done = progress.done - start.done;
  return done > 0 ? ((time - start.time) / 1000) * ((progress.total - progress.done) / done) : Number.NaN;
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

function percent(progress: Progress): string {
  return `${String(Math.floor(100 * fraction(progress))).padStart(3)} %`;
}

function barLine(progress: Progress, left: number): string {
  const filled = Math.round(BAR_WIDTH * fraction(progress));
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${bar} ${percent(progress)}  ${description(progress, left)}`;
}

function plainLine(progress: Progress, left: number): string {
  return `${percent(progress)}  ${description(progress, left)}`;
}

/** A line wider than the terminal would wrap, and the next redraw leave half of it behind. */
function truncate(text: string, columns: number): string {
  const characters = [...text];
  return characters.length <= columns ? text : `${characters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}
