import { threads } from '../kernel.ts';
import { entriesOf, runsOf, type StoredMatrices } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads(
  'assemble',
  { a: 'read scalar', b: 'read scalar', c: 'read scalar', out: 'write scalar' },
  { m: 'u32', n: 'u32', offsetA: 'u32', offsetB: 'u32', offsetC: 'u32', offsetOut: 'u32' },
);

/** [[a, b], [bᴴ, c]] per batch entry. */
export function assemble(
  recorder: Recorder,
  a: StoredMatrices,
  b: StoredMatrices,
  c: StoredMatrices,
): StoredMatrices {
  const size = a.rows + c.rows;
  const out = recorder.matrices({ ...a, rows: size, columns: size });
  for (const { count, places } of runsOf(a.batch, { a, b, c, out })) {
    recorder.dispatch(kernel, {
      complex: a.complex,
      bindings: { a: places.a.space, b: places.b.space, c: places.c.space, out: places.out.space },
      sizes: {
        ...{ m: a.rows, n: c.rows, offsetA: places.a.offset, offsetB: places.b.offset },
        ...{ offsetC: places.c.offset, offsetOut: places.out.offset },
      },
      count: count * entriesOf(out),
    });
  }
  return out;
}
