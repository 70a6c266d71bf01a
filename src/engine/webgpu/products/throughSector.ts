import { threads } from '../kernel.ts';
import { entriesOf, runsOf, type StoredMatrices, type StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads(
  'throughSector',
  { r: 'read scalar', left: 'read f32', subtract: 'read f32', out: 'write scalar' },
  { n: 'u32', strideSubtract: 'u32', offsetR: 'u32', offsetOut: 'u32' },
);

/** diag(left) R diag(left) − diag(subtract). */
export function throughSector(
  recorder: Recorder,
  r: StoredMatrices,
  left: StoredVector,
  subtract: StoredVector | undefined,
): StoredMatrices {
  const out = recorder.matrices(r);
  for (const { count, places } of runsOf(r.batch, { r, out })) {
    recorder.dispatch(kernel, {
      complex: r.complex,
      bindings: {
        ...{ r: places.r.space, out: places.out.space },
        ...{ left: left.space, subtract: subtract?.space ?? recorder.constant(0) },
      },
      sizes: {
        ...{ n: r.rows, strideSubtract: subtract ? 1 : 0 },
        ...{ offsetR: places.r.offset, offsetOut: places.out.offset },
      },
      count: count * entriesOf(r),
    });
  }
  return out;
}
