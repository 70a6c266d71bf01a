/** A process that is a shard: it makes the engine it is told of, carries out commands, and ends with whoever started it. */
import { createEngine } from '../create.ts';
import type { Opening } from './processes.ts';
import type { Answer, Message } from './protocol.ts';
import { Shard } from './shard.ts';

const answer = (message: Answer) => process.send!(message);

let shard: Shard | undefined;
process.on('message', (message: Opening | Message) => {
  if (message.kind !== 'open') return shard!.hear(message);
  createEngine(message.options).then(
    (engine) => {
      shard = new Shard(engine, answer);
    },
    (error: Error) => answer({ kind: 'failed', reason: error.message }),
  );
});
process.on('disconnect', () => process.exit());
// Ctrl-C is for the one who asked; this one ends with it.
process.on('SIGINT', () => {});
