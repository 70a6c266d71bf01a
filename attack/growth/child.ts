/** One command on one file, and what it took of the processor. */
import { commandLine, sharedEngine } from '../limited/commandLine.ts';
import { serve } from '../limited/serve.ts';

export interface GrowthJob {
  readonly commands: readonly (readonly string[])[];
}

export interface GrowthAnswer {
  /** Of the processor, all commands together. */
  readonly seconds: number;
  /** Of the first command that did not end well; 0 otherwise. */
  readonly code: number;
  readonly text: string;
}

async function work({ commands }: GrowthJob): Promise<GrowthAnswer> {
  const start = process.cpuUsage();
  let said = { code: 0, text: '' };
  for (const argv of commands) {
    const { code, stderr } = await commandLine(argv);
    said = { code, text: stderr };
    if (code !== 0) break;
  }
  const { user, system } = process.cpuUsage(start);
  return { seconds: (user + system) / 1e6, ...said };
}

await sharedEngine();
serve(work);
