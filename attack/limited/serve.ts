/** The child's side of `LimitedProcess`. */
import type { Answer } from './process.ts';

/**
 * Does the jobs that the parent sends, one at a time. A job that throws is an answer, too: the exception is what was looked for.
 * Called once everything is loaded: the first message tells the parent so.
 */
export function serve<Job, Value>(work: (job: Job) => Promise<Value>): void {
  const send = (answer: Answer<Value> | 'ready') => void process.send!(answer);
  process.on('message', ({ job }: { readonly job: Job }) => {
    work(job).then(
      (value) => send({ value }),
      (error: unknown) =>
        send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
  send('ready');
}
