import type { Frame } from '../../handles.ts';
import { allocate, recycle } from '../storage.ts';

/** Complex matrices of rows × columns, which are given back, each in the frame. */
export function framed(
  matrices: Float64Array,
  rows: number,
  columns: number,
  { row, column, indices, values, ...whole }: Frame,
): Float64Array {
  const [line, wholeLine] = [2 * columns, 2 * whole.columns];
  const [size, wholeSize] = [rows * line, whole.rows * wholeLine];
  const batch = matrices.length / size;
  const out = allocate(batch * wholeSize).fill(0);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < whole.rows; i++) {
      const at = indices[i]!;
      if (at >= 0) out[b * wholeSize + i * wholeLine + 2 * at] = values[i]!;
    }
    for (let i = 0; i < rows; i++) {
      const from = b * size + i * line;
      out.set(matrices.subarray(from, from + line), b * wholeSize + (row + i) * wholeLine + 2 * column);
    }
  }
  recycle(matrices);
  return out;
}
