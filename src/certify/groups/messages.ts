/** What a thread that works on samples is told, and what it says. */
import type { RegionProof } from '../../certificate/certifyRegion.ts';
import { InputError, type Unsupported, UnsupportedError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';
import type { Sample } from '../data/samples.ts';
import type { Slopes } from '../stages/globalMargins.ts';
import type { CertifiedGroup, GroupOptions } from './certifier.ts';

/** What comes first: what all samples have in common. */
export interface Introduction {
  readonly kind: 'begin';
  /** With a vector of logits as its output. */
  readonly network: Network;
  /** In float64. */
  readonly engine: 'cpu' | 'cpu-wasm' | 'cpu-blas';
  /** Whether evaluations are left to the engine. */
  readonly sideBySide: boolean;
  /** Whether there are proofs around inputs. */
  readonly regions: boolean;
  /** Bytes that decide how these are made; of all threads. */
  readonly memory?: number | undefined;
  readonly slopes: Slopes;
  readonly options: GroupOptions;
  readonly proofs: boolean;
}

export type Request =
  | Introduction
  | { readonly kind: 'certify'; readonly samples: readonly Sample[] }
  | { readonly kind: 'proof'; readonly sample: Sample; readonly label: number; readonly radius: number };

/** One for each request. */
export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'certified'; readonly group: CertifiedGroup }
  | { readonly kind: 'proof'; readonly proof: RegionProof | undefined }
  | { readonly kind: 'failed'; readonly error: SentError };

/** An error on its way between threads, which leave classes behind. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly items?: readonly Unsupported[];
}

export function sent(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  return { name, message, stack, ...(error instanceof UnsupportedError && { items: error.items }) };
}

export function received({ name, message, stack, items }: SentError): Error {
  if (items) return new UnsupportedError(items);
  if (name === 'InputError') return new InputError(message);
  const error = name === 'RangeError' ? new RangeError(message) : new Error(message);
  if (stack) error.stack = stack;
  return error;
}
