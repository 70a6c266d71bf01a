import { threads } from '../kernel.ts';
import { componentsOf, type StoredMatrices } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads(
  'alias',
  { s: 'read f32', out: 'write f32' },
  {
    ...{ components: 'u32', count: 'u32', factor: 'f32' },
    ...{ firstIn: 'u32', entries: 'u32', offsetIn: 'u32', firstOut: 'u32', offsetOut: 'u32' },
  },
);

/** Means of `count` consecutive batch entries. */
export function alias(recorder: Recorder, s: StoredMatrices, count: number): StoredMatrices {
  return groupSums(recorder, s, count, 1 / count);
}

/** factor · sums of `count` consecutive batch entries. */
export function groupSums(
  recorder: Recorder,
  s: StoredMatrices,
  count: number,
  factor: number,
): StoredMatrices {
  const out = recorder.matrices({ ...s, batch: s.batch / count });
  const components = componentsOf(s);
  for (const from of s.slabs) {
    for (const to of out.slabs) {
      const firstIn = Math.max(from.first, to.first * count);
      const endIn = Math.min(from.first + from.count, (to.first + to.count) * count);
      if (firstIn >= endIn) continue;
      const firstOut = Math.floor(firstIn / count);
      const endOut = Math.ceil(endIn / count);
      recorder.dispatch(kernel, {
        bindings: { s: from.space, out: to.space },
        sizes: {
          ...{ components, count, factor, firstIn, entries: endIn - firstIn, firstOut },
          ...{ offsetIn: (firstIn - from.first) * components, offsetOut: (firstOut - to.first) * components },
        },
        count: (endOut - firstOut) * components,
        cost: 2 * count,
      });
    }
  }
  return out;
}
