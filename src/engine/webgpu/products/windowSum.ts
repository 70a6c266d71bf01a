import type { Shape } from '../../handles.ts';
import { add } from '../entrywise/add.ts';
import { groupSums } from '../entrywise/alias.ts';
import { threads } from '../kernel.ts';
import { runsOf, type StoredMatrices, type StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';
import { leftHalf } from './congruence.ts';

const kernel = threads(
  'windowSum',
  { t: 'read scalar', w: 'read scalar', weights: 'read f32', out: 'write f32' },
  {
    ...{ m: 'u32', k: 'u32', entries: 'u32', share: 'u32', firstWeight: 'u32' },
    ...{ offsetT: 'u32', strideT: 'u32', offsetW: 'u32', strideW: 'u32' },
  },
);

/** Threads that keep a device busy: a sum is cut into parts until there are so many. */
const enoughThreads = 2 ** 15;
/** Numbers in all parts of a sum. */
const mostNumbers = 2 ** 24;

const tilesOf = (m: number): number => Math.ceil(m / 4) ** 2;

/** Batch entries in a part of a sum over `count` of them. */
function shareOf(recorder: Recorder, m: number, count: number): number {
  const capacity = recorder.capacity({ rows: m, columns: m, complex: false });
  const mostParts = Math.min(enoughThreads / tilesOf(m), mostNumbers / (m * m), capacity);
  return Math.ceil(count / Math.max(1, Math.floor(mostParts)));
}

/** On the longest way of a product into the sum: its weight, the sum of a part, the sum of all parts. A batch may be cut into runs, each with
 *  parts of at most the share of the whole. */
export function windowSumOperations(
  recorder: Recorder,
  { rows, columns, complex }: Shape,
  batch: number,
): number {
  const share = shareOf(recorder, rows, batch);
  return 2 + (complex ? 2 : 1) * columns * share + batch;
}

/** Σ_b weights[b] · Re(W[b] Q[b] W[b]ᴴ), with T = W Q: parts of the sum over b side by side, then their sum. */
export function windowSum(
  recorder: Recorder,
  w: StoredMatrices,
  q: StoredMatrices | StoredVector | undefined,
  weights: StoredVector,
): StoredMatrices {
  const t = leftHalf(recorder, w, q);
  const m = w.rows;
  const k = w.columns;
  const tiles = tilesOf(m);
  const shape = { rows: m, columns: m, complex: false };
  let sum: StoredMatrices | undefined;
  for (const { first, count, places } of runsOf(t.batch, { t, w })) {
    const share = shareOf(recorder, m, count);
    const parts = recorder.matrices({ ...shape, batch: Math.ceil(count / share) });
    recorder.dispatch(kernel, {
      complex: w.complex,
      bindings: { t: places.t.space, w: places.w.space, weights: weights.space, out: parts.slabs[0]!.space },
      sizes: {
        ...{ m, k, entries: count, share, firstWeight: first },
        ...{ offsetT: places.t.offset, strideT: places.t.stride },
        ...{ offsetW: places.w.offset, strideW: places.w.stride },
      },
      count: parts.batch * tiles,
      cost: 16 * k * share * (w.complex ? 4 : 2),
    });
    const own = groupSums(recorder, parts, parts.batch, 1);
    const before = sum;
    sum = before ? add(recorder, before, own) : own;
    recorder.free(parts, ...(before ? [before, own] : []));
  }
  if (t !== w) recorder.free(t);
  return sum!;
}
