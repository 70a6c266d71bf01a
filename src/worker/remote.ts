/** A page's side of a worker: calls as promises, stopping them, and a new worker where the old one does not listen. */
import type { FromWorker, Stop, Table, ToWorker } from './messages.ts';

/** Milliseconds that a cancelled call has before its worker is ended by force. */
const PATIENCE = 2000;

export interface Call<Result> {
  readonly result: Promise<Result>;
  cancel(): void;
  /** Ends a search with the best so far. */
  interrupt(): void;
}

export interface RemoteOptions<Failure> {
  readonly start: () => Worker;
  /** Of a worker that was ended by force, and of one that could not be started. */
  readonly cancelled: Failure;
  readonly broken: (message: string) => Failure;
  /** What promises are rejected with. */
  readonly error: (failure: Failure) => Error;
  /** A new worker knows nothing. */
  readonly restarted: () => void;
}

interface Pending<News> {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly hear: (news: News) => void;
}

export class Remote<C extends Table<C>, News, Failure> {
  #worker: Worker;
  #next = 0;
  readonly #pending = new Map<number, Pending<News>>();
  readonly #options: RemoteOptions<Failure>;

  constructor(options: RemoteOptions<Failure>) {
    this.#options = options;
    this.#worker = this.#started();
  }

  /** @param hear news that come before the result */
  call<N extends keyof C>(
    name: N,
    parameters: C[N]['parameters'],
    hear: (news: News) => void = () => {},
  ): Call<C[N]['result']> {
    const id = this.#next++;
    const result = new Promise<C[N]['result']>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending<News>['resolve'], reject, hear });
    });
    const stop = (how: Stop) => this.#post({ id, stop: how });
    try {
      this.#post({ id, call: name, parameters } as ToWorker<C>);
    } catch (error) {
      // What cannot be sent.
      this.#pending.get(id)!.reject(error as Error);
      this.#pending.delete(id);
    }
    return {
      result,
      cancel: () => {
        if (!this.#pending.has(id)) return;
        stop('cancel');
        setTimeout(() => this.#pending.has(id) && this.#restart(), PATIENCE);
      },
      interrupt: () => stop('interrupt'),
    };
  }

  /** Ends the worker; what it was at is rejected as cancelled. */
  close(): void {
    this.#worker.terminate();
    this.#failAll(this.#options.cancelled);
  }

  #post(message: ToWorker<C>): void {
    this.#worker.postMessage(message);
  }

  #started(): Worker {
    const worker = this.#options.start();
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker<C, News, Failure>>) => {
      const pending = this.#pending.get(data.id);
      if (!pending) return;
      if ('news' in data) {
        pending.hear(data.news);
        return;
      }
      this.#pending.delete(data.id);
      if ('failure' in data) pending.reject(this.#options.error(data.failure));
      else pending.resolve(data.result);
    });
    worker.addEventListener('error', (event) => {
      this.#failAll(this.#options.broken(event.message || 'The worker could not be started.'));
    });
    return worker;
  }

  /** Ends the worker in the middle of its work. */
  #restart(): void {
    this.close();
    this.#worker = this.#started();
    this.#options.restarted();
  }

  #failAll(failure: Failure): void {
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of waiting) reject(this.#options.error(failure));
  }
}
