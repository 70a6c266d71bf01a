import type { Eventually } from '../../queued/operations.ts';
import { type Dense, mirrorLower } from '../dense.ts';
import type { Kernels } from '../kernels.ts';
import { allocate, recycle } from '../storage.ts';
import { leftHalf, recycleHalf } from './congruence.ts';

/** Doubles in each of the two gathered matrices: batches beyond it are summed in parts. */
const gatheredLimit = 2 ** 22;

/**
 * Σ_b weights[b] · Re(W[b] Q[b] W[b]ᴴ). With (re, im) as two real columns, Re(T Wᴴ) is the real T Wᵀ; and the sum over
 * the batch is one product of the entries set side by side: [w₀ T₀, w₁ T₁, …] · [W₀, W₁, …]ᵀ.
 */
export async function windowSum(
  kernels: Kernels,
  w: Dense,
  q: Dense | Float64Array | undefined,
  weights: Float64Array,
  gather: Gather = sideBySide,
): Promise<Float64Array> {
  const left = await leftHalf(kernels, w, q);
  const m = w.rows;
  const width = w.columns * (w.complex ? 2 : 1);
  const sum = allocate(m * m).fill(0);
  const part = allocate(m * m);
  const step = Math.max(1, Math.floor(gatheredLimit / (m * width)));
  for (let start = 0; start < left.batch; start += step) {
    const end = Math.min(left.batch, start + step);
    const k = (end - start) * width;
    const a = await gather(left, start, end, weights);
    const b = await gather(w, start, end, undefined);
    const task = {
      ...{ batch: 1, m, n: m, k, complex: false, a, b, strideA: 0, strideB: 0 },
      ...{ adjointA: false, adjointB: true, lower: true },
    };
    await kernels.product(task, part);
    for (let i = 0; i < m; i++) for (let j = 0; j <= i; j++) sum[i * m + j]! += part[i * m + j]!;
    recycle(a);
    recycle(b);
  }
  recycle(part);
  recycleHalf(left, w);
  mirrorLower(sum, 1, m, false);
  return sum;
}

/** Sets entries side by side. */
export type Gather = (
  ...parameters: Parameters<typeof sideBySide>
) => Eventually<ReturnType<typeof sideBySide>>;

/** [w_start X_start, …, w_{end−1} X_{end−1}] as a real matrix of X's rows; a batch of one is repeated. */
export function sideBySide(
  x: Dense,
  start: number,
  end: number,
  weights: Float64Array | undefined,
): Float64Array {
  const width = x.columns * (x.complex ? 2 : 1);
  const total = (end - start) * width;
  const out = allocate(x.rows * total);
  for (let b = start; b < end; b++) {
    const weight = weights?.[b] ?? 1;
    const from = x.batch === 1 ? 0 : b * x.rows * width;
    for (let i = 0; i < x.rows; i++) {
      const to = i * total + (b - start) * width;
      for (let c = 0; c < width; c++) out[to + c] = weight * x.data[from + i * width + c]!;
    }
  }
  return out;
}
