import { threads, workgroups } from '../kernel.ts';
import { componentsOf, entriesOf, runsOf, type StoredMatrices, type StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const start = threads(
  'inverseStart',
  { d: 'read f32', s: 'read scalar', out: 'write scalar' },
  { n: 'u32', offsetS: 'u32', offsetOut: 'u32' },
);
const pivot = workgroups(
  'inversePivot',
  { x: 'read scalar', pivots: 'write scalar', definite: 'write u32' },
  { n: 'u32', width: 'u32', start: 'u32', first: 'u32', offsetX: 'u32' },
  256,
);
const panel = threads(
  'inversePanel',
  { x: 'read scalar', pivots: 'read scalar', u: 'write scalar', v: 'write scalar' },
  { n: 'u32', width: 'u32', start: 'u32', offsetX: 'u32' },
);
const update = threads(
  'inverseUpdate',
  { u: 'read scalar', v: 'read scalar', pivots: 'read scalar', x: 'write scalar' },
  { n: 'u32', width: 'u32', start: 'u32', offsetX: 'u32' },
);
const allDefinite = workgroups('allDefinite', { definite: 'read u32', out: 'write u32' }, { n: 'u32' });
const finish = threads('inverseFinish', { definite: 'read f32', x: 'write u32' }, { offsetX: 'u32' });

/** Side of the blocks that are eliminated at once: what the registers of a workgroup of `inversePivot.wgsl` hold. */
const blockSide = 64;

/**
 * R = (diag D − S)⁻¹ per batch entry, by symmetric block elimination in place: a Cholesky factorisation in which every block is
 * eliminated from all rows rather than from those below it, so that all but the pivot blocks is products. `definite` is 1 if all pivots of
 * all entries were positive, else 0 and R is NaN all over.
 */
export function inverse(
  recorder: Recorder,
  d: StoredVector,
  s: StoredMatrices,
): { readonly inverse: StoredMatrices; readonly definite: StoredVector } {
  const n = s.rows;
  const { complex } = s;
  const out = recorder.matrices(s);
  const flags = recorder.scratch(s.batch);
  for (const { first, count, places } of runsOf(s.batch, { s, out })) {
    recorder.dispatch(start, {
      complex,
      bindings: { d: d.space, s: places.s.space, out: places.out.space },
      sizes: { n, offsetS: places.s.offset, offsetOut: places.out.offset },
      count: count * entriesOf(s),
    });
    const x = places.out.space;
    const offsetX = places.out.offset;
    const width = Math.min(n, blockSide);
    const numbers = count * width * (complex ? 2 : 1);
    const pivots = recorder.scratch(numbers * width);
    const [u, v] = [recorder.scratch(numbers * n), recorder.scratch(numbers * n)];
    for (let begin = 0; begin < n; begin += blockSide) {
      const sizes = { n, width, start: begin, offsetX };
      recorder.dispatch(pivot, {
        complex,
        bindings: { x, pivots, definite: flags },
        sizes: { ...sizes, first },
        count,
        cost: 8 * blockSide ** 3,
      });
      recorder.dispatch(panel, {
        complex,
        bindings: { x, pivots, u, v },
        sizes,
        count: count * n * width,
        cost: 8 * width,
      });
      recorder.dispatch(update, {
        complex,
        bindings: { u, v, pivots, x },
        sizes,
        count: count * Math.ceil(n / 4) ** 2,
        cost: 16 * width * (complex ? 8 : 2),
      });
    }
    recorder.free(pivots, u, v);
  }
  const definite = recorder.vector(1);
  recorder.dispatch(allDefinite, {
    bindings: { definite: flags, out: definite.space },
    sizes: { n: s.batch },
    count: 1,
    cost: s.batch,
  });
  recorder.free(flags);
  for (const { count, places } of runsOf(s.batch, { out })) {
    recorder.dispatch(finish, {
      bindings: { definite: definite.space, x: places.out.space },
      sizes: { offsetX: places.out.offset * (complex ? 2 : 1) },
      count: count * componentsOf(s),
    });
  }
  return { inverse: out, definite };
}
