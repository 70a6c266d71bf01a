import { threads } from '../kernel.ts';
import { entriesOf, runsOf, type StoredMatrices, type StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads(
  'addDiagonal',
  { s: 'read scalar', d: 'read f32', out: 'write scalar' },
  { n: 'u32', offsetS: 'u32', offsetOut: 'u32' },
);

/** S + diag(d), the same d for every batch entry. */
export function addDiagonal(recorder: Recorder, s: StoredMatrices, d: StoredVector): StoredMatrices {
  const out = recorder.matrices(s);
  for (const { count, places } of runsOf(s.batch, { s, out })) {
    recorder.dispatch(kernel, {
      complex: s.complex,
      bindings: { s: places.s.space, d: d.space, out: places.out.space },
      sizes: { n: s.rows, offsetS: places.s.offset, offsetOut: places.out.offset },
      count: count * entriesOf(s),
    });
  }
  return out;
}
