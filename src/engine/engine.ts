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

/** A batch of `batch` matrices of `rows × columns`, row-major, matrix after matrix. Complex entries
 *  are interleaved (re, im). Opaque: the data lives in the engine that made it. */
export interface Matrices {
  readonly kind: 'matrices';
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly complex: boolean;
}

/** A real vector on the device: multipliers, maxima, single numbers (length 1). */
export interface Vector {
  readonly kind: 'vector';
  readonly length: number;
}

export type Handle = Matrices | Vector;

/** Numbers, or who makes them: any number of times, always the same. */
export type Data = Float64Array | (() => Float64Array);

/** Which operand of a product is replaced by its conjugate transpose. */
export interface ProductOptions {
  readonly adjointA?: boolean;
  readonly adjointB?: boolean;
}

/** Half-open ranges of row (and column) indices, in the order in which they are to be stacked. */
export type Ranges = readonly (readonly [start: number, end: number])[];

export interface EngineInformation {
  /** `cpu-blas`, `cpu-wasm`, `oracle`, … */
  readonly name: string;
  /** For people: which library, how many threads. */
  readonly description: string;
  /** Unit roundoff of its arithmetic: 2^-53 for float64. */
  readonly unitRoundoff: number;
  readonly threads: number;
}

/** An engine as those hold it who make one, pass it on and close it: what it computes is between this library and the device. */
export interface EngineHandle {
  readonly information: EngineInformation;
  /** Releases everything, ends worker threads. The engine cannot be used afterwards. */
  close(): Promise<void>;
}

export interface Engine extends EngineHandle {
  // ---- data in and out ------------------------------------------------------------------------

  /** Copies `data` in: batch · rows · columns (· 2 if complex) numbers. Given as a function it is asked for when what was recorded
   *  before has run, so that large operands need not exist all at once. */
  matrices(data: Data, batch: number, rows: number, columns: number, complex: boolean): Matrices;
  vector(data: ArrayLike<number>): Vector;
  /** Runs what was recorded and copies the values of the handles out. */
  read(...handles: Handle[]): Promise<Float64Array[]>;
  /** Runs what was recorded. Long work yields to the event loop at least between operations and
   *  stops with the signal's reason when it is aborted. */
  settle(signal?: AbortSignal): Promise<void>;
  /** Gives the storage back once the operations recorded so far have used it. A handle must not be
   *  used after its release. */
  release(...handles: Handle[]): void;
  /** Largest number of bytes that matrices and vectors held at one time since creation. */
  readonly peakBytes: number;

  // ---- symbols and products -------------------------------------------------------------------

  /** Symbols of a kernel at many frequencies: out[b] = Σ_t phases[b, t] · taps[t] reshaped to
   *  rows × columns. `taps` real [1 | t × rows·columns], `phases` complex [1 | B × t]
   *  → complex [B | rows × columns]. */
  symbol(taps: Matrices, phases: Matrices, rows: number, columns: number): Matrices;
  /** A·B per batch entry, either operand optionally replaced by its conjugate transpose. A batch of
   *  1 is broadcast. Both real or both complex. */
  product(a: Matrices, b: Matrices, options?: ProductOptions): Matrices;
  /** W Q Wᴴ, exactly Hermitian (both triangles stored, diagonal real). Without Q: W Wᴴ; a vector Q is
   *  a diagonal. W [B | m × n], Q [B | n × n] → [B | m × m]; a batch of 1 is broadcast. */
  congruence(w: Matrices, q?: Matrices | Vector): Matrices;
  /** Wᴴ G W, exactly Hermitian: the adjoint of `congruence`. W [B | m × n], G [B | m × m] → [B | n × n]; a batch of 1 is
   *  broadcast. */
  congruenceAdjoint(w: Matrices, g: Matrices): Matrices;
  /** Means of `count` consecutive batch entries: [B·count | m × n] → [B | m × n]. */
  alias(s: Matrices, count: number): Matrices;
  /** The adjoint of `alias`: every entry `count` times, divided by `count`. [B | m × n] → [B·count | m × n]. */
  aliasAdjoint(g: Matrices, count: number): Matrices;
  /** Every batch entry times its factor. A batch of 1 is repeated for all factors. */
  scaleBatch(a: Matrices, factors: Vector): Matrices;
  /** Real matrices as complex ones. */
  toComplex(a: Matrices): Matrices;
  /** Σ_b weights[b] · Re(W[b] Q[b] W[b]ᴴ) (Q as in `congruence`): complex or real [B | m × n] → real [1 | m × m],
   *  exactly symmetric. */
  windowSum(w: Matrices, q: Matrices | Vector | undefined, weights: Vector): Matrices;
  /** How many operations, at most, a product W_ik conj(W_jk) goes through on its way into an entry of `windowSum` once W Q is there: what
   *  the rounding of that sum is bounded by. @param batch of the sum */
  windowSumOperations(w: Matrices, batch: number): number;
  /** A + B, same shape. */
  add(a: Matrices, b: Matrices): Matrices;
  /** Rows and columns of each matrix, gathered by ranges. */
  submatrix(a: Matrices, rows: Ranges, columns: Ranges): Matrices;
  /** The adjoint of `submatrix(…, ranges, ranges)`: zero matrices of `size` × `size`, to which the entries of `a` are added at the
   *  rows and columns that the ranges gather; ranges may overlap. */
  submatrixAdjoint(a: Matrices, ranges: Ranges, size: number): Matrices;
  /** The Hermitian matrices [[a, b], [bᴴ, c]]: a [B | m × m], b [B | m × n], c [B | n × n]. */
  assemble(a: Matrices, b: Matrices, c: Matrices): Matrices;
  /** diag(left) · A · diag(right); an absent side is the identity. */
  scaleSides(a: Matrices, left: Vector | undefined, right: Vector | undefined): Matrices;

  // ---- error bounds (docs/mathematics.md §6) --------------------------------------------------------------

  /** |A| x + plus, with |Aᵀ| for `adjoint`, where |z| = |Re z| + |Im z|: no square roots, and what bounds the components of a product
   *  of complex numbers. A [B | m × n]; x real [B | n × 1] (a batch of 1, and a vector, are broadcast), plus of length m
   *  → real [B | m × 1]. Every entry is a sum of nonnegative terms in working precision. */
  absoluteProduct(
    a: Matrices,
    x: Matrices | Vector,
    options?: { readonly adjoint?: boolean; readonly plus?: Vector },
  ): Matrices;
  /** out_i = max_b x_i of real columns x [B | n × 1]; NaN wins. */
  columnMaximum(x: Matrices): Vector;

  // ---- reductions over a batch of Hermitian matrices ------------------------------------------

  /** out_i = max_b Σ_j |S_ij|. NaN in the input gives NaN in the output. */
  rowSums(s: Matrices): Vector;
  /** The adjoint of `rowSums`, for sums = rowSums(s): ½(Z + Zᴴ) with Z_ij = coefficients_i · S_ij / |S_ij| in the batch entries where row i
   *  attains its maximum (shared evenly where several do), else 0; 0 where S_ij = 0. */
  rowSumsAdjoint(s: Matrices, sums: Vector, coefficients: Vector): Matrices;
  /** out_i = Σ_b Re A_ii. */
  diagonalSum(a: Matrices): Vector;
  /** out_i = max_b Re S_ii. */
  diagonal(s: Matrices): Vector;
  /** max_b max |eigenvalue of S[b]|, from above: at least the true value (for the stored matrices, up to the
   *  rounding of one Cholesky factorisation) and in float64 at most 1 + 1e-9 times it, in float32 1 + 2^-16 + n·2^-22. Length 1.
   *  NaN if S holds one. */
  spectralRadius(s: Matrices): Vector;
  /** As `spectralRadius` of S with its diagonal replaced: ½(S − diag S) per batch entry, i.e. ‖½S − ½diag S‖₂. */
  offDiagonalRadius(s: Matrices): Vector;

  // ---- multipliers ----------------------------------------------------------------------------

  /** R = (diag D − S)⁻¹ per batch entry, exactly Hermitian, by Cholesky. `definite` (length 1) is 1 when every
   *  factorisation ran through and 0 otherwise; R is then NaN. */
  inverse(d: Vector, s: Matrices): { inverse: Matrices; definite: Vector };
  /** diag(left) R diag(left) − diag(subtract): the covariance after a nonlinearity, with left = M D and
   *  subtract = αβ D. Real diagonal; batch kept. */
  throughSector(r: Matrices, left: Vector, subtract: Vector | undefined): Matrices;
  /** S + diag(d), the same d for every batch entry. */
  addDiagonal(s: Matrices, d: Vector): Matrices;
  /** The Hermitian matrix diag(d), once. */
  diagonalMatrix(d: Vector, complex: boolean): Matrices;

  // ---- small vectors --------------------------------------------------------------------------

  /** Σ_k coefficient_k · vector_k; length-1 vectors are broadcast. */
  combine(terms: readonly (readonly [coefficient: number, vector: Vector])[]): Vector;
  /** Entrywise product and entrywise maximum; length-1 vectors are broadcast. */
  multiply(a: Vector, b: Vector): Vector;
  maximum(a: Vector, b: Vector): Vector;
  /** Entrywise 1/a. */
  reciprocal(a: Vector): Vector;
  /** Entrywise square root. */
  squareRoot(a: Vector): Vector;
  /** out_k = the largest of a over the indices of windows[k] (no window is empty). */
  maximumOver(a: Vector, windows: readonly Int32Array[]): Vector;
  /** out_k = the sum of a over the indices of windows[k] (an empty window gives 0). */
  sumOver(a: Vector, windows: readonly Int32Array[]): Vector;
  /** The largest entry, length 1. */
  largest(a: Vector): Vector;
  /** e = floor(log2(largest entry)) (0 when it is 0), length 1: an exact integer. NaN stays NaN. */
  exponent(a: Vector): Vector;
  /** Multiplication by 2^(sign · e), e a length-1 vector of integers. */
  scaleByPower<H extends Handle>(a: H, e: Vector, sign: 1 | -1): H;
  /** The candidate with the smallest score; a NaN score never wins, if all are NaN the result is NaN.
   *  `scores` have length 1; `candidates` have one length. */
  choose(scores: readonly Vector[], candidates: readonly Vector[]): Vector;
}
