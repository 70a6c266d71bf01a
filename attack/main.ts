/**
 * The attack: `npm run attack -- [--minutes M] [--seed S] [--hunt NAME]… [--trials N] [--jobs N] [--check]`.
 *
 * Looks for faults until the time is up (default 10 minutes), or makes N trials of each hunt. Trial k of a hunt has the seed S + k; without
 * --seed one is drawn and printed. `--check` is what continuous integration runs: fixed seeds, a fixed number of trials. Findings
 * are printed, and their files written to attack/findings. Exits with 1 if there are any.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Finding, Hunt } from './hunt.ts';
import { HUNTS, type HuntRow } from './hunts.ts';
import { Job, killWorkers } from './jobs.ts';
import { Tally } from './tally.ts';

const CHECK_SEED = 20_000;
const DEFAULT_MINUTES = 10;
/** Seconds between two lines of progress. */
const NEWS = 30;
const FOLDER = fileURLToPath(new URL('./findings/', import.meta.url));

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    hunt: { type: 'string', multiple: true },
    trials: { type: 'string' },
    jobs: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
});

function whole(name: 'seed' | 'trials' | 'jobs', least: number): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(Number.isInteger(value) && value >= least && value < 2 ** 32))
    return wrong(`--${name}: a whole number from ${least} on, got ${text}`);
  return value;
}

function wrong(message: string): never {
  console.error(message);
  process.exit(1);
}

function chosenHunts(): readonly HuntRow[] {
  if (!values.hunt) return HUNTS;
  return values.hunt.map(
    (name) =>
      HUNTS.find((row) => row.name === name) ??
      wrong(`--hunt: one of ${HUNTS.map((row) => row.name).join(', ')}, got ${name}`),
  );
}

interface Lane {
  readonly row: HuntRow;
  readonly unit: string;
  started: number;
  done: number;
  findings: number;
  /** Seconds of workers. */
  spent: number;
  /** By worker: each sends all that it has counted. */
  readonly tallies: Map<string, Tally>;
}

async function main(): Promise<void> {
  const minutes = values.minutes === undefined ? DEFAULT_MINUTES : Number(values.minutes);
  if (!(minutes > 0)) wrong(`--minutes: a positive number, got ${values.minutes}`);
  const trials = whole('trials', 1);
  const seed = whole('seed', 0) ?? (values.check ? CHECK_SEED : Math.floor(Math.random() * 2 ** 31));
  const jobs = whole('jobs', 1) ?? availableParallelism();
  const lanes = await Promise.all(chosenHunts().map(laneOf));
  const most = ({ row }: Lane) => trials ?? (values.check ? row.check : Infinity);
  const counted = trials !== undefined || values.check;
  console.log(`Seed ${seed}, ${jobs} jobs, ${counted ? 'counted trials' : `${minutes} minutes`}.`);

  const start = performance.now();
  const end = counted ? Infinity : start + 60_000 * minutes;
  const next = (): Lane | undefined => {
    if (performance.now() >= end) return undefined;
    const open = lanes.filter((lane) => lane.started < most(lane));
    return open.reduce<Lane | undefined>(
      (least, lane) =>
        least && least.spent / least.row.weight <= lane.spent / lane.row.weight ? least : lane,
      undefined,
    );
  };
  const news = setInterval(() => console.log(`${clock(start)}  ${lanes.map(brief).join(', ')}`), 1000 * NEWS);
  await Promise.all(Array.from({ length: jobs }, (_, k) => work(k, next, seed, start)));
  clearInterval(news);

  const hours = (performance.now() - start) / 3_600_000;
  for (const lane of lanes) console.log(summary(lane, hours));
  const findings = lanes.reduce((sum, lane) => sum + lane.findings, 0);
  const done = lanes.reduce((sum, lane) => sum + lane.done, 0);
  console.log(`${done - findings} passed, ${findings} failed`);
  process.exitCode = findings > 0 ? 1 : 0;
}

async function laneOf(row: HuntRow): Promise<Lane> {
  const hunt: Hunt = await row.open();
  await hunt.close?.();
  return { row, unit: hunt.unit, started: 0, done: 0, findings: 0, spent: 0, tallies: new Map() };
}

async function work(index: number, next: () => Lane | undefined, seed: number, start: number): Promise<void> {
  const job = new Job();
  for (let lane = next(); lane; lane = next()) {
    const own = (seed + lane.started++) % 2 ** 32;
    // Counted at once, so that two workers do not both take the lane that is behind.
    const guess = lane.done > 0 ? lane.spent / lane.done : 0.1;
    lane.spent += guess;
    const { finding, tally, seconds } = await job.trial(lane.row.name, own, lane.row.seconds);
    lane.spent += seconds - guess;
    lane.done++;
    if (tally) {
      const counts = new Tally();
      counts.add(tally);
      lane.tallies.set(`${index} ${job.generation}`, counts);
    }
    if (finding) {
      lane.findings++;
      tell(finding, start);
    }
  }
  await job.end();
}

function tell({ hunt, seed, fault, files, reproduce }: Finding, start: number): void {
  const folder = join(FOLDER, `${hunt}-${seed}`);
  console.log(`${clock(start)}  FOUND by ${hunt}, seed ${seed}: ${fault}`);
  console.log(`          npm run attack -- --hunt ${hunt} --seed ${seed} --trials 1`);
  if (files.size === 0) return;
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  writeFileSync(join(folder, 'README.txt'), `${fault}\n\n${reproduce}\n`);
  console.log(`          ${reproduce}, files in ${folder}`);
}

function clock(start: number): string {
  const seconds = Math.floor((performance.now() - start) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`.padStart(6);
}

function brief({ row, done, unit, findings }: Lane): string {
  return `${row.name} ${done} ${unit}${findings > 0 ? ` (${findings} found)` : ''}`;
}

function summary({ row, unit, done, findings, spent, tallies }: Lane, hours: number): string {
  const tally = new Tally();
  for (const counts of tallies.values()) tally.add(counts);
  const refused = tally.mostlyRefused();
  const rate = `${Math.round(done / hours)} an hour, ${Math.round(spent)} s of work`;
  const notes = refused.length > 0 ? `; mostly refused: ${refused.join(', ')}` : '';
  const line = `${row.name}: ${done} ${unit} tried (${rate}), ${findings} found${notes}`;
  return [line, ...tally.outcomeLines()].join('\n  ');
}

// Workers do not end with what has started them.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.once(signal, () => {
    killWorkers();
    process.exit(128 + number);
  });
}
await main();
