import { threads } from '../kernel.ts';
import { componentsOf, runsOf, type StoredMatrices, widthOf } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads(
  'add',
  { a: 'read f32', b: 'read f32', out: 'write f32' },
  { offsetA: 'u32', offsetB: 'u32', offsetOut: 'u32' },
);

/** A + B. */
export function add(recorder: Recorder, a: StoredMatrices, b: StoredMatrices): StoredMatrices {
  const out = recorder.matrices(a);
  const width = widthOf(a);
  for (const { count, places } of runsOf(a.batch, { a, b, out })) {
    recorder.dispatch(kernel, {
      bindings: { a: places.a.space, b: places.b.space, out: places.out.space },
      sizes: {
        offsetA: places.a.offset * width,
        offsetB: places.b.offset * width,
        offsetOut: places.out.offset * width,
      },
      count: count * componentsOf(a),
    });
  }
  return out;
}
