/** Matrices whose entries are at hand: the data behind a `Matrices` handle of a CPU engine. */
import type { Shape } from '../handles.ts';

/** Row-major, matrix after matrix, complex entries interleaved (re, im). */
export interface Dense extends Shape {
  readonly data: Float64Array;
}

/** Doubles in one matrix of the batch. */
export function entryLength(shape: Shape): number {
  return shape.rows * shape.columns * (shape.complex ? 2 : 1);
}

/** Doubles in the whole batch. */
export function totalLength(shape: Shape): number {
  return shape.batch * entryLength(shape);
}

/** Doubles from one batch entry to the next when the batch is walked: 0 repeats a batch of one. */
export function batchStride(shape: Shape): number {
  return shape.batch === 1 ? 0 : entryLength(shape);
}

/** Of square matrices: copies the lower triangle onto the upper one, conjugated, and makes the diagonal real. */
export function mirrorLower(data: Float64Array, batch: number, n: number, complex: boolean): void {
  const width = complex ? 2 : 1;
  for (let entry = 0; entry < batch; entry++) {
    const base = entry * n * n * width;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        const from = base + (i * n + j) * width;
        const to = base + (j * n + i) * width;
        data[to] = data[from]!;
        if (complex) data[to + 1] = -data[from + 1]!;
      }
      if (complex) data[base + (i * n + i) * 2 + 1] = 0;
    }
  }
}
