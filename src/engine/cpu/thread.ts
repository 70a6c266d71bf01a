/** Worker threads: what a browser's `Worker` and Node's have in common here. */
import { importInNode, isNode } from './host.ts';

/** @typeParam M what it is sent */
export interface Thread<M> {
  post(message: M, transfer: ArrayBuffer[]): void;
  /** Whether it keeps the process alive. */
  hold(held: boolean): void;
  end(): Promise<void>;
}

/** @typeParam A what it answers */
export interface Listener<A> {
  answer(answer: A): void;
  fail(error: Error): void;
}

/** What starts threads from the text of a script. */
export async function threadStarter<M, A>(source: string): Promise<(listener: Listener<A>) => Thread<M>> {
  if (!isNode()) return (listener) => browserThread(source, listener);
  const threads = await importInNode<typeof import('node:worker_threads')>('node:worker_threads');
  return (listener) => nodeThread(new threads.Worker(source, { eval: true }), listener);
}

/** What starts threads from a module, each of which calls `serve` (below); undefined outside Node and what is like it. */
export async function moduleStarter<M, A>(
  module: URL,
): Promise<((listener: Listener<A>) => Thread<M>) | undefined> {
  if (!isNode()) return undefined;
  const threads = await importInNode<typeof import('node:worker_threads')>('node:worker_threads');
  return (listener) => nodeThread(new threads.Worker(module), listener);
}

/** In a thread that `moduleStarter` has started: messages are heard one after the other, each once the one before is done with. */
export async function serve<M, A>(hear: (message: M, answer: (answer: A) => void) => Promise<void>) {
  const { parentPort } = await importInNode<typeof import('node:worker_threads')>('node:worker_threads');
  let last = Promise.resolve();
  parentPort!.on('message', (message: M) => {
    last = last.then(() => hear(message, (answer) => parentPort!.postMessage(answer)));
  });
}

function nodeThread<M, A>(worker: import('node:worker_threads').Worker, listener: Listener<A>): Thread<M> {
  worker.on('message', (answer: A) => listener.answer(answer));
  worker.on('error', (error: Error) => listener.fail(error));
  worker.on('exit', (code) =>
    listener.fail(new Error(`worker: must not end in a call, got exit code ${code}`)),
  );
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: (held) => (held ? worker.ref() : worker.unref()),
    end: async () => {
      await worker.terminate();
    },
  };
}

function browserThread<M, A>(source: string, listener: Listener<A>): Thread<M> {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new globalThis.Worker(url);
  worker.onmessage = (event: MessageEvent<A>) => listener.answer(event.data);
  worker.onerror = (event) => listener.fail(new Error(`worker: ${event.message}`));
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: () => {},
    end: async () => {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
