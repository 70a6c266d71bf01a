import { threads } from '../kernel.ts';
import { componentsOf, type StoredMatrices } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads(
  'aliasAdjoint',
  { g: 'read f32', out: 'write f32' },
  {
    ...{ components: 'u32', count: 'u32', factor: 'f32' },
    ...{ firstIn: 'u32', firstOut: 'u32', offsetOut: 'u32' },
  },
);

/** Every batch entry `count` times, divided by `count`. */
export function aliasAdjoint(recorder: Recorder, g: StoredMatrices, count: number): StoredMatrices {
  const out = recorder.matrices({ ...g, batch: g.batch * count });
  const components = componentsOf(g);
  for (const from of g.slabs) {
    for (const to of out.slabs) {
      const firstOut = Math.max(from.first * count, to.first);
      const endOut = Math.min((from.first + from.count) * count, to.first + to.count);
      if (firstOut >= endOut) continue;
      recorder.dispatch(kernel, {
        bindings: { g: from.space, out: to.space },
        sizes: {
          ...{ components, count, factor: 1 / count, firstIn: from.first, firstOut },
          offsetOut: (firstOut - to.first) * components,
        },
        count: (endOut - firstOut) * components,
      });
    }
  }
  return out;
}
