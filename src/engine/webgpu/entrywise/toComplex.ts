import { threads } from '../kernel.ts';
import { entriesOf, runsOf, type StoredMatrices } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';
import { alias } from './alias.ts';

const kernel = threads(
  'toComplex',
  { a: 'read f32', out: 'write scalar' },
  { offsetA: 'u32', offsetOut: 'u32' },
);

/** With zero imaginary parts, or a copy where they are complex already. */
export function toComplex(recorder: Recorder, a: StoredMatrices): StoredMatrices {
  if (a.complex) return alias(recorder, a, 1);
  const out = recorder.matrices({ ...a, complex: true });
  for (const { count, places } of runsOf(a.batch, { a, out })) {
    recorder.dispatch(kernel, {
      complex: true,
      bindings: { a: places.a.space, out: places.out.space },
      sizes: { offsetA: places.a.offset, offsetOut: places.out.offset },
      count: count * entriesOf(a),
    });
  }
  return out;
}
