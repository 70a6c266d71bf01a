import { threads } from '../kernel.ts';
import { componentsOf, runsOf, type StoredMatrices, type StoredVector, widthOf } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads(
  'scaleBatch',
  { a: 'read f32', factors: 'read f32', out: 'write f32' },
  { components: 'u32', first: 'u32', offsetA: 'u32', strideA: 'u32', offsetOut: 'u32' },
);

/** Every batch entry times its factor; a batch of 1 is repeated. */
export function scaleBatch(recorder: Recorder, a: StoredMatrices, factors: StoredVector): StoredMatrices {
  const out = recorder.matrices({ ...a, batch: factors.length });
  const width = widthOf(a);
  const components = componentsOf(a);
  for (const { first, count, places } of runsOf(out.batch, { a, out })) {
    recorder.dispatch(kernel, {
      bindings: { a: places.a.space, factors: factors.space, out: places.out.space },
      sizes: {
        ...{ components, first, offsetOut: places.out.offset * width },
        ...{ offsetA: places.a.offset * width, strideA: places.a.stride * width },
      },
      count: count * components,
    });
  }
  return out;
}
