/** Options of the library on their way to a worker and there. */
import type { EngineOptions } from '../index.browser.ts';
import type { SentOptions, Told } from './protocol.ts';
import type { Call } from './remote.ts';
import type { Controls } from './serve.ts';

/** What a caller on a page may say: an engine is made by the worker, times of its clock mean nothing there. */
export type Remotely<O> = Omit<O, 'engine' | 'since' | 'onProof'> & {
  /** Which engine the worker makes; it keeps it for the calls after. Default: as `createEngine`. */
  readonly engine?: EngineOptions;
};

export interface Stops {
  readonly signal?: AbortSignal | undefined;
  readonly interrupt?: AbortSignal | undefined;
}

/** Sorts options into what is sent and what stays here. */
export function sentOptions({ engine, ...given }: Remotely<object>): {
  readonly sent: SentOptions;
  readonly stops: Stops;
  readonly hear: (told: Told) => void;
} {
  const { signal, interrupt, ...options } = given as Record<string, unknown> & Stops;
  const listeners = Object.entries(options).filter((entry) => typeof entry[1] === 'function');
  const plain = Object.entries(options).filter(([, value]) => typeof value !== 'function');
  const functions = new Map(listeners as [string, (...values: readonly unknown[]) => void][]);
  return {
    sent: {
      ...(engine && { engine }),
      plain: Object.fromEntries(plain),
      listeners: [...functions.keys()],
    },
    stops: { signal, interrupt },
    hear: ({ listener, values }) => functions.get(listener)?.(...values),
  };
}

/** The result of a call that signals may stop. @throws the reason of the one that cancels */
export async function stoppable<R>(call: Call<R>, { signal, interrupt }: Stops): Promise<R> {
  const cancel = () => call.cancel();
  const end = () => call.interrupt();
  signal?.addEventListener('abort', cancel);
  interrupt?.addEventListener('abort', end);
  if (signal?.aborted) cancel();
  if (interrupt?.aborted) end();
  try {
    return await call.result;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
    interrupt?.removeEventListener('abort', end);
  }
}

/** In the worker: options as the library takes them. */
export function receivedOptions(
  { plain, listeners }: SentOptions,
  { signal, interrupt, tell }: Controls<Told>,
): Record<string, unknown> & { readonly signal: AbortSignal; readonly interrupt: AbortSignal } {
  const told = listeners.map((listener) => [
    listener,
    (...values: readonly unknown[]) => tell({ listener, values }),
  ]);
  return { ...plain, ...Object.fromEntries(told), signal, interrupt };
}
