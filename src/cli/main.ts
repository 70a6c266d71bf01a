#!/usr/bin/env node
/** The executable: connects the command line to this process. */
import { readFileSync } from 'node:fs';
import { EXIT } from './failure.ts';
import { runCommandLine } from './program.ts';
import { processTerminal } from './terminal.ts';

const interruption = new AbortController();
process.on('SIGINT', () => {
  // The second time, whoever presses it does not want to wait for a clean end.
  if (interruption.signal.aborted) process.exit(EXIT.cancelled);
  interruption.abort(new Error('cancelled'));
});
// `lipsoid … | head` closes the pipe early; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.success);
  throw error;
});

// src/cli and dist/cli are equally deep.
const manifest = new URL('../../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };

// Not process.exit: it would cut off output that is still on its way into a pipe.
process.exitCode = await runCommandLine(process.argv.slice(2), {
  library: () => import('../index.ts'),
  terminal: processTerminal(),
  version,
  signal: interruption.signal,
});
