/**
 * The O(n³) part of a CPU engine, over plain float64 arrays: what Wasm and BLAS each do in their own way.
 * Matrices are row-major, complex ones interleaved (dense.ts).
 */

/** C[b] = op(A[b]) op(B[b]) for `batch` entries, op(A) m × k, op(B) k × n. */
export interface Product {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly complex: boolean;
  readonly a: Float64Array;
  readonly b: Float64Array;
  /** Doubles from one entry to the next; 0 repeats the operand. */
  readonly strideA: number;
  readonly strideB: number;
  readonly adjointA: boolean;
  readonly adjointB: boolean;
  /** The product is known to be Hermitian (then m = n and `adjointB`): the strict upper triangle of C may be left
   *  unspecified. */
  readonly lower: boolean;
}

export interface Kernels {
  readonly name: 'cpu-wasm' | 'cpu-blas';
  /** For people: library and configuration. */
  readonly description: string;
  readonly threads: number;
  /** Fills `out`, which need not be zero. */
  product(task: Product, out: Float64Array): Promise<void>;
  /** Factors Hermitian matrices n × n, of which the lower triangle is read; destroys `a`. 1 where Cholesky ran
   *  through, 0 where a pivot was not positive (or NaN). */
  positiveDefinite(a: Float64Array, batch: number, n: number, complex: boolean): Promise<Uint8Array>;
  /** Replaces Hermitian matrices, of which the lower triangle is read, by their inverses, exactly Hermitian. False,
   *  with `a` spoilt, where one of them is not positive definite. */
  invert(a: Float64Array, batch: number, n: number, complex: boolean): Promise<boolean>;
  /** y = A x for one Hermitian matrix n × n, both triangles stored. */
  multiplyVector(
    a: Float64Array,
    x: Float64Array,
    y: Float64Array,
    n: number,
    complex: boolean,
  ): Promise<void>;
  close(): Promise<void>;
}

/** Floating-point operations of a product: a complex multiply-add is eight, a real one two. */
export function productFlops(task: Pick<Product, 'm' | 'n' | 'k' | 'complex' | 'lower'>): number {
  return task.m * task.n * task.k * (task.complex ? 8 : 2) * (task.lower ? 0.5 : 1);
}
