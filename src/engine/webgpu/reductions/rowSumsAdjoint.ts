import { threads } from '../kernel.ts';
import { entriesOf, runsOf, type StoredMatrices, type StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';
import { sumOf } from './overBatch.ts';

const attained = threads(
  'rowSumsAttained',
  { s: 'read scalar', sums: 'read f32', out: 'write f32' },
  { n: 'u32', first: 'u32', offsetS: 'u32' },
);

const kernel = threads(
  'rowSumsAdjoint',
  {
    ...{ s: 'read scalar', attains: 'read f32', shares: 'read f32', coefficients: 'read f32' },
    out: 'write scalar',
  },
  { n: 'u32', first: 'u32', offsetS: 'u32', offsetOut: 'u32' },
);

/** ½(Z + Zᴴ), Z_ij = coefficients_i · S_ij/|S_ij| where row i of a batch entry attains its largest sum. */
export function rowSumsAdjoint(
  recorder: Recorder,
  s: StoredMatrices,
  sums: StoredVector,
  coefficients: StoredVector,
): StoredMatrices {
  const n = s.rows;
  const { complex } = s;
  const out = recorder.matrices(s);
  const attains = recorder.vector(s.batch * n);
  for (const { first, count, places } of runsOf(s.batch, { s })) {
    recorder.dispatch(attained, {
      complex,
      bindings: { s: places.s.space, sums: sums.space, out: attains.space },
      sizes: { n, first, offsetS: places.s.offset },
      count: count * n,
      cost: 8 * n,
    });
  }
  const shares = sumOf(recorder, n, { count: s.batch, values: attains });
  for (const { first, count, places } of runsOf(s.batch, { s, out })) {
    recorder.dispatch(kernel, {
      complex,
      bindings: {
        ...{ s: places.s.space, attains: attains.space, shares: shares.space },
        ...{ coefficients: coefficients.space, out: places.out.space },
      },
      sizes: { n, first, offsetS: places.s.offset, offsetOut: places.out.offset },
      count: count * entriesOf(s),
    });
  }
  recorder.free(attains, shares);
  return out;
}
