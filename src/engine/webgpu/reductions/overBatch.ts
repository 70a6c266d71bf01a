/** Reductions over a batch to one number per row: parts of the batch first, then over the parts. */

import { groupSums } from '../entrywise/alias.ts';
import { type Kernel, threads } from '../kernel.ts';
import { runsOf, type StoredMatrices, type StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

/** What a reducing kernel reads and is told. Its thread `part · n + i` reduces row i over `share` batch entries. */
export const bindings = { s: 'read scalar', out: 'write u32' } as const;
export const sizes = { n: 'u32', share: 'u32', entries: 'u32', offsetS: 'u32', firstPart: 'u32' } as const;

const largestOfParts = threads(
  'largestOfParts',
  { parts: 'read u32', out: 'write u32' },
  { n: 'u32', count: 'u32' },
);

/** Batch entries that one thread walks through, where there are enough others to keep a device busy: so many. */
const shareOfThread = 64;
const enoughThreads = 2 ** 16;
/** Parts of which the largest is soon found. */
const mostParts = 128;
/** And where it has next to nothing to do for each: fewer than a dispatch costs. */
const shareAtMost = 256;
const nextToNothing = 4;

interface Parts {
  readonly count: number;
  readonly values: StoredVector;
}

export function partsOf(
  recorder: Recorder,
  kernel: Kernel<'s' | 'out', keyof typeof sizes>,
  s: StoredMatrices,
  costPerEntry: number,
): Parts {
  const n = s.rows;
  const alone = costPerEntry <= nextToNothing && s.batch <= shareAtMost;
  const busy = Math.max(Math.ceil((s.batch * n) / enoughThreads), Math.ceil(s.batch / mostParts));
  const share = alone ? s.batch : Math.min(shareOfThread, Math.ceil(Math.sqrt(s.batch)), busy);
  const runs = runsOf(s.batch, { s });
  const total = runs.reduce((sum, { count }) => sum + Math.ceil(count / share), 0);
  const values = recorder.vector(total * n);
  let firstPart = 0;
  for (const { count, places } of runs) {
    const parts = Math.ceil(count / share);
    recorder.dispatch(kernel, {
      complex: s.complex,
      bindings: { s: places.s.space, out: values.space },
      sizes: { n, share, entries: count, offsetS: places.s.offset, firstPart },
      count: parts * n,
      cost: share * costPerEntry,
    });
    firstPart += parts;
  }
  return { count: total, values };
}

/** The largest of the parts, row by row; NaN wins. The parts are freed, or are it. */
export function largestOf(recorder: Recorder, n: number, { count, values }: Parts): StoredVector {
  if (count === 1) return values;
  const out = recorder.vector(n);
  recorder.dispatch(largestOfParts, {
    bindings: { parts: values.space, out: out.space },
    sizes: { n, count },
    count: n,
    cost: 4 * count,
  });
  recorder.free(values);
  return out;
}

/** The sum of the parts, row by row. The parts are still to be freed. */
export function sumOf(recorder: Recorder, n: number, { count, values }: Parts): StoredVector {
  const parts: StoredMatrices = {
    ...{ kind: 'matrices', batch: count, rows: 1, columns: n, complex: false },
    slabs: [{ space: values.space, first: 0, count }],
  };
  const sum = groupSums(recorder, parts, count, 1);
  return recorder.vectorIn(sum.slabs[0]!.space, n);
}
