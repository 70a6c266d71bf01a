/** A worker's side: one call at a time, in the order in which they come. */
import type { FromWorker, Stop, Table, ToWorker } from './messages.ts';

export interface Controls<News> {
  readonly signal: AbortSignal;
  readonly interrupt: AbortSignal;
  readonly tell: (news: News) => void;
}

export type Calls<C extends Table<C>, News> = {
  readonly [N in keyof C]: (
    controls: Controls<News>,
    ...parameters: C[N]['parameters'] & unknown[]
  ) => Promise<C[N]['result']>;
};

/**
 * Answers what the page asks for, as long as the worker lives.
 * @param failureOf an error as it can be sent; `cancel` is aborted where the page wants no result any more
 */
export function serve<C extends Table<C>, News, Failure>(
  calls: Calls<C, News>,
  failureOf: (error: unknown, cancel: AbortSignal, call: ToWorker<C>) => Promise<Failure>,
): void {
  /** Of the calls that are waiting or at work. */
  const stops = new Map<number, Record<Stop, AbortController>>();
  const post = (message: FromWorker<C, News, Failure>) => self.postMessage(message);

  async function answer(asked: Extract<ToWorker<C>, { readonly call: keyof C }>): Promise<void> {
    const { id } = asked;
    const { cancel, interrupt } = stops.get(id)!;
    try {
      cancel.signal.throwIfAborted();
      const tell = (news: News) => post({ id, news });
      const controls = { signal: cancel.signal, interrupt: interrupt.signal, tell };
      post({ id, result: await calls[asked.call](controls, ...(asked.parameters as never)) });
    } catch (error) {
      post({ id, failure: await failureOf(error, cancel.signal, asked) });
    } finally {
      stops.delete(id);
    }
  }

  let queue = Promise.resolve();
  self.addEventListener('message', ({ data }: MessageEvent<ToWorker<C>>) => {
    if ('stop' in data) {
      stops.get(data.id)?.[data.stop].abort();
      return;
    }
    stops.set(data.id, { cancel: new AbortController(), interrupt: new AbortController() });
    queue = queue.then(() => answer(data as Extract<ToWorker<C>, { readonly call: keyof C }>));
  });
}
