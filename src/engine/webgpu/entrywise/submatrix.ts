import type { Ranges } from '../../handles.ts';
import { threads } from '../kernel.ts';
import { entriesOf, runsOf, type StoredMatrices } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads(
  'submatrix',
  { a: 'read scalar', rowIndices: 'read u32', columnIndices: 'read u32', out: 'write scalar' },
  { m: 'u32', n: 'u32', rows: 'u32', columns: 'u32', offsetA: 'u32', offsetOut: 'u32' },
);

/** Rows and columns of each matrix, gathered by ranges. */
export function submatrix(
  recorder: Recorder,
  a: StoredMatrices,
  rows: Ranges,
  columns: Ranges,
): StoredMatrices {
  const [down, across] = [indicesOf(rows), indicesOf(columns)];
  const [rowIndices, columnIndices] = [recorder.words(down), recorder.words(across)];
  const out = recorder.matrices({ ...a, rows: down.length, columns: across.length });
  for (const { count, places } of runsOf(a.batch, { a, out })) {
    recorder.dispatch(kernel, {
      complex: a.complex,
      bindings: { a: places.a.space, rowIndices, columnIndices, out: places.out.space },
      sizes: {
        ...{ m: out.rows, n: out.columns, rows: a.rows, columns: a.columns },
        ...{ offsetA: places.a.offset, offsetOut: places.out.offset },
      },
      count: count * entriesOf(out),
    });
  }
  recorder.free(rowIndices, columnIndices);
  return out;
}

/** All indices of ranges, in their order. */
export function indicesOf(ranges: Ranges): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    ranges.flatMap(([start, end]) => Array.from({ length: end - start }, (_, k) => start + k)),
  );
}
