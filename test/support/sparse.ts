/** Sparse real matrices as lists of entries: just enough to push vectors through a small network both ways. */

export interface SparseMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly row: readonly number[];
  readonly column: readonly number[];
  readonly value: readonly number[];
}

/** Collects entries; several at one place add up when the matrix is applied. */
export class SparseBuilder {
  private readonly row: number[] = [];
  private readonly column: number[] = [];
  private readonly value: number[] = [];
  private readonly rows: number;
  private readonly columns: number;

  constructor(rows: number, columns: number) {
    this.rows = rows;
    this.columns = columns;
  }

  put(row: number, column: number, value: number): void {
    this.row.push(row);
    this.column.push(column);
    this.value.push(value);
  }

  build(): SparseMatrix {
    return { rows: this.rows, columns: this.columns, row: this.row, column: this.column, value: this.value };
  }
}

/** target += A x */
export function accumulate(a: SparseMatrix, x: Float64Array, target: Float64Array): void {
  for (let k = 0; k < a.value.length; k++) target[a.row[k]!]! += a.value[k]! * x[a.column[k]!]!;
}

/** target += Aᵀ y */
export function accumulateTransposed(a: SparseMatrix, y: Float64Array, target: Float64Array): void {
  for (let k = 0; k < a.value.length; k++) target[a.column[k]!]! += a.value[k]! * y[a.row[k]!]!;
}
