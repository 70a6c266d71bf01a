/** The operations of `Engine` on plain data: what an engine computes once shapes are checked and operands are there. */
import type { Shape } from '../handles.ts';
import type { Name, ParametersIn, ResultIn } from '../operations.ts';

export type Eventually<T> = T | Promise<T>;

/** Goes on with a value, at once if it is there. */
export function when<T, U>(value: Eventually<T>, next: (value: T) => U): Eventually<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Matrices and what holds their entries. */
export interface Stored<M> extends Shape {
  readonly data: M;
}

/** Where entries lie: those of matrices in an M, those of vectors in arrays. */
export interface Storage<M> {
  /** Storage for these entries: a copy, row-major, matrix after matrix, complex ones interleaved. */
  hold(data: Float64Array, shape: Shape): M;
  /** A copy of the entries. */
  entries(matrices: Stored<M>): Eventually<Float64Array>;
  bytes(data: M | Float64Array): number;
  /** Nobody reads it any more. */
  free(data: M | Float64Array): void;
  close(): Promise<void>;
}

/** What an operation is given. */
export type Parameters<N extends Name, M> = ParametersIn<
  { readonly matrices: Stored<M>; readonly vector: Float64Array },
  N
>;

/** What it gives: the entries, in storage of their own. For a vector of length 1 its number will do. */
export type Result<N extends Name, M> = ResultIn<
  { readonly matrices: M; readonly vector: Float64Array | number },
  N
>;

/** @typeParam M what holds matrices. */
export type QueuedOperations<M = Float64Array> = {
  readonly [N in Name]: (...parameters: Parameters<N, M>) => Eventually<Result<N, M>>;
};
