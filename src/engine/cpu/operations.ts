/** The operations of `Engine` on plain data: what an engine computes once shapes are checked and operands are there. */
import type { ProductOptions, Ranges } from '../engine.ts';
import type { Dense } from './dense.ts';

type Eventually<T> = T | Promise<T>;

export interface Operations {
  symbol(taps: Dense, phases: Dense, rows: number, columns: number): Eventually<Float64Array>;
  product(a: Dense, b: Dense, options: ProductOptions): Eventually<Float64Array>;
  congruence(w: Dense, q: Dense | Float64Array | undefined): Eventually<Float64Array>;
  congruenceAdjoint(w: Dense, g: Dense): Eventually<Float64Array>;
  aliasAdjoint(g: Dense, count: number): Eventually<Float64Array>;
  scaleBatch(a: Dense, factors: Float64Array): Eventually<Float64Array>;
  toComplex(a: Dense): Eventually<Float64Array>;
  submatrixAdjoint(a: Dense, ranges: Ranges, size: number): Eventually<Float64Array>;
  rowSumsAdjoint(s: Dense, sums: Float64Array, coefficients: Float64Array): Eventually<Float64Array>;
  diagonalSum(a: Dense): Eventually<Float64Array>;
  alias(s: Dense, count: number): Eventually<Float64Array>;
  windowSum(w: Dense, q: Dense | Float64Array | undefined, weights: Float64Array): Eventually<Float64Array>;
  add(a: Dense, b: Dense): Eventually<Float64Array>;
  submatrix(a: Dense, rows: Ranges, columns: Ranges): Eventually<Float64Array>;
  assemble(a: Dense, b: Dense, c: Dense): Eventually<Float64Array>;
  scaleSides(
    a: Dense,
    left: Float64Array | undefined,
    right: Float64Array | undefined,
  ): Eventually<Float64Array>;
  absoluteProduct(
    a: Dense,
    x: Dense | Float64Array,
    adjoint: boolean,
    plus: Float64Array | undefined,
  ): Eventually<Float64Array>;
  columnMaximum(x: Dense): Eventually<Float64Array>;
  addDiagonal(s: Dense, d: Float64Array): Eventually<Float64Array>;
  rowSums(s: Dense): Eventually<Float64Array>;
  diagonal(s: Dense): Eventually<Float64Array>;
  spectralRadius(s: Dense): Eventually<number>;
  offDiagonalRadius(s: Dense): Eventually<number>;
  inverse(d: Float64Array, s: Dense): Eventually<{ inverse: Float64Array; definite: boolean }>;
  throughSector(r: Dense, left: Float64Array, subtract: Float64Array | undefined): Eventually<Float64Array>;
  diagonalMatrix(d: Float64Array, complex: boolean): Eventually<Float64Array>;
  combine(coefficients: readonly number[], vectors: readonly Float64Array[], length: number): Float64Array;
  multiply(a: Float64Array, b: Float64Array, length: number): Float64Array;
  maximum(a: Float64Array, b: Float64Array, length: number): Float64Array;
  reciprocal(a: Float64Array): Float64Array;
  sumOver(a: Float64Array, windows: readonly Int32Array[]): Float64Array;
  squareRoot(a: Float64Array): Float64Array;
  maximumOver(a: Float64Array, windows: readonly Int32Array[]): Float64Array;
  largest(a: Float64Array): number;
  exponent(a: Float64Array): number;
  scaleByPower(a: Float64Array, exponent: number): Float64Array;
  choose(scores: readonly number[], candidates: readonly Float64Array[]): Float64Array;
}
