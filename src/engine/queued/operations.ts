/** The operations of `Engine` on plain data: what an engine computes once shapes are checked and operands are there. */
import type { Shape } from '../cpu/dense.ts';
import type { ProductOptions, Ranges } from '../engine.ts';

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

/** @typeParam M what holds matrices. */
export interface Operations<M = Float64Array> {
  symbol(taps: Stored<M>, phases: Stored<M>, rows: number, columns: number): Eventually<M>;
  product(a: Stored<M>, b: Stored<M>, options: ProductOptions): Eventually<M>;
  congruence(w: Stored<M>, q: Stored<M> | Float64Array | undefined): Eventually<M>;
  congruenceAdjoint(w: Stored<M>, g: Stored<M>): Eventually<M>;
  aliasAdjoint(g: Stored<M>, count: number): Eventually<M>;
  scaleBatch(a: Stored<M>, factors: Float64Array): Eventually<M>;
  toComplex(a: Stored<M>): Eventually<M>;
  submatrixAdjoint(a: Stored<M>, ranges: Ranges, size: number): Eventually<M>;
  rowSumsAdjoint(s: Stored<M>, sums: Float64Array, coefficients: Float64Array): Eventually<M>;
  diagonalSum(a: Stored<M>): Eventually<Float64Array>;
  alias(s: Stored<M>, count: number): Eventually<M>;
  windowSum(w: Stored<M>, q: Stored<M> | Float64Array | undefined, weights: Float64Array): Eventually<M>;
  add(a: Stored<M>, b: Stored<M>): Eventually<M>;
  submatrix(a: Stored<M>, rows: Ranges, columns: Ranges): Eventually<M>;
  assemble(a: Stored<M>, b: Stored<M>, c: Stored<M>): Eventually<M>;
  scaleSides(a: Stored<M>, left: Float64Array | undefined, right: Float64Array | undefined): Eventually<M>;
  absoluteProduct(
    a: Stored<M>,
    x: Stored<M> | Float64Array,
    adjoint: boolean,
    plus: Float64Array | undefined,
  ): Eventually<M>;
  columnMaximum(x: Stored<M>): Eventually<Float64Array>;
  addDiagonal(s: Stored<M>, d: Float64Array): Eventually<M>;
  rowSums(s: Stored<M>): Eventually<Float64Array>;
  diagonal(s: Stored<M>): Eventually<Float64Array>;
  spectralRadius(s: Stored<M>): Eventually<number>;
  offDiagonalRadius(s: Stored<M>): Eventually<number>;
  inverse(d: Float64Array, s: Stored<M>): Eventually<{ inverse: M; definite: boolean }>;
  throughSector(r: Stored<M>, left: Float64Array, subtract: Float64Array | undefined): Eventually<M>;
  diagonalMatrix(d: Float64Array, complex: boolean): Eventually<M>;
  combine(coefficients: readonly number[], vectors: readonly Float64Array[], length: number): Float64Array;
  multiply(a: Float64Array, b: Float64Array, length: number): Float64Array;
  maximum(a: Float64Array, b: Float64Array, length: number): Float64Array;
  reciprocal(a: Float64Array): Float64Array;
  sumOver(a: Float64Array, windows: readonly Int32Array[]): Float64Array;
  squareRoot(a: Float64Array): Float64Array;
  maximumOver(a: Float64Array, windows: readonly Int32Array[]): Float64Array;
  largest(a: Float64Array): number;
  exponent(a: Float64Array): number;
  scaleMatricesByPower(a: Stored<M>, exponent: number): Eventually<M>;
  scaleByPower(a: Float64Array, exponent: number): Float64Array;
  choose(scores: readonly number[], candidates: readonly Float64Array[]): Float64Array;
}
