/** `lipsoid worker`: networks of a queue, one after the other. */
import { EXIT } from '../failure.ts';
import { formatBound } from '../output/format.ts';
import { printLines, type Terminal } from '../output/terminal.ts';
import type { Answer } from '../sweep/line.ts';

export interface WorkerCommand {
  readonly queue: string;
  readonly jobs?: number;
  readonly threads?: number;
  /** Seconds. */
  readonly heartbeat?: number;
  readonly idle?: number;
  readonly quiet?: true;
}

/** Seconds: twice as long as BullMQ has a lock renewed. */
const HEARTBEAT = 30;

/**
 * Writes a line to stderr for each network that is done; returns the exit code.
 * @param signal ends the work: what is not done goes back to the queue
 */
export async function workerCommand(
  { queue, jobs, threads, heartbeat, idle, quiet }: WorkerCommand,
  { stderr }: Terminal,
  signal: AbortSignal,
  version: string,
): Promise<number> {
  const { work } = await import('../sweep/queue.ts');
  const options = {
    ...{ jobs: jobs ?? 1, heartbeat: heartbeat ?? HEARTBEAT, version },
    ...(threads !== undefined && { threads }),
    ...(idle !== undefined && { idle }),
    onDone(file: string, { bound, log10, error }: Answer) {
      const said = error ? error.message : formatBound(bound ?? null, log10 ?? null);
      if (!quiet) printLines(stderr, [`${file}: ${said}`]);
    },
  };
  await work(queue, options, signal);
  return EXIT.success;
}
