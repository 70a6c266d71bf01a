import { threads } from '../kernel.ts';
import { entriesOf, runsOf, type StoredMatrices, type StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads(
  'scaleSides',
  { a: 'read scalar', left: 'read f32', right: 'read f32', out: 'write scalar' },
  {
    ...{ rows: 'u32', columns: 'u32', strideLeft: 'u32', strideRight: 'u32' },
    ...{ offsetA: 'u32', offsetOut: 'u32' },
  },
);

/** diag(left) · A · diag(right); an absent side is the identity. */
export function scaleSides(
  recorder: Recorder,
  a: StoredMatrices,
  left: StoredVector | undefined,
  right: StoredVector | undefined,
): StoredMatrices {
  const one = recorder.constant(1);
  const out = recorder.matrices(a);
  for (const { count, places } of runsOf(a.batch, { a, out })) {
    recorder.dispatch(kernel, {
      complex: a.complex,
      bindings: {
        ...{ a: places.a.space, out: places.out.space },
        ...{ left: left?.space ?? one, right: right?.space ?? one },
      },
      sizes: {
        ...{ rows: a.rows, columns: a.columns, strideLeft: left ? 1 : 0, strideRight: right ? 1 : 0 },
        ...{ offsetA: places.a.offset, offsetOut: places.out.offset },
      },
      count: count * entriesOf(a),
    });
  }
  return out;
}
