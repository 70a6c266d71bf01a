/**
 * Runs Wasm calls, on the calling thread or on workers. Each worker has a memory of its own and calls travel as
 * transferred buffers: the O(n²) copies are cheap beside the O(n³) work, and no shared memory means that a browser
 * page needs no cross-origin isolation.
 */
import { mayStartWorkers } from '../host.ts';
import { type Listener, type Thread, threadStarter } from '../thread.ts';
import { binary, workerSource } from './binary.ts';
import { type Call, perform } from './perform.ts';
import type { Answer } from './worker.ts';

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

type Message = WebAssembly.Module | Call;

/** One worker; runs a call at a time. */
class Worker {
  readonly #thread: Thread<Message>;
  #settle: { resolve(results: Float64Array[]): void; reject(error: Error): void } | undefined;
  /** Why it answers no call any more. */
  #gone: Error | undefined;

  private constructor(start: (listener: Listener<Answer>) => Thread<Message>) {
    this.#thread = start({
      answer: (answer) => {
        if ('error' in answer) this.#settle?.reject(new Error(answer.error));
        else this.#settle?.resolve(answer.results);
      },
      fail: (error) => {
        this.#gone ??= error;
        this.#settle?.reject(error);
      },
    });
  }

  static async start(module: WebAssembly.Module): Promise<Worker> {
    const worker = new Worker(await threadStarter<Message, Answer>(workerSource));
    live.add(worker);
    worker.#thread.post(module, []);
    worker.#thread.hold(false);
    return worker;
  }

  async run(call: Call): Promise<Float64Array[]> {
    if (this.#gone) throw this.#gone;
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
