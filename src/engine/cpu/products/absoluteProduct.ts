import { batchStride, type Dense } from '../dense.ts';
import { allocate } from '../storage.ts';

/** |A| x + plus, or |Aᵀ| x + plus, per batch entry, with |z| = |Re z| + |Im z|. */
export function absoluteProduct(
  a: Dense,
  x: Dense | Float64Array,
  { adjoint = false, plus }: { readonly adjoint?: boolean; readonly plus?: Float64Array } = {},
): Float64Array {
  const shared = x instanceof Float64Array;
  const batch = Math.max(a.batch, shared ? 1 : x.batch);
  const width = a.complex ? 2 : 1;
  const rows = adjoint ? a.columns : a.rows;
  const values = shared ? x : x.data;
  const stride = shared ? 0 : batchStride(x);
  const out = allocate(batch * rows).fill(0);
  const { data, columns } = a;
  for (let b = 0; b < batch; b++) {
    const to = b * rows;
    const from = b * stride;
    let at = b * batchStride(a);
    if (plus) out.set(plus, to);
    for (let i = 0; i < a.rows; i++, at += width * columns) {
      if (adjoint) addMagnitudes(out, to, data, at, columns, width, values[from + i]!);
      else out[to + i]! += sumOfMagnitudes(data, at, columns, width, values, from);
    }
  }
  return out;
}

/** Σ_j |z_j| x_j along a row. */
function sumOfMagnitudes(
  data: Float64Array,
  at: number,
  count: number,
  width: number,
  x: Float64Array,
  from: number,
): number {
  let sum = 0;
  if (width === 1) for (let j = 0; j < count; j++) sum += Math.abs(data[at + j]!) * x[from + j]!;
  else {
    for (let j = 0, k = at; j < count; j++, k += 2)
      sum += (Math.abs(data[k]!) + Math.abs(data[k + 1]!)) * x[from + j]!;
  }
  return sum;
}

/** out_j += |z_j| factor along a row. */
function addMagnitudes(
  out: Float64Array,
  to: number,
  data: Float64Array,
  at: number,
  count: number,
  width: number,
  factor: number,
): void {
  if (width === 1) for (let j = 0; j < count; j++) out[to + j]! += Math.abs(data[at + j]!) * factor;
  else {
    for (let j = 0, k = at; j < count; j++, k += 2)
      out[to + j]! += (Math.abs(data[k]!) + Math.abs(data[k + 1]!)) * factor;
  }
}
