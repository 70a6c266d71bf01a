/** What the page and its worker say to each other. */

import type { PixelOptions } from '../../../src/certify/scaled.ts';
import type { OutlinedNode } from '../../../src/formats/onnx/outline.ts';
import type {
  BoundOptions,
  BoundResult,
  EngineInformation,
  EngineOptions,
  Inspection,
  LayerSpectrum,
  MethodResult,
  PrefixBound,
  PrefixOptions,
  Progress,
  SampleFile,
  SampleOptions,
  SampleReport,
  Unsupported,
} from '../../../src/index.browser.ts';

export type EngineName = NonNullable<EngineOptions['engine']>;
export type TracePoint = Parameters<NonNullable<BoundOptions['onTrace']>>[0];

/** An engine of the library as this browser has it. */
export interface EngineOffer {
  readonly name: EngineName;
  /** What it would compute with, or why it does not open. */
  readonly available: boolean;
  readonly description: string;
}

export interface ModelFiles {
  readonly model: File;
  /** Files that may hold its weights, by name. */
  readonly external: ReadonlyMap<string, File>;
  readonly inputShape?: readonly number[];
  readonly output?: string;
  readonly batch?: 1;
}

export interface LoadedModel {
  readonly inspection: Inspection;
  readonly input: readonly number[];
  readonly output: readonly number[];
  /** Nodes of the file, before simplification. */
  readonly nodes: number;
  /** What each layer reads: places of other layers, -1 for the network's input. */
  readonly inputs: readonly (readonly number[])[];
  /** Where no method covers the network. */
  readonly refusal?: Failure;
}

export interface BoundRequest
  extends Pick<
    BoundOptions,
    'method' | 'rule' | 'target' | 'evaluations' | 'tolerance' | 'timeLimit' | 'memory' | 'multipliers'
  > {
  readonly engine: EngineName;
  readonly threads?: number;
}

export interface BoundAnswer {
  readonly result: BoundResult;
  /** What went another way than asked, for people. */
  readonly note?: string;
}

/** What this library and this browser have. */
export interface Offers {
  readonly engines: readonly EngineOffer[];
}

/** A bound as a certificate claims it. */
export interface Claim {
  /** Null outside float64. */
  readonly bound: number | null;
  readonly log10: number | null;
}

/** What the library's independent checker says of a certificate. */
export interface Verdict extends Claim {
  readonly accepted: boolean;
  /** Why not, if not accepted. */
  readonly reason?: string;
  /** Null where the certificate could not be read. */
  readonly claimed: Claim | null;
  /** Present where the claim is one for inputs of every length. */
  readonly lengths?: 'any';
}

/** Where samples come from. */
export type SampleSource =
  | { readonly files: readonly SampleFile[] }
  /** Drawn on the page: pixels from 0 (paper) to 1 (ink), and what is known of them. */
  | { readonly drawn: readonly Float64Array[]; readonly labels?: readonly number[] };

/** Which samples, in which unit, and what they may cost. */
export interface SampleRequest extends SampleOptions, PixelOptions {
  readonly first?: number;
  readonly evaluations?: number;
  /** Seconds for one sample. */
  readonly timeLimit?: number;
}

/** What a data file holds, as far as it has been read. */
export interface SampleOutline {
  readonly inputs: string;
  /** Null where nobody knows them. */
  readonly labels: string | null;
  readonly count: number;
  readonly shape: readonly number[];
  /** What pixels are divided by. */
  readonly divisor: number;
}

/** A report, and the nearest counterexample where there is one. */
export interface FoundSample {
  readonly report: SampleReport;
  readonly counterexample?: Float64Array;
}

export interface CertifiedSamples {
  readonly notes: readonly string[];
  readonly engine: EngineInformation;
}

/** One sample, and where it can be moved to. */
export interface MovedSample {
  /** Pixels, or the network's input where these are not known. */
  readonly input: Picture;
  /** Within the radius that is certified, where the label leads by least; absent where none is certified. */
  readonly certified?: Picture & { readonly margin: number | null };
  readonly counterexample?: Picture;
}

export interface Picture {
  readonly values: Float64Array;
  /** Of the network there. */
  readonly outputs: Float64Array;
}

/** The calls that the worker answers: parameters and result. `model` is a number that the page chose. */
export interface Calls {
  offers: { parameters: []; result: Offers };
  load: { parameters: [model: number, files: ModelFiles]; result: LoadedModel };
  bound: { parameters: [model: number, request: BoundRequest]; result: BoundAnswer };
  prefixes: {
    parameters: [model: number, request: Pick<PrefixOptions, 'rule' | 'target'>];
    result: PrefixBound[];
  };
  spectrum: { parameters: [model: number, layer: string]; result: LayerSpectrum };
  /** Of the model's last result; as text. */
  certify: { parameters: [model: number]; result: string };
  verify: { parameters: [model: number, certificate: unknown]; result: Verdict };
  openSamples: {
    parameters: [model: number, source: SampleSource, request: SampleRequest];
    result: SampleOutline;
  };
  /** Tells each sample as `sample`. */
  certifySamples: {
    parameters: [model: number, source: SampleSource, request: SampleRequest];
    result: CertifiedSamples;
  };
  moveSample: {
    parameters: [model: number, source: SampleSource, request: SampleRequest, found: FoundSample];
    result: MovedSample;
  };
  forget: { parameters: [model: number]; result: undefined };
}

/** What a call tells on its way. */
export interface News {
  readonly progress?: Progress;
  readonly trace?: TracePoint;
  readonly method?: MethodResult;
  readonly prefix?: PrefixBound;
  readonly sample?: FoundSample;
}

export interface Failure {
  /** `input` and `unsupported` are the library's own errors; `internal` is a fault of the library or of this page. */
  readonly kind: 'input' | 'unsupported' | 'cancelled' | 'internal';
  readonly message: string;
  /** Present where another file would do. */
  readonly missing?: 'labels';
  /** What is not supported, node by node. */
  readonly items?: readonly Unsupported[];
  /** All nodes of the file, where it could be read that far. */
  readonly outline?: readonly OutlinedNode[];
}
