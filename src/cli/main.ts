#!/usr/bin/env node
/** The executable: connects the command line to this process. */
import { readFileSync } from 'node:fs';
import { EXIT, failureLines, toFailure } from './failure.ts';
import { printLines, processTerminal } from './output/terminal.ts';
import { runCommandLine } from './program.ts';

const interruption = new AbortController();
const terminal = processTerminal();
/** Commands that end well when they are interrupted; others just end. */
const LISTENING = ['bound', 'certify', 'sweep', 'worker', 'verify', 'solve-sdp'];
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The second time, whoever asks for it does not want to wait for a clean end.
    if (interruption.signal.aborted || !LISTENING.includes(process.argv[2] ?? ''))
      process.exit(EXIT.cancelled);
    interruption.abort(new Error('cancelled'));
  });
}
// What nobody awaits, such as a thread that could not be started.
process.on('uncaughtException', (error) => {
  const failure = toFailure(error, interruption.signal);
  printLines(terminal.stderr, failureLines(failure));
  process.exit(EXIT[failure.kind]);
});

// src/cli and dist/cli are equally deep.
const manifest = new URL('../../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };

// Not process.exit: what is still open is closed in peace.
process.exitCode = await runCommandLine(process.argv.slice(2), {
  library: () => import('../node.ts'),
  terminal,
  version,
  signal: interruption.signal,
  // The process's own beginning: a limit is that of all that people wait for.
  since: 0,
});
