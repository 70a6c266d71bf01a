/**
 * What the mathematics asks of a machine: batches of dense matrices, real or complex, and some
 * twenty operations on them.
 *
 * Operations are *recorded*: a call returns a handle at once and `read` (or `settle`) runs what has
 * been recorded so far, in order. Nothing is read back in between, so that a GPU can be fed a whole
 * layer-by-layer pass; multipliers, maxima over frequencies and exponents stay on the device.
 *
 * An engine knows matrices and nothing of networks. Shapes are checked when an operation is
 * recorded; a mismatch is a `RangeError` that names the operation and both shapes.
 */

import type { Handle, Matrices, Vector } from './handles.ts';
import type { Operations } from './operations.ts';

export type {
  AbsoluteProductOptions,
  Frame,
  Handle,
  Matrices,
  ProductOptions,
  Ranges,
  Vector,
} from './handles.ts';

/** Numbers, or who makes them: any number of times, always the same; in float32 for an engine that holds them so. */
export type Data = Float64Array | Float32Array | (() => Float64Array | Float32Array);

export interface EngineInformation {
  /** `cpu-blas`, `cpu-wasm`, `oracle`, … */
  readonly name: string;
  /** For people: which library, how many threads. */
  readonly description: string;
  /** Unit roundoff of its arithmetic: 2^-53 for float64. */
  readonly unitRoundoff: number;
  readonly threads: number;
  /** Bytes that may be at work on it where nobody says how many, if that is more than anywhere. */
  readonly memory?: number;
}

/** An engine as those hold it who make one, pass it on and close it: what it computes is between this library and the device. */
export interface EngineHandle {
  readonly information: EngineInformation;
  /** Releases everything, ends worker threads. The engine cannot be used afterwards. */
  close(): Promise<void>;
}

/** Its operations are documented one by one in operations.ts. */
export interface Engine extends EngineHandle, Operations {
  /** Copies `data` in: batch · rows · columns (· 2 if complex) numbers. Given as a function it is asked for when what was recorded
   *  before has run, so that large operands need not exist all at once. */
  matrices(data: Data, batch: number, rows: number, columns: number, complex: boolean): Matrices;
  vector(data: ArrayLike<number>): Vector;
  /** Runs what was recorded and copies the values of the handles out. */
  read(...handles: Handle[]): Promise<Float64Array[]>;
  /** Runs what was recorded. Long work yields to the event loop between operations and between pieces of long ones, and stops there
   *  with the signal's reason when it is aborted. */
  settle(signal?: AbortSignal): Promise<void>;
  /** Gives the storage back once the operations recorded so far have used it. A handle must not be
   *  used after its release. */
  release(...handles: Handle[]): void;
  /** Largest number of bytes that matrices and vectors held at one time since creation. */
  readonly peakBytes: number;

  /** How many operations, at most, a product W_ik conj(W_jk) goes through on its way into an entry of `windowSum` once W Q is there: what
   *  the rounding of that sum is bounded by. @param batch of the sum */
  windowSumOperations(w: Matrices, batch: number): number;
}
