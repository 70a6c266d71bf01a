/** The calls of `LipsoidWorker`. */
import type {
  BoundResult,
  Certificate,
  EngineInformation,
  EngineOptions,
  Given,
  Inspection,
  LayerSpectrum,
  LoadOptions,
  PrefixBound,
  Sample,
  SampleReport,
  Source,
  Unsupported,
  Verification,
} from '../index.browser.ts';

/** Options as they can be sent: without signals; of functions their names, which the page calls with what the worker tells. */
export interface SentOptions {
  readonly engine?: EngineOptions;
  readonly plain: Readonly<Record<string, unknown>>;
  readonly listeners: readonly string[];
}

/** A network that is held by a worker. */
export interface LoadedNetwork {
  readonly name: string;
  readonly source?: Source;
  /** Shapes without the batch axis. */
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** Networks are numbers that the page chose. */
export interface WorkerCalls {
  load: {
    parameters: [network: number, model: string | Given, options: Omit<LoadOptions, 'signal'>];
    result: LoadedNetwork;
  };
  forget: { parameters: [network: number]; result: undefined };
  describe: { parameters: [options: EngineOptions]; result: EngineInformation };
  inspect: { parameters: [network: number]; result: Inspection };
  bound: { parameters: [network: number, options: SentOptions]; result: BoundResult };
  localBound: {
    parameters: [network: number, centre: Float64Array | undefined, radius: number, options: SentOptions];
    result: number;
  };
  prefixBounds: { parameters: [network: number, options: SentOptions]; result: PrefixBound[] };
  layerSpectrum: {
    parameters: [network: number, layer: string, options: SentOptions];
    result: LayerSpectrum;
  };
  certifySamples: {
    parameters: [network: number, samples: readonly Sample[], options: SentOptions];
    result: SampleReport[];
  };
  certify: { parameters: [network: number, result: BoundResult]; result: Certificate };
  verify: { parameters: [network: number, certificate: unknown]; result: Verification };
  evaluate: { parameters: [network: number, input: Float64Array]; result: Float64Array };
}

/** A call of a function among the options. */
export interface Told {
  readonly listener: string;
  readonly values: readonly unknown[];
}

/** An error, as far as it survives the way. */
export interface SentFailure {
  readonly kind: 'input' | 'unsupported' | 'cancelled' | 'other';
  readonly message: string;
  readonly items?: readonly Unsupported[];
}
