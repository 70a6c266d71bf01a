/**
 * A network: a directed acyclic graph of operators with one input and one output.
 * Immutable; made by `NetworkBuilder` (shapes are inferred and checked there), rewritten by `simplify`.
 */
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
  /** Hex SHA-256 of the model file, followed by its external-data files in the order of their names, if any. */
  readonly sha256: string;
}

export interface Network {
  readonly name: string;
  readonly source?: Source;
  readonly tensors: readonly Tensor[];
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly input: TensorId;
  readonly output: TensorId;
}
