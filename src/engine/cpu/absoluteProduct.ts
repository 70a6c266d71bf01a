import { batchStride, type Dense } from './dense.ts';

/** |A| x + plus, or |Aᵀ| x + plus, per batch entry, with |z| = |Re z| + |Im z|. */
export function absoluteProduct(
  a: Dense,
  x: Dense | Float64Array,
  adjoint: boolean,
  plus: Float64Array | undefined,
): Float64Array {
  const shared = x instanceof Float64Array;
  const batch = Math.max(a.batch, shared ? 1 : x.batch);
  const width = a.complex ? 2 : 1;
  const rows = adjoint ? a.columns : a.rows;
  const values = shared ? x : x.data;
  const stride = shared ? 0 : batchStride(x);
  const out = new Float64Array(batch * rows);
  for (let b = 0; b < batch; b++) {
    const to = b * rows;
    const from = b * stride;
    let at = b * batchStride(a);
    if (plus) out.set(plus, to);
    for (let i = 0; i < a.rows; i++) {
      if (adjoint) {
        const factor = values[from + i]!;
        for (let j = 0; j < a.columns; j++, at += width) out[to + j]! += modulus(a, at) * factor;
      } else {
        let sum = out[to + i]!;
        for (let j = 0; j < a.columns; j++, at += width) sum += modulus(a, at) * values[from + j]!;
        out[to + i] = sum;
      }
    }
  }
  return out;
}

function modulus({ data, complex }: Dense, at: number): number {
  return complex ? Math.abs(data[at]!) + Math.abs(data[at + 1]!) : Math.abs(data[at]!);
}
