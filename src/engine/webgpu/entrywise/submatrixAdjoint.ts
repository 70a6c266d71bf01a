import type { Ranges } from '../../handles.ts';
import { threads } from '../kernel.ts';
import { entriesOf, runsOf, type StoredMatrices } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';
import { uploadedTable } from '../table.ts';
import { indicesOf } from './submatrix.ts';

const kernel = threads(
  'submatrixAdjoint',
  { a: 'read scalar', starts: 'read u32', places: 'read u32', out: 'write scalar' },
  { n: 'u32', size: 'u32', offsetA: 'u32', offsetOut: 'u32' },
);

/** Adds the entries of square matrices at the rows and columns that `ranges` gather. */
export function submatrixAdjoint(
  recorder: Recorder,
  a: StoredMatrices,
  ranges: Ranges,
  size: number,
): StoredMatrices {
  const placesOf = Array.from({ length: size }, (): number[] => []);
  for (const [place, index] of indicesOf(ranges).entries()) placesOf[index]!.push(place);
  const table = uploadedTable(recorder, placesOf);
  const out = recorder.matrices({ ...a, rows: size, columns: size });
  for (const { count, places } of runsOf(a.batch, { a, out })) {
    recorder.dispatch(kernel, {
      complex: a.complex,
      bindings: { a: places.a.space, starts: table.starts, places: table.indices, out: places.out.space },
      sizes: { n: a.rows, size, offsetA: places.a.offset, offsetOut: places.out.offset },
      count: count * entriesOf(out),
    });
  }
  recorder.free(table.starts, table.indices);
  return out;
}
