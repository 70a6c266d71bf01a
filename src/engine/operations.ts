/**
 * The operations of every engine: the contract of each, and the table of what their parameters and results are. Checking, recording
 * and counting are built from the table. What computes them is in cpuOperations.ts, webgpuOperations.ts and webglOperations.ts.
 */
import type {
  AbsoluteProductOptions,
  Frame,
  Handle,
  Matrices,
  ProductOptions,
  Ranges,
  Vector,
} from './handles.ts';
import {
  columns,
  dimension,
  matrices,
  number,
  numbers,
  type OperationRow,
  operands,
  plain,
  type Representation,
  type Represented,
  replaced,
  type ShapeOf,
  square,
  vector,
} from './row.ts';
import * as shapes from './shapes.ts';

export interface Operations {
  // ---- symbols and products -------------------------------------------------------------------

  /** Symbols of a kernel at many frequencies: out[b] = Σ_t phases[b, t] · taps[t] reshaped to
   *  rows × columns. `taps` real [1 | t × rows·columns], `phases` complex [1 | B × t]
   *  → complex [B | rows × columns]; each in the frame, if there is one, the entries of which are copied. */
  symbol(taps: Matrices, phases: Matrices, rows: number, columns: number, frame?: Frame): Matrices;
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
  absoluteProduct(a: Matrices, x: Matrices | Vector, options?: AbsoluteProductOptions): Matrices;
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
  /** max_b max |eigenvalue of S[b]|, from above, the operation's own rounding included: in float64 at most 1 + 1e-9 times the true value;
   *  in float32 1 + tolerance times (2^-17 where absent), and what rounding adds: about max(256, n/8)·2^-23 ‖S‖_F² / ‖S‖², halved, more
   *  for complex ones. Length 1. NaN if S holds one. */
  spectralRadius(s: Matrices, tolerance?: number): Vector;
  /** `spectralRadius`, about: a heuristic may choose by it, no bound may rest on it. On the CPU as that; in float32 from below, by a few
   *  steps of power iteration, and of thousands of matrices of some hundreds. */
  estimatedRadius(s: Matrices): Vector;
  /** As `spectralRadius` of S with its diagonal replaced: ½(S − diag S) per batch entry, i.e. ‖½S − ½diag S‖₂. */
  offDiagonalRadius(s: Matrices, tolerance?: number): Vector;

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

export type Name = keyof Operations;

/** One row for every operation. */
const table: { readonly [N in Name]: OperationRow<Operations[N]> } = {
  symbol: {
    parameters: [matrices, matrices, dimension('rows'), dimension('columns'), plain],
    result: shapes.symbolShape,
  },
  product: { parameters: [matrices, matrices, plain], result: shapes.productShape },
  congruence: {
    parameters: [matrices, operands],
    result: (w, q) => shapes.congruenceShape('congruence', w, q),
  },
  congruenceAdjoint: { parameters: [matrices, square('G')], result: shapes.congruenceAdjointShape },
  alias: { parameters: [matrices, dimension('count')], result: shapes.aliasShape },
  aliasAdjoint: {
    parameters: [matrices, dimension('count')],
    result: (g, count) => ({ ...g, batch: g.batch * count }),
  },
  scaleBatch: { parameters: [matrices, vector], result: shapes.scaleBatchShape },
  toComplex: { parameters: [matrices], result: (a) => ({ ...a, complex: true }) },
  windowSum: { parameters: [matrices, operands, vector], result: shapes.windowSumShape },
  add: { parameters: [matrices, matrices], result: shapes.addShape },
  submatrix: { parameters: [matrices, plain, plain], result: shapes.submatrixShape },
  submatrixAdjoint: {
    parameters: [square('A'), plain, dimension('size')],
    result: shapes.submatrixAdjointShape,
  },
  assemble: { parameters: [square('a'), matrices, square('c')], result: shapes.assembleShape },
  scaleSides: { parameters: [matrices, operands, operands], result: shapes.scaleSidesShape },
  absoluteProduct: { parameters: [matrices, operands, operands], result: shapes.absoluteProductShape },
  columnMaximum: { parameters: [columns('x')], result: (x) => x.rows },
  rowSums: { parameters: [square('S')], result: (s) => s.rows },
  rowSumsAdjoint: { parameters: [square('S'), vector, vector], result: shapes.rowSumsAdjointShape },
  diagonalSum: { parameters: [square('A')], result: (a) => a.rows },
  diagonal: { parameters: [square('S')], result: (s) => s.rows },
  spectralRadius: { parameters: [square('S'), plain], result: () => 1 },
  estimatedRadius: { parameters: [square('S')], result: () => 1 },
  offDiagonalRadius: { parameters: [square('S'), plain], result: () => 1 },
  inverse: {
    parameters: [vector, square('S')],
    result: (d, s) => ({ inverse: shapes.inverseShape(d, s), definite: 1 }),
  },
  throughSector: { parameters: [square('R'), vector, operands], result: shapes.throughSectorShape },
  addDiagonal: { parameters: [square('S'), vector], result: shapes.addDiagonalShape },
  diagonalMatrix: {
    parameters: [vector, plain],
    result: ({ length }, complex) => ({ batch: 1, rows: length, columns: length, complex }),
  },
  combine: {
    parameters: [operands],
    result: (terms) =>
      shapes.commonLength(
        'combine',
        terms.map(([, one]) => one),
      ),
  },
  multiply: { parameters: [vector, vector], result: (a, b) => shapes.commonLength('multiply', [a, b]) },
  maximum: { parameters: [vector, vector], result: (a, b) => shapes.commonLength('maximum', [a, b]) },
  reciprocal: { parameters: [vector], result: (a) => a.length },
  squareRoot: { parameters: [vector], result: (a) => a.length },
  maximumOver: {
    parameters: [vector, plain],
    result: (a, windows) => shapes.windowsLength('maximumOver', a, windows, 'none may be empty'),
  },
  sumOver: {
    parameters: [vector, plain],
    result: (a, windows) => shapes.windowsLength('sumOver', a, windows, 'they may be empty'),
  },
  largest: { parameters: [vector], result: () => 1 },
  exponent: { parameters: [vector], result: () => 1 },
  scaleByPower: {
    parameters: [operands, number('exponent'), plain],
    result: (a) => (a.kind === 'vector' ? a.length : a),
  },
  choose: { parameters: [numbers('score'), operands], result: shapes.chooseLength },
};

/** What an operation is given, and what it gives, where matrices and vectors are represented so. */
export type ParametersIn<R extends Representation, N extends Name> = Represented<
  Parameters<Operations[N]>,
  R
>;
export type ResultIn<R extends Representation, N extends Name> = Represented<ReturnType<Operations[N]>, R>;

/** The shape of the result of some operation: of matrices, the length of a vector, or each by name. */
export type ResultShape = ShapeOf<Handle> | Readonly<Record<string, ShapeOf<Handle>>>;

/** The shape of a single result, not of several by name. */
export function isShape(shape: ResultShape): shape is ShapeOf<Handle> {
  return typeof shape === 'number' || typeof shape.complex === 'boolean';
}

/**
 * All operations: each checks what it is given, then has `record` record it.
 * @param record makes the handles of a result of this shape
 */
export function recordedOperations(
  record: (operation: Name, parameters: readonly unknown[], shape: ResultShape) => unknown,
): Operations {
  const each = Object.entries(table).map(([name, row]) => {
    const operation = name as Name;
    // Rows are of one type each, which a loop over all of them cannot name.
    const { parameters: kinds, result } = row as unknown as OperationRow<(...given: unknown[]) => Handle>;
    const recorded = (...given: unknown[]): unknown => {
      for (let k = 0; k < kinds.length; k++) kinds[k]!.check(operation, given[k]);
      return record(operation, given, result(...given));
    };
    return [operation, recorded] as const;
  });
  return Object.fromEntries(each) as unknown as Operations;
}

/** The parameters of an operation with something else in place of every handle. */
export function withOperands(
  operation: Name,
  parameters: readonly unknown[],
  by: (handle: Handle) => unknown,
): unknown[] {
  const kinds = table[operation].parameters;
  const out: unknown[] = [];
  for (let k = 0; k < parameters.length; k++) {
    out.push(kinds[k]?.operand ? replaced(parameters[k], by) : parameters[k]);
  }
  return out;
}
