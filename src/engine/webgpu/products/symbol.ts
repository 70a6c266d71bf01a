import { threads } from '../kernel.ts';
import { runsOf, type StoredMatrices } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads(
  'symbol',
  { taps: 'read f32', phases: 'read scalar', out: 'write scalar' },
  { count: 'u32', entries: 'u32', frequencies: 'u32', first: 'u32', offsetOut: 'u32' },
);

/** Symbols of a kernel: out[b] = Σ_t phases[b, t] · taps[t]. */
export function symbol(
  recorder: Recorder,
  taps: StoredMatrices,
  phases: StoredMatrices,
  rows: number,
  columns: number,
): StoredMatrices {
  const out = recorder.matrices({ batch: phases.rows, rows, columns, complex: true });
  for (const { first, count, places } of runsOf(out.batch, { out })) {
    recorder.dispatch(kernel, {
      complex: true,
      bindings: { taps: taps.slabs[0]!.space, phases: phases.slabs[0]!.space, out: places.out.space },
      sizes: {
        ...{ count: taps.rows, entries: taps.columns, frequencies: count },
        ...{ first, offsetOut: places.out.offset },
      },
      count: Math.ceil(count / 4) * taps.columns,
      cost: 16 * taps.rows,
    });
  }
  return out;
}
