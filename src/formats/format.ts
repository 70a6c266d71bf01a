/** What a file format is to the rest: how its files are told from others, and what becomes of them. */
import type { Network } from '../network/network.ts';

/** Numbers that an input is held at. */
export interface FixedInput {
  /** With the batch axis, of side 1, or without. */
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: ArrayLike<number>;
}

/** Options that say which network of a file is meant; not every format has all of them. */
export const MODEL_OPTIONS = ['inputShape', 'output', 'units', 'input', 'fix', 'batch'] as const;
export type ModelOption = (typeof MODEL_OPTIONS)[number];

export interface LoadOptions {
  /** Shape of one sample, without the batch axis, where the file leaves it open: [channels, ...spatial] or [features], in the file's order of axes. */
  readonly inputShape?: readonly number[];
  /** Name of the output to bound, where the file has several. */
  readonly output?: string;
  /**
   * Of .nnet files, which normalise their inputs: whether the bound is per unit of the normalised inputs and outputs, which the weights are
   * for and other tools take, or of those before and after; default `normalized`.
   */
  readonly units?: Units;
  /** Files beside a model that is given as bytes or as a blob, by the names that the model gives them: external data, shards, weights. */
  readonly external?: ReadonlyMap<string, Blob | Uint8Array | ArrayBuffer>;
  /** Name of the input to bound with respect to, where the file has several; without it, with respect to all that are not fixed. */
  readonly input?: string;
  /** Inputs that are held at numbers, by name. */
  readonly fix?: ReadonlyMap<string, FixedInput>;
  /** One sample at a time, where the file leaves the size of the batch open and a layer needs to know. */
  readonly batch?: 1;
  /** Ends loading: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export const UNITS = ['normalized', 'physical'] as const;
export type Units = (typeof UNITS)[number];

/** Gives the bytes of a file beside the model by its plain name; undefined where there is none. */
export type FetchExternal = (location: string) => Promise<Uint8Array> | undefined;

export interface Format {
  readonly name: string;
  /** Of the names of its files. */
  readonly ending: RegExp;
  /** Whether a file is of this format, as far as its bytes tell. */
  begins(bytes: Uint8Array): boolean;
  /** The options about a model that have a meaning in it. */
  readonly options: readonly ModelOption[];
  /**
   * The network of a file, without its source. The bytes are the reader's: they may be no model afterwards, and the network's weights
   * may be among them and among those of files beside it.
   * @param file its plain name
   * @throws InputError for files that are malformed or do not say what is needed
   * @throws UnsupportedError for what has no bound or is not read, every such node at once
   */
  read(bytes: Uint8Array, file: string, external: FetchExternal, options: LoadOptions): Promise<Network>;
}
