/**
 * A network: a directed acyclic graph of operators with one input and one output.
 * Immutable; made by `NetworkBuilder` (shapes are inferred and checked there), rewritten by `simplify`.
 */
import type { Unsupported } from '../errors.ts';
import type { Operator } from './operator.ts';

/** Index into `Network.tensors`. */
export type TensorId = number;

export interface Tensor {
  readonly name: string;
  /** Without the batch axis. [features] or [channels, ...spatial]. */
  readonly shape: readonly number[];
}

export interface Node {
  /** As in the file; made up (`conv_3`) where the file has none. Shown to people. */
  readonly name: string;
  readonly operator: Operator;
  readonly inputs: readonly TensorId[];
  readonly output: TensorId;
}

/** Where a network came from. */
export interface Source {
  /** File name, without its folder. */
  readonly file: string;
  /** Hex SHA-256 of the model file; with external data, of a list of all its files (docs/certificate.md). */
  readonly sha256: string;
  /** Of all its files together. */
  readonly bytes: number;
  /** Names of the files with external data, beside the model; absent where there are none. */
  readonly external?: readonly string[];
}

/** What a file says of a node that makes another operator of it, or none, in a signal of another length. */
export interface Tie extends Unsupported {
  /** Set where it is the operator that it is here once all sides of what it reads are at least so long. */
  readonly from?: number;
}

export interface Network {
  readonly name: string;
  readonly source?: Source;
  /** What ties it to the length of its file, beyond what its operators say themselves (`lengths.ts`). */
  readonly ties?: readonly Tie[];
  readonly tensors: readonly Tensor[];
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly input: TensorId;
  readonly output: TensorId;
}
