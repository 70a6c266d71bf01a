/** The page's side of its worker. */
import { type Call, Remote } from '../../../src/worker/remote.ts';
import type { BoundRequest, Calls, Failure, ModelFiles, News } from './protocol.ts';
import workerUrl from './worker.ts?worker&url';

/** A call by its name. */
export type CallOf<N extends keyof Calls> = Call<Calls[N]['result']>;

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

export class Client {
  /** What a new worker has to be told again. */
  readonly #files = new Map<number, ModelFiles>();
  readonly #remote = new Remote<Calls, News, Failure>({
    start: startWorker,
    cancelled: { kind: 'cancelled', message: 'Cancelled.' },
    broken: (message) => ({ kind: 'internal', message }),
    error: (failure) => new CallFailed(failure),
    restarted: () => {
      // Their results are known, their failures too.
      for (const [model, files] of this.#files)
        this.#remote.call('load', [model, files]).result.catch(() => {});
    },
  });

  offers(): CallOf<'offers'> {
    return this.#remote.call('offers', []);
  }

  load(model: number, files: ModelFiles): CallOf<'load'> {
    this.#files.set(model, files);
    return this.#remote.call('load', [model, files]);
  }

  bound(model: number, request: BoundRequest, hear: (news: News) => void): CallOf<'bound'> {
    return this.#remote.call('bound', [model, request], hear);
  }

  prefixes(
    model: number,
    request: Calls['prefixes']['parameters'][1],
    hear: (news: News) => void,
  ): CallOf<'prefixes'> {
    return this.#remote.call('prefixes', [model, request], hear);
  }

  spectrum(model: number, layer: string): CallOf<'spectrum'> {
    return this.#remote.call('spectrum', [model, layer]);
  }

  certify(model: number): CallOf<'certify'> {
    return this.#remote.call('certify', [model]);
  }

  verify(model: number, certificate: unknown): CallOf<'verify'> {
    return this.#remote.call('verify', [model, certificate]);
  }

  openSamples(...parameters: Calls['openSamples']['parameters']): CallOf<'openSamples'> {
    return this.#remote.call('openSamples', parameters);
  }

  certifySamples(
    parameters: Calls['certifySamples']['parameters'],
    hear: (news: News) => void,
  ): CallOf<'certifySamples'> {
    return this.#remote.call('certifySamples', parameters, hear);
  }

  moveSample(...parameters: Calls['moveSample']['parameters']): CallOf<'moveSample'> {
    return this.#remote.call('moveSample', parameters);
  }

  forget(model: number): void {
    this.#files.delete(model);
    this.#remote.call('forget', [model]);
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
