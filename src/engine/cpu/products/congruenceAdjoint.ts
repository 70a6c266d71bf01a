import { batchStride, type Dense, mirrorLower, totalLength } from '../dense.ts';
import type { Kernels } from '../kernels.ts';
import { allocate, recycle } from '../storage.ts';
import { product } from './product.ts';

/** Wᴴ G W: the lower triangle of (Wᴴ G)·W, mirrored. */
export async function congruenceAdjoint(kernels: Kernels, w: Dense, g: Dense): Promise<Float64Array> {
  const n = w.columns;
  const batch = Math.max(w.batch, g.batch);
  const left: Dense = {
    ...{ batch, rows: n, columns: w.rows, complex: w.complex },
    data: await product(kernels, w, g, { adjointA: true }),
  };
  const out = allocate(totalLength({ batch, rows: n, columns: n, complex: w.complex }));
  const task = {
    ...{ batch, m: n, n, k: w.rows, complex: w.complex, a: left.data, b: w.data },
    ...{ strideA: batchStride(left), strideB: batchStride(w), adjointA: false, adjointB: false, lower: true },
  };
  await kernels.product(task, out);
  recycle(left.data);
  mirrorLower(out, batch, n, w.complex);
  return out;
}
