/**
 * Whether the command line keeps to its time, and hears who wants it to end: after `npm run build`,
 *
 *     npx tsx bench/limits/main.ts [--time-limit SECONDS] [--signals] FILE …
 *
 * Each file is bounded in a process of its own. Late is what a process took beyond its limit; blocked, the longest stretch in which its
 * event loop did not turn: by the clock, and of the main thread's time on a processor (with when that was). With `--signals` each file
 * is bounded again and again, and interrupted early (while it is loaded), and at parts of the time that it took; the columns are the
 * seconds from the signal to the end of the process, and `–` where it had ended before. In brackets is the time on processors, of all
 * threads, after the limit or the signal: on a busy machine that is what is the program's own.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** Seconds: the process has begun, or loads. */
const EARLY = [0.2, 0.5];
const PARTS = [0.15, 0.35, 0.55, 0.75, 0.93];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'time-limit': { type: 'string' }, signals: { type: 'boolean', default: false } },
});
if (positionals.length === 0) throw new Error('usage: npx tsx bench/limits/main.ts [--time-limit S] FILE …');

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const loop = new URL('loop.mjs', import.meta.url).href;
const limit = Number(values['time-limit'] ?? 60);
const folder = mkdtempSync(join(tmpdir(), 'lipsoid-limits-'));

interface Run {
  readonly seconds: number;
  /** Seconds from the signal to the end; undefined: there was none. */
  readonly answered: number | undefined;
  readonly code: number | null;
  readonly bound: number | null;
  /** Milliseconds. */
  readonly blocked: Blocked;
}

/** In milliseconds. */
interface Blocked {
  readonly wall: number;
  readonly own: number;
  readonly at: number;
  /** Of all threads, after the limit or the signal. */
  readonly after: number | null;
}

const interrupted = values.signals
  ? [...EARLY.map((s) => `${s} s`), ...PARTS.map((part) => `${Math.round(100 * part)} %`)]
  : [];
const columns = ['network', 'bound', 'seconds', 'late', 'blocked, ms', 'own, ms', 'at, s', ...interrupted];
console.log(columns.join(' | '));
console.log(columns.map((_, k) => (k === 0 ? '---' : '---:')).join(' | '));
try {
  for (const file of positionals) {
    const whole = await run(file);
    const cells = [
      ...[basename(file), whole.bound?.toPrecision(6) ?? `exit ${whole.code}`, whole.seconds.toFixed(2)],
      whole.seconds > limit ? later(whole.seconds - limit, whole.blocked) : '–',
      ...[whole.blocked.wall, whole.blocked.own].map((milliseconds) => milliseconds.toFixed(0)),
      (whole.blocked.at / 1000).toFixed(1),
    ];
    const times = values.signals ? [...EARLY, ...PARTS.map((part) => part * whole.seconds)] : [];
    for (const time of times) {
      const { answered, blocked } = await run(file, time);
      cells.push(answered === undefined ? '–' : later(answered, blocked));
    }
    console.log(cells.join(' | '));
  }
} finally {
  rmSync(folder, { recursive: true });
}

function later(seconds: number, { after }: Blocked): string {
  return after === null ? seconds.toFixed(2) : `${seconds.toFixed(2)} (${(after / 1000).toFixed(2)})`;
}

/** @param interruption after how many seconds, if at all */
function run(file: string, interruption?: number): Promise<Run> {
  const report = join(folder, 'loop.json');
  rmSync(report, { force: true });
  const own = values['time-limit'] === undefined ? [] : ['--time-limit', `${limit}`];
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', loop, main, 'bound', file, '--json', ...own], {
    env: { ...process.env, LIPSOID_LOOP: report, LIPSOID_LIMIT: `${1000 * limit}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  let sent: number | undefined;
  const timer =
    interruption === undefined
      ? undefined
      : setTimeout(() => {
          sent = performance.now();
          child.kill('SIGINT');
        }, 1000 * interruption);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      const end = performance.now();
      resolve({
        seconds: (end - start) / 1000,
        answered: sent === undefined ? undefined : (end - sent) / 1000,
        code,
        bound: boundIn(text),
        blocked: blockedIn(report),
      });
    });
  });
}

function boundIn(text: string): number | null {
  try {
    return (JSON.parse(text) as { bound?: number }).bound ?? null;
  } catch {
    return null;
  }
}

/** A process that a signal ends before it has begun leaves no report. */
function blockedIn(report: string): Blocked {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { wall: Number.NaN, own: Number.NaN, at: Number.NaN, after: null };
  }
}
