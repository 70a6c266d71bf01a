/** The page's side of the worker: calls as promises, cancelling, and a new worker where the old one does not listen. */
import type {
  BoundRequest,
  CallName,
  Calls,
  Failure,
  FromWorker,
  ModelFiles,
  News,
  ToWorker,
} from './protocol.ts';
import workerUrl from './worker.ts?worker&url';

/** Milliseconds that a cancelled call has before its worker is ended by force. */
const PATIENCE = 2000;

export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof CallFailed) return error.failure;
  return { kind: 'internal', message: String(error) };
}

export interface Call<N extends CallName> {
  readonly result: Promise<Calls[N]['result']>;
  cancel(): void;
  /** Ends a search with the best so far. */
  interrupt(): void;
}

interface Pending {
  readonly resolve: (result: Calls[CallName]['result']) => void;
  readonly reject: (error: CallFailed) => void;
  readonly hear: (news: News) => void;
}

const CANCELLED: Failure = { kind: 'cancelled', message: 'Cancelled.' };

export class Client {
  #worker = startWorker();
  #next = 0;
  readonly #pending = new Map<number, Pending>();
  /** What a new worker has to be told again. */
  readonly #files = new Map<number, ModelFiles>();

  constructor() {
    this.#listen();
  }

  offers(): Call<'offers'> {
    return this.#call('offers', []);
  }

  load(model: number, files: ModelFiles): Call<'load'> {
    this.#files.set(model, files);
    return this.#call('load', [model, files]);
  }

  bound(model: number, request: BoundRequest, hear: (news: News) => void): Call<'bound'> {
    return this.#call('bound', [model, request], hear);
  }

  prefixes(
    model: number,
    request: Calls['prefixes']['parameters'][1],
    hear: (news: News) => void,
  ): Call<'prefixes'> {
    return this.#call('prefixes', [model, request], hear);
  }

  spectrum(model: number, layer: string): Call<'spectrum'> {
    return this.#call('spectrum', [model, layer]);
  }

  certify(model: number): Call<'certify'> {
    return this.#call('certify', [model]);
  }

  verify(model: number, certificate: unknown): Call<'verify'> {
    return this.#call('verify', [model, certificate]);
  }

  openSamples(...parameters: Calls['openSamples']['parameters']): Call<'openSamples'> {
    return this.#call('openSamples', parameters);
  }

  certifySamples(
    parameters: Calls['certifySamples']['parameters'],
    hear: (news: News) => void,
  ): Call<'certifySamples'> {
    return this.#call('certifySamples', parameters, hear);
  }

  moveSample(...parameters: Calls['moveSample']['parameters']): Call<'moveSample'> {
    return this.#call('moveSample', parameters);
  }

  forget(model: number): void {
    this.#files.delete(model);
    this.#call('forget', [model]);
  }

  #call<N extends CallName>(call: N, parameters: Calls[N]['parameters'], hear = (_: News) => {}): Call<N> {
    const id = this.#next++;
    const result = new Promise<Calls[N]['result']>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject, hear });
    });
    this.#post({ id, call, parameters } as ToWorker);
    return {
      result,
      cancel: () => {
        this.#post({ id, stop: 'cancel' });
        setTimeout(() => this.#pending.has(id) && this.#restart(), PATIENCE);
      },
      interrupt: () => this.#post({ id, stop: 'interrupt' }),
    };
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #listen(): void {
    this.#worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      const pending = this.#pending.get(data.id);
      if (!pending) return;
      if ('news' in data) {
        pending.hear(data.news);
        return;
      }
      this.#pending.delete(data.id);
      if ('failure' in data) pending.reject(new CallFailed(data.failure));
      else pending.resolve(data.result);
    });
    this.#worker.addEventListener('error', (event) => {
      this.#failAll({ kind: 'internal', message: event.message || 'The worker could not be started.' });
    });
  }

  /** Ends the worker in the middle of its work; networks are read anew by the next one. */
  #restart(): void {
    this.#worker.terminate();
    this.#failAll(CANCELLED);
    this.#worker = startWorker();
    this.#listen();
    // Their results are known, their failures too.
    for (const [model, files] of this.#files) this.#call('load', [model, files]).result.catch(() => {});
  }

  #failAll(failure: Failure): void {
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of waiting) reject(new CallFailed(failure));
  }
}

/**
 * A worker that a URL of the host starts has a policy of its own; one that a blob starts inherits the page's, which lets it
 * reach nothing but the host. So the blob imports the worker.
 */
function startWorker(): Worker {
  const script = new URL(workerUrl, document.baseURI).href;
  const blob = new Blob([`import ${JSON.stringify(script)};`], { type: 'text/javascript' });
  return new Worker(URL.createObjectURL(blob), { type: 'module' });
}
