/** The module of a process that works on networks (`workforce.ts` starts it). */
import { sent } from '../../certify/groups/messages.ts';
import * as library from '../../node.ts';
import type { FromProcess, ToProcess } from './messages.ts';
import { alone, type Workforce } from './workforce.ts';

/** Milliseconds between two words about how far it is. */
const INTERVAL = 250;

const say = (message: FromProcess) => void process.send!(message);
let workforce: Workforce | undefined;
let last = Promise.resolve();

// Ctrl-C at a terminal is for the whole group; who started this decides what becomes of it, and without them there is nothing to do.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());
process.on('message', (message: ToProcess) => {
  last = last
    .then(() => hear(message))
    .catch((error: unknown) => say({ kind: 'failed', error: sent(error) }));
});

async function hear(message: ToProcess): Promise<void> {
  if (message.kind === 'begin') {
    workforce = await alone(message.question, library, new AbortController().signal);
    say({ kind: 'ready' });
    return;
  }
  let said = performance.now();
  const computed = await workforce!.compute(message.task, {
    share(share) {
      if (performance.now() - said < INTERVAL) return;
      said = performance.now();
      say({ kind: 'share', share });
    },
    searched: (searched) => say({ kind: 'searched', searched }),
  });
  say({ kind: 'computed', computed });
}
