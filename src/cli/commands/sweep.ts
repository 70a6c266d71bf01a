/** `lipsoid sweep`: the bounds of many networks, a line each, going on where an earlier run has ended. */
import { InputError } from '../../errors.ts';
import { EXIT } from '../failure.ts';
import type { Library } from '../library.ts';
import { formatCount } from '../output/format.ts';
import { OutputFile } from '../output/outputFile.ts';
import { progressDisplay } from '../output/progress.ts';
import { type Line, printDocument, printLines, type Terminal } from '../output/terminal.ts';
import { Cache } from '../sweep/cache.ts';
import { csvOf, refuseToReplace } from '../sweep/csv.ts';
import type { SweepLine } from '../sweep/line.ts';
import { networkFiles, shardOf } from '../sweep/networkFiles.ts';
import { decidingOptions } from '../sweep/question.ts';
import type { SweepCommand } from '../sweep/sweepCommand.ts';
import { SweepLines } from '../sweep/sweepLines.ts';
import { alone, Processes, threadsOfEach, type Workforce } from '../sweep/workforce.ts';
import type { BoundQuestion } from './boundQuestion.ts';

/** What a sweep comes to. */
interface Summary {
  readonly networks: number;
  readonly bounds: number;
  /** Networks without a bound, and how many of them are for an error. */
  readonly without: number;
  /** Networks whose answer was there before. */
  readonly found: number;
}

/**
 * Writes a line for each network to the file of the sweep, and to stdout what they come to; returns the exit code.
 * @param signal ends the work: the lines that are there stay
 */
export async function sweepCommand(
  command: SweepCommand,
  library: Library,
  terminal: Terminal,
  signal: AbortSignal,
  version: string,
): Promise<number> {
  const { patterns, out, shard, csv, json } = command;
  const all = await networkFiles(patterns);
  const files = shard ? shardOf(all, shard) : all;
  if (all.includes(out))
    throw new InputError(`--out: ${out}: must be a file of its own, got one of the networks`);
  if (csv !== undefined) await refuseToReplace('--csv', csv);
  const outputs = csv === undefined ? [] : [{ option: '--csv', path: csv }];
  const [table] = await OutputFile.openAll(outputs, [{ option: '--out', path: out }], json);
  try {
    const options = await decidingOptions(command);
    const cache = await Cache.open(command.cache ?? `${out}.cache`, options, version);
    const lines = await SweepLines.open('--out', out, { options, version });
    try {
      const workforce = await workforceFor(command, files.length, library, signal, version);
      try {
        const found = await swept(files, { command, cache, lines, workforce, signal, terminal });
        const summary = summaryOf(files, lines, found);
        if (json) printDocument(terminal.stdout, { out, ...summary, ...(shard && { shard }) });
        else printLines(terminal.stdout, summaryLines(summary, command));
        await table?.write(csvOf(files.map((file) => lines.of(file)!)));
        return EXIT.success;
      } finally {
        await workforce.close();
      }
    } finally {
      await lines.close();
    }
  } finally {
    await table?.close();
  }
}

async function workforceFor(
  command: SweepCommand,
  networks: number,
  library: Library,
  signal: AbortSignal,
  version: string,
): Promise<Workforce> {
  const question = questionOf(command);
  if (command.queue !== undefined) {
    const { Queued } = await import('../sweep/queue.ts');
    return Queued.open(command.queue, question, version, signal);
  }
  const jobs = Math.min(command.jobs ?? 1, Math.max(1, networks));
  if (jobs === 1) return alone(question, library, signal);
  const threads = question.threads ?? (await threadsOfEach(jobs));
  return new Processes(jobs, { ...question, threads }, signal);
}

/** What is asked of each network, without what is about the sweep. */
function questionOf(command: SweepCommand): BoundQuestion {
  const { patterns, out, cache, shard, jobs, warm, csv, queue, json, quiet, ...question } = command;
  return question;
}

interface Sweep {
  readonly command: SweepCommand;
  readonly cache: Cache;
  readonly lines: SweepLines;
  readonly workforce: Workforce;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
}

/** @returns how many answers were there before. @throws OutputError, and the signal's reason when it is aborted */
async function swept(
  files: readonly string[],
  { command, cache, lines, workforce, signal, terminal }: Sweep,
): Promise<number> {
  const progress = progressDisplay(terminal.stderr);
  const shares = new Map<string, number>();
  let done = 0;
  let found = 0;
  const show = (file: string) => {
    if (command.quiet) return;
    const sum = [...shares.values()].reduce((a, b) => a + b, done);
    const layer = `${done} of ${files.length}, ${file}`;
    progress.show({ method: 'sweep', layer, done: sum, total: files.length });
  };
  /** By structure, the multipliers of the network that was begun last. */
  const starts: Record<string, string> = {};
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const work = async (file: string): Promise<void> => {
    const task = { file, ...(command.warm && { starts: { ...starts } }) };
    const computed = await workforce.compute(task, {
      share(share) {
        shares.set(file, share);
        show(file);
      },
    });
    shares.delete(file);
    const { sha256, answer, structure, searched, passing } = computed;
    const key = sha256 === null || passing ? null : await cache.add(file, computed);
    if (key !== null && searched) starts[structure] = cache.multipliersPath(key);
    await lines.add({ file, sha256, key, answer });
    done++;
    show(file);
  };
  try {
    for (const file of files) {
      signal.throwIfAborted();
      const entry = await cache.lookUp(file);
      if (entry) {
        if (entry.searched) starts[entry.structure] = cache.multipliersPath(entry.key);
        const { sha256, key, answer } = entry;
        await lines.add({ file, sha256, key, answer });
        done++;
        found++;
        show(file);
        continue;
      }
      const one = work(file)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => running.delete(one));
      running.add(one);
      if (running.size >= workforce.atOnce) await Promise.race(running);
      if (failure) throw failure.error;
    }
    await Promise.all(running);
    if (failure) throw failure.error;
    return found;
  } finally {
    progress.clear();
  }
}

function summaryOf(files: readonly string[], lines: SweepLines, found: number): Summary {
  const said = files.map((file) => lines.of(file)!);
  const bounds = said.filter(hasBound).length;
  return { networks: files.length, bounds, without: files.length - bounds, found };
}

function hasBound({ bound, log10 }: SweepLine): boolean {
  return typeof bound === 'number' || typeof log10 === 'number';
}

function summaryLines({ networks, bounds, without, found }: Summary, { out, shard }: SweepCommand): Line[] {
  const where = shard ? ` (shard ${shard.index} of ${shard.count})` : '';
  return [
    `${formatCount(networks, 'network')}${where}: ${formatCount(bounds, 'bound')} in ${out}${found > 0 ? `, ${found} found again` : ''}.`,
    ...(without > 0 ? [`${formatCount(without, 'network')} without: their lines say why.`] : []),
  ];
}
