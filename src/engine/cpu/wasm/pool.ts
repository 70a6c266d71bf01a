/**
 * Runs Wasm calls, on the calling thread or on workers. Each worker has a memory of its own and calls travel as
 * transferred buffers: the O(n²) copies are cheap beside the O(n³) work, and no shared memory means that a browser
 * page needs no cross-origin isolation.
 */
import { importInNode, isNode, mayStartWorkers } from '../host.ts';
import { binary, workerSource } from './binary.ts';
import { type Call, perform } from './perform.ts';
import type { Answer } from './worker.ts';

/** What a browser's `Worker` and Node's have in common here. */
interface Thread {
  post(message: WebAssembly.Module | Call, transfer: ArrayBuffer[]): void;
  /** Whether it keeps the process alive. */
  hold(held: boolean): void;
  end(): Promise<void>;
}

interface Listener {
  answer(answer: Answer): void;
  fail(error: Error): void;
}

export class Pool {
  readonly threads: number;
  readonly #module: WebAssembly.Module;
  readonly #instance: WebAssembly.Instance;
  /** Started with the first batch of calls that is worth it. */
  #workers: Promise<Worker[]> | undefined;

  private constructor(threads: number, module: WebAssembly.Module, instance: WebAssembly.Instance) {
    this.threads = threads;
    this.#module = module;
    this.#instance = instance;
  }

  static async open(threads: number): Promise<Pool> {
    const bytes = Uint8Array.from(atob(binary), (character) => character.charCodeAt(0));
    const module = await WebAssembly.compile(bytes);
    const instance = await WebAssembly.instantiate(module);
    return new Pool(mayStartWorkers() ? threads : 1, module, instance);
  }

  /** On the calling thread; the results are views that the next call overwrites. */
  here(call: Call): Float64Array[] {
    return perform(this.#instance, call);
  }

  /** On the workers; `collect` gets the results of call `index` as they come in, in any order. */
  async spread(
    count: number,
    make: (index: number) => Call,
    collect: (index: number, results: Float64Array[]) => void,
  ): Promise<void> {
    this.#workers ??= Promise.all(Array.from({ length: this.threads }, () => Worker.start(this.#module)));
    const workers = await this.#workers;
    let next = 0;
    // All workers are waited for even if one fails: none may be in a call when the next task comes.
    const outcomes = await Promise.allSettled(
      workers.slice(0, count).map(async (worker) => {
        while (next < count) {
          const index = next++;
          collect(index, await worker.run(make(index)));
        }
      }),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async close(): Promise<void> {
    const workers = await this.#workers;
    await Promise.all((workers ?? []).map((worker) => worker.end()));
  }
}

/**
 * Workers that have not been ended. In a call nothing but the answer's listener leads to those who wait for it, and nothing but
 * they lead to the worker: Firefox takes a nested worker that is held only by this circle for garbage, and the call would
 * never be answered.
 */
const live = new Set<Worker>();

/** One worker; runs a call at a time. */
class Worker {
  readonly #thread: Thread;
  #settle: { resolve(results: Float64Array[]): void; reject(error: Error): void } | undefined;

  private constructor(start: (listener: Listener) => Thread) {
    this.#thread = start({
      answer: (answer) => {
        if ('error' in answer) this.#settle?.reject(new Error(answer.error));
        else this.#settle?.resolve(answer.results);
      },
      fail: (error) => this.#settle?.reject(error),
    });
  }

  static async start(module: WebAssembly.Module): Promise<Worker> {
    const worker = new Worker(isNode() ? await nodeThread() : browserThread);
    live.add(worker);
    worker.#thread.post(module, []);
    worker.#thread.hold(false);
    return worker;
  }

  async run(call: Call): Promise<Float64Array[]> {
    // Operands are copied, for they stay in use here, and the copies are given away.
    const regions = call.regions.map((region) => (typeof region === 'number' ? region : region.slice()));
    const transfer = regions.flatMap((region) =>
      typeof region === 'number' ? [] : [region.buffer as ArrayBuffer],
    );
    this.#thread.hold(true);
    try {
      return await new Promise((resolve, reject) => {
        this.#settle = { resolve, reject };
        this.#thread.post({ ...call, regions }, transfer);
      });
    } finally {
      this.#settle = undefined;
      this.#thread.hold(false);
    }
  }

  async end(): Promise<void> {
    try {
      await this.#thread.end();
    } finally {
      live.delete(this);
    }
  }
}

function browserThread(listener: Listener): Thread {
  const url = URL.createObjectURL(new Blob([workerSource], { type: 'text/javascript' }));
  const worker = new globalThis.Worker(url);
  worker.onmessage = (event: MessageEvent<Answer>) => listener.answer(event.data);
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

async function nodeThread(): Promise<(listener: Listener) => Thread> {
  const threads = await importInNode<typeof import('node:worker_threads')>('node:worker_threads');
  return (listener) => {
    const worker = new threads.Worker(workerSource, { eval: true });
    worker.on('message', (answer: Answer) => listener.answer(answer));
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
  };
}
