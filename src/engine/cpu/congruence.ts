import { batchStride, type Dense, mirrorLower, totalLength } from './dense.ts';
import type { Kernels } from './kernels.ts';
import { product } from './product.ts';
import { scaleSides } from './scaleSides.ts';

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

/** W Q Wᴴ: the lower triangle of (W Q)·Wᴴ, mirrored. */
export async function congruence(
  kernels: Kernels,
  w: Dense,
  q: Dense | Float64Array | undefined,
): Promise<Float64Array> {
  const left = await leftHalf(kernels, w, q);
  const { batch, complex } = left;
  const m = w.rows;
  const out = new Float64Array(totalLength({ batch, rows: m, columns: m, complex }));
  const task = {
    ...{ batch, m, n: m, k: w.columns, complex, a: left.data, b: w.data },
    ...{ strideA: batchStride(left), strideB: batchStride(w), adjointA: false, adjointB: true, lower: true },
  };
  await kernels.product(task, out);
  mirrorLower(out, batch, m, complex);
  return out;
}
