/** What a file format is to the rest: how its files are told from others, and what becomes of them. */
import type { Network } from '../network/network.ts';

export interface LoadOptions {
  /** Shape of one sample, without the batch axis, where the file leaves it open: [channels, ...spatial] or [features]. */
  readonly inputShape?: readonly number[];
  /** Name of the output to bound, where the file has several. */
  readonly output?: string;
  /** Ends loading: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Gives the bytes of a file beside the model by its plain name; undefined where there is none. */
export type FetchExternal = (location: string) => Promise<Uint8Array> | undefined;

export interface Format {
  readonly name: string;
  /** Whether a file is of this format, as far as its name and its first bytes tell. */
  recognises(bytes: Uint8Array, file: string): boolean;
  /**
   * The network of a file, without its source. The bytes are the reader's: they may be no model afterwards, and the network's weights
   * may be among them and among those of files beside it.
   * @param file its plain name
   * @throws InputError for files that are malformed or do not say what is needed
   * @throws UnsupportedError for what has no bound or is not read, every such node at once
   */
  read(bytes: Uint8Array, file: string, external: FetchExternal, options: LoadOptions): Promise<Network>;
}
