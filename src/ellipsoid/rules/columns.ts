/** A dense matrix in slices of its columns, where it is wider than what may be uploaded at once. */
import type { Engine, Matrices } from '../../engine/engine.ts';
import { precisionOf } from '../../engine/precision.ts';
import type { DenseTaps } from './dense.ts';

/** A dense real matrix, row-major, with the `magnitudes` of `Taps`; `slice` where columns can be had without the rest. */
export type DenseMatrix = Pick<DenseTaps, 'rows' | 'columns' | 'matrices' | 'magnitudes'> &
  Partial<Pick<DenseTaps, 'slice'>>;

/** Some columns of a dense matrix, on the engine, and where they come from. */
export interface ColumnSlice {
  readonly matrices: Matrices;
  /** Of `Taps`. */
  readonly magnitudes?: Float64Array;
  readonly columns: () => Int32Array[];
}

/** A dense matrix in slices of its columns of at most so many numbers, each made when asked for; to be released by the caller. */
export function* byColumns(engine: Engine, dense: DenseMatrix, most: number): Generator<ColumnSlice> {
  const { rows, columns, magnitudes } = dense;
  const width = Math.max(1, Math.floor(most / rows));
  const precision = precisionOf(engine.information);
  for (let first = 0; first < columns; first += width) {
    const end = Math.min(columns, first + width);
    const own = () =>
      dense.slice?.(first, end, precision) ?? columnsOf(dense.matrices, rows, columns, first, end);
    yield {
      matrices: engine.matrices(own, 1, rows, end - first, false),
      ...(magnitudes && { magnitudes: columnsOf(magnitudes, rows, columns, first, end) }),
      columns: () => Array.from({ length: end - first }, (_, i) => Int32Array.of(first + i)),
    };
  }
}

/** Columns first … end − 1 of a dense matrix. */
function columnsOf(matrix: Float64Array, rows: number, columns: number, first: number, end: number) {
  const out = new Float64Array(rows * (end - first));
  for (let r = 0; r < rows; r++)
    out.set(matrix.subarray(r * columns + first, r * columns + end), r * (end - first));
  return out;
}
