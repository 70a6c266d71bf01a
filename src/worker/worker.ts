/** The library in a worker, so that a page stays live: the same functions, with networks that stay in the worker. */
import { InputError, UnsupportedError } from '../errors.ts';
import type {
  BoundOptions,
  BoundResult,
  Certificate,
  CertifySamplesOptions,
  EngineInformation,
  EngineOptions,
  Given,
  Inspection,
  LayerSpectrum,
  LoadOptions,
  LocalBoundOptions,
  PrefixBound,
  PrefixOptions,
  Sample,
  SampleReport,
  Verification,
} from '../index.browser.ts';
import { type Remotely, sentOptions, stoppable } from './options.ts';
import type { LoadedNetwork, SentFailure, SentOptions, Told, WorkerCalls } from './protocol.ts';
import { type Call, Remote } from './remote.ts';

export type { LoadedNetwork, Remotely };

/** What `certifySamples` may be told here. */
export type SamplesOptions = Remotely<CertifySamplesOptions> & {
  /** Called with every report as it is there. */
  readonly onSample?: (report: SampleReport) => void;
};

/**
 * A worker with the library in it. Functions are those of the library, with its options, signals and listeners included; an
 * engine is given by name, and calls run one after the other. Errors are the library's own.
 *
 *     const lipsoid = new LipsoidWorker();
 *     const network = await lipsoid.loadNetwork(file);
 *     const { bound } = await lipsoid.bound(network, { onProgress: ({ layer }) => show(layer) });
 *     lipsoid.close();
 */
export class LipsoidWorker {
  readonly #remote: Remote<WorkerCalls, Told, SentFailure>;
  readonly #ids = new WeakMap<LoadedNetwork, number>();
  /** What a new worker has to be told again. */
  readonly #loaded = new Map<number, WorkerCalls['load']['parameters']>();
  #count = 0;

  /**
   * @param start makes the worker of `lipsoid/worker-script`; default: `new Worker(new URL(…, import.meta.url))`, which bundlers
   *   know. Pages whose policy forbids that, or bundlers that do not know it, make their own.
   */
  constructor(start: () => Worker = startWorker) {
    this.#remote = new Remote({
      start,
      cancelled: { kind: 'cancelled', message: 'cancelled' },
      broken: (message) => ({ kind: 'other', message }),
      error: errorOf,
      restarted: () => {
        for (const parameters of this.#loaded.values()) {
          // Their failures are known.
          this.#remote.call('load', parameters).result.catch(() => {});
        }
      },
    });
  }

  /** As the library's; text is a URL, from the page's on. What is loaded stays until `forget`. */
  async loadNetwork(model: string | URL | Given, options: LoadOptions = {}): Promise<LoadedNetwork> {
    const { signal, ...plain } = options;
    const id = this.#count++;
    const given =
      typeof model === 'string' || model instanceof URL
        ? new URL(model, globalThis.location?.href).href
        : model;
    const parameters: WorkerCalls['load']['parameters'] = [id, given, plain];
    const network = await stoppable(this.#remote.call('load', parameters), { signal });
    this.#loaded.set(id, parameters);
    this.#ids.set(network, id);
    return network;
  }

  /** Gives up what the worker holds of a network. */
  async forget(network: LoadedNetwork): Promise<void> {
    const id = this.#id(network);
    this.#loaded.delete(id);
    this.#ids.delete(network);
    await this.#remote.call('forget', [id]).result;
  }

  /** What the engine says of itself; it is kept for the calls that ask for the same. */
  describeEngine(options: EngineOptions = {}): Promise<EngineInformation> {
    return this.#remote.call('describe', [options]).result;
  }

  inspect(network: LoadedNetwork): Promise<Inspection> {
    return this.#remote.call('inspect', [this.#id(network)]).result;
  }

  bound(network: LoadedNetwork, options: Remotely<BoundOptions> = {}): Promise<BoundResult> {
    return this.#asked(options, (sent, hear) => this.#remote.call('bound', [this.#id(network), sent], hear));
  }

  localBound(
    network: LoadedNetwork,
    centre: Float64Array | undefined,
    radius: number,
    options: Remotely<LocalBoundOptions> = {},
  ): Promise<number> {
    return this.#asked(options, (sent, hear) =>
      this.#remote.call('localBound', [this.#id(network), centre, radius, sent], hear),
    );
  }

  prefixBounds(network: LoadedNetwork, options: Remotely<PrefixOptions> = {}): Promise<PrefixBound[]> {
    return this.#asked(options, (sent, hear) =>
      this.#remote.call('prefixBounds', [this.#id(network), sent], hear),
    );
  }

  layerSpectrum(
    network: LoadedNetwork,
    layer: string,
    options: Remotely<{ readonly signal?: AbortSignal }> = {},
  ): Promise<LayerSpectrum> {
    return this.#asked(options, (sent, hear) =>
      this.#remote.call('layerSpectrum', [this.#id(network), layer, sent], hear),
    );
  }

  /** All reports in the end, each as it comes through `onSample`. */
  certifySamples(
    network: LoadedNetwork,
    samples: readonly Sample[],
    options: SamplesOptions = {},
  ): Promise<SampleReport[]> {
    return this.#asked(options, (sent, hear) =>
      this.#remote.call('certifySamples', [this.#id(network), samples, sent], hear),
    );
  }

  certify(network: LoadedNetwork, result: BoundResult): Promise<Certificate> {
    return this.#remote.call('certify', [this.#id(network), result]).result;
  }

  verify(network: LoadedNetwork, certificate: unknown): Promise<Verification> {
    return this.#remote.call('verify', [this.#id(network), certificate]).result;
  }

  evaluate(network: LoadedNetwork, input: Float64Array): Promise<Float64Array> {
    return this.#remote.call('evaluate', [this.#id(network), input]).result;
  }

  /** Ends the worker, and what it is at. */
  close(): void {
    this.#remote.close();
  }

  #id(network: LoadedNetwork): number {
    const id = this.#ids.get(network);
    if (id === undefined) throw new InputError('network: must be one that this worker has loaded');
    return id;
  }

  #asked<R>(
    options: Remotely<object>,
    call: (sent: SentOptions, hear: (told: Told) => void) => Call<R>,
  ): Promise<R> {
    const { sent, stops, hear } = sentOptions(options);
    return stoppable(call(sent, hear), stops);
  }
}

function errorOf({ kind, message, items }: SentFailure): Error {
  switch (kind) {
    case 'unsupported':
      return new UnsupportedError(items ?? []);
    case 'input':
      return new InputError(message);
    case 'cancelled':
      return new DOMException(message, 'AbortError');
    case 'other':
      return new Error(message);
    default:
      return kind satisfies never;
  }
}

function startWorker(): Worker {
  return new Worker(new URL('./script.ts', import.meta.url), { type: 'module', name: 'lipsoid' });
}
