import { batchStride, type Dense, mirrorLower, totalLength } from '../dense.ts';
import { scaleSides } from '../entrywise/scaleSides.ts';
import type { Kernels } from '../kernels.ts';
import { allocate, recycle } from '../storage.ts';
import { product } from './product.ts';

/** W Q, the left half of a congruence: W itself without Q, its columns scaled by a diagonal. */
export async function leftHalf(
  kernels: Kernels,
  w: Dense,
  q: Dense | Float64Array | undefined,
): Promise<Dense> {
  if (q === undefined) return w;
  if (q instanceof Float64Array) return { ...w, data: scaleSides(w, undefined, q) };
  return { ...w, batch: Math.max(w.batch, q.batch), data: await product(kernels, w, q, {}) };
}

/** Gives back what `leftHalf` made of `w`. */
export function recycleHalf(left: Dense, w: Dense): void {
  if (left.data !== w.data) recycle(left.data);
}

/** W Q Wᴴ: the lower triangle of (W Q)·Wᴴ, mirrored. */
export async function congruence(
  kernels: Kernels,
  w: Dense,
  q?: Dense | Float64Array,
): Promise<Float64Array> {
  const left = await leftHalf(kernels, w, q);
  const { batch, complex } = left;
  const m = w.rows;
  const out = allocate(totalLength({ batch, rows: m, columns: m, complex }));
  const task = {
    ...{ batch, m, n: m, k: w.columns, complex, a: left.data, b: w.data },
    ...{ strideA: batchStride(left), strideB: batchStride(w), adjointA: false, adjointB: true, lower: true },
  };
  await kernels.product(task, out);
  recycleHalf(left, w);
  mirrorLower(out, batch, m, complex);
  return out;
}
