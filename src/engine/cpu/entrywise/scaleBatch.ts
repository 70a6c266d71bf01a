import { batchStride, type Dense, entryLength } from '../dense.ts';
import { allocate } from '../storage.ts';

/** Every batch entry times its factor; a batch of 1 is repeated. */
export function scaleBatch(a: Dense, factors: Float64Array): Float64Array {
  const length = entryLength(a);
  const stride = batchStride(a);
  const out = allocate(factors.length * length);
  factors.forEach((factor, b) => {
    for (let i = 0; i < length; i++) out[b * length + i] = factor * a.data[b * stride + i]!;
  });
  return out;
}
