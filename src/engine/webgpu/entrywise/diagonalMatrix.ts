import { threads } from '../kernel.ts';
import { entriesOf, type StoredMatrices, type StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads('diagonalMatrix', { d: 'read f32', out: 'write scalar' }, { n: 'u32' });

export function diagonalMatrix(recorder: Recorder, d: StoredVector, complex: boolean): StoredMatrices {
  const n = d.length;
  const out = recorder.matrices({ batch: 1, rows: n, columns: n, complex });
  recorder.dispatch(kernel, {
    complex,
    bindings: { d: d.space, out: out.slabs[0]!.space },
    sizes: { n },
    count: entriesOf(out),
  });
  return out;
}
