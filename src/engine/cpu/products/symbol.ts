import type { Frame } from '../../handles.ts';
import type { Dense } from '../dense.ts';
import type { Kernels } from '../kernels.ts';
import { allocate, recycle } from '../storage.ts';
import { framed } from './framed.ts';

/**
 * Symbols of a kernel: out[b] = Σ_t phases[b, t] · taps[t]. Taps are real, so this is the real product of the phases'
 * parts, 2B × t, with the taps, t × rows·columns; the parts of the result are then interleaved, each in its frame.
 */
export async function symbol(
  kernels: Kernels,
  taps: Dense,
  phases: Dense,
  rows: number,
  columns: number,
  frame?: Frame,
): Promise<Float64Array> {
  const frequencies = phases.rows;
  const count = taps.rows;
  const entries = taps.columns;
  const parts = allocate(2 * frequencies * count);
  for (let b = 0; b < frequencies; b++) {
    for (let t = 0; t < count; t++) {
      parts[2 * b * count + t] = phases.data[2 * (b * count + t)]!;
      parts[(2 * b + 1) * count + t] = phases.data[2 * (b * count + t) + 1]!;
    }
  }
  const separate = allocate(2 * frequencies * entries);
  const task = {
    ...{ batch: 1, m: 2 * frequencies, n: entries, k: count, complex: false },
    ...{ a: parts, b: taps.data, strideA: 0, strideB: 0, adjointA: false, adjointB: false, lower: false },
  };
  await kernels.product(task, separate);
  recycle(parts);

  const out = allocate(2 * frequencies * entries);
  for (let b = 0; b < frequencies; b++) {
    const re = 2 * b * entries;
    const im = re + entries;
    for (let i = 0; i < entries; i++) {
      out[re + 2 * i] = separate[re + i]!;
      out[re + 2 * i + 1] = separate[im + i]!;
    }
  }
  recycle(separate);
  return frame ? framed(out, rows, columns, frame) : out;
}
