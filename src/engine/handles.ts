/** What the operations of an engine are about: handles of matrices and vectors, and what else they are told. */

export interface Shape {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly complex: boolean;
}

/** A batch of `batch` matrices of `rows × columns`, row-major, matrix after matrix. Complex entries
 *  are interleaved (re, im). Opaque: the data lives in the engine that made it. */
export interface Matrices extends Shape {
  readonly kind: 'matrices';
}

/** A real vector on the device: multipliers, maxima, single numbers (length 1). */
export interface Vector {
  readonly kind: 'vector';
  readonly length: number;
}

export type Handle = Matrices | Vector;

export function isHandle(value: unknown): value is Handle {
  const kind = (value as Partial<Handle> | null | undefined)?.kind;
  return kind === 'matrices' || kind === 'vector';
}

/** Which operand of a product is replaced by its conjugate transpose. */
export interface ProductOptions {
  readonly adjointA?: boolean;
  readonly adjointB?: boolean;
}

/** `adjoint`: |Aᵀ| takes the place of |A|. `plus`: what is added. */
export interface AbsoluteProductOptions {
  readonly adjoint?: boolean;
  readonly plus?: Vector;
}

/** What a matrix is set in: a larger one, which is 0 beside it but for at most one entry in every row. */
export interface Frame {
  readonly rows: number;
  readonly columns: number;
  /** Where the matrix begins in it. */
  readonly row: number;
  readonly column: number;
  /** [rows]: the column of the row's entry, which is none of the matrix; −1 where there is none. */
  readonly indices: Int32Array;
  /** [rows] */
  readonly values: Float64Array;
}

/** Half-open ranges of row (and column) indices, in the order in which they are to be stacked. */
export type Ranges = readonly (readonly [start: number, end: number])[];
