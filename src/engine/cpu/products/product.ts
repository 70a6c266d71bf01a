import type { ProductOptions } from '../../handles.ts';
import { batchStride, type Dense, totalLength } from '../dense.ts';
import type { Kernels } from '../kernels.ts';
import { allocate } from '../storage.ts';

/** op(A)·op(B) per batch entry. */
export async function product(
  kernels: Kernels,
  a: Dense,
  b: Dense,
  options: ProductOptions = {},
): Promise<Float64Array> {
  const adjointA = options.adjointA ?? false;
  const adjointB = options.adjointB ?? false;
  const batch = Math.max(a.batch, b.batch);
  const m = adjointA ? a.columns : a.rows;
  const k = adjointA ? a.rows : a.columns;
  const n = adjointB ? b.rows : b.columns;
  const out = allocate(totalLength({ batch, rows: m, columns: n, complex: a.complex }));
  const operands = { a: a.data, b: b.data, adjointA, adjointB };
  const common = { n, k, complex: a.complex, lower: false };
  const strides = { strideA: batchStride(a), strideB: batchStride(b) };
  // Under one B, the rows of all A are the rows of one tall matrix.
  const task =
    b.batch === 1 && !adjointA
      ? { ...operands, ...common, batch: 1, m: batch * m, strideA: 0, strideB: 0 }
      : { ...operands, ...common, batch, m, ...strides };
  await kernels.product(task, out);
  return out;
}
