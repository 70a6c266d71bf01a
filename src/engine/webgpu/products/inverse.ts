import { threads, workgroups } from '../kernel.ts';
import type { Space } from '../memory/arena.ts';
import { componentsOf, entriesOf, runsOf, type StoredMatrices, type StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const start = threads(
  'inverseStart',
  { d: 'read f32', s: 'read scalar', out: 'write scalar' },
  { n: 'u32', offsetS: 'u32', offsetOut: 'u32' },
);
const block = workgroups(
  'inverseBlock',
  { d: 'read f32', x: 'read scalar', inverses: 'write scalar', definite: 'write u32' },
  { n: 'u32', width: 'u32', start: 'u32', first: 'u32', offsetX: 'u32', offsetOut: 'u32' },
  256,
);
const panel = threads(
  'inversePanel',
  { x: 'read scalar', pivots: 'read scalar', u: 'write scalar', v: 'write scalar' },
  { n: 'u32', width: 'u32', start: 'u32', offsetX: 'u32' },
);
const updateBindings = {
  u: 'read scalar',
  v: 'read scalar',
  pivots: 'read scalar',
  x: 'write scalar',
} as const;
const updateSizes = { n: 'u32', width: 'u32', start: 'u32', offsetX: 'u32' } as const;
const update = threads('inverseUpdate', updateBindings, updateSizes);
const updateTiled = workgroups('inverseUpdateTiled', updateBindings, updateSizes, 256);
const allDefinite = workgroups('allDefinite', { definite: 'read u32', out: 'write u32' }, { n: 'u32' });
const finish = threads('inverseFinish', { definite: 'read f32', x: 'write u32' }, { offsetX: 'u32' });

/** Side of the blocks that are eliminated at once, and of the tiles of an update: what a workgroup holds in registers. */
const blockSide = 64;
/** Entries on a side of what a thread of `inverseUpdate.wgsl` computes. */
const threadSide = 4;

/**
 * R = (diag D − S)⁻¹ per batch entry, by symmetric elimination in place: a Cholesky factorisation in which every block is eliminated from
 * all rows rather than from those below it, so that all but the pivot blocks is products; matrices that are no larger than a block take
 * one dispatch. `definite` is 1 if all pivots of all entries were positive, else 0 and R is NaN all over.
 */
export function inverse(
  recorder: Recorder,
  d: StoredVector,
  s: StoredMatrices,
): { readonly inverse: StoredMatrices; readonly definite: StoredVector } {
  const { complex } = s;
  const out = recorder.matrices(s);
  const flags = recorder.scratch(s.batch);
  const whole = s.rows <= blockSide;
  if (whole) invertWhole(recorder, d, s, out, flags);
  else eliminateBlocks(recorder, d, s, out, flags);

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
      constants: { negated: !whole },
      bindings: { definite: definite.space, x: places.out.space },
      sizes: { offsetX: places.out.offset * (complex ? 2 : 1) },
      count: count * componentsOf(s),
    });
  }
  return { inverse: out, definite };
}

/** What one workgroup does: n pivots, each for a square of entries. */
const blockCost = (n: number, complex: boolean) => n ** 3 * (complex ? 8 : 2);

function invertWhole(
  recorder: Recorder,
  d: StoredVector,
  s: StoredMatrices,
  out: StoredMatrices,
  flags: Space,
): void {
  const n = s.rows;
  for (const { first, count, places } of runsOf(s.batch, { s, out })) {
    recorder.dispatch(block, {
      complex: s.complex,
      constants: { whole: true },
      bindings: { d: d.space, x: places.s.space, inverses: places.out.space, definite: flags },
      sizes: { n, width: n, start: 0, first, offsetX: places.s.offset, offsetOut: places.out.offset },
      count,
      cost: blockCost(n, s.complex),
    });
  }
}

/** Leaves minus the inverse. */
function eliminateBlocks(
  recorder: Recorder,
  d: StoredVector,
  s: StoredMatrices,
  out: StoredMatrices,
  flags: Space,
): void {
  const n = s.rows;
  const { complex } = s;
  const width = blockSide;
  for (const { first, count, places } of runsOf(s.batch, { s, out })) {
    recorder.dispatch(start, {
      complex,
      bindings: { d: d.space, s: places.s.space, out: places.out.space },
      sizes: { n, offsetS: places.s.offset, offsetOut: places.out.offset },
      count: count * entriesOf(s),
    });
    const x = places.out.space;
    const offsetX = places.out.offset;
    const numbers = count * width * (complex ? 2 : 1);
    const pivots = recorder.scratch(numbers * width);
    const [u, v] = [recorder.scratch(numbers * n), recorder.scratch(numbers * n)];
    for (let begin = 0; begin < n; begin += width) {
      const sizes = { n, width, start: begin, offsetX };
      recorder.dispatch(block, {
        complex,
        constants: { whole: false },
        bindings: { d: d.space, x, inverses: pivots, definite: flags },
        sizes: { ...sizes, first, offsetOut: 0 },
        count,
        cost: blockCost(width, complex),
      });
      recorder.dispatch(panel, {
        complex,
        bindings: { x, pivots, u, v },
        sizes,
        count: count * n * width,
        cost: width * (complex ? 8 : 2),
      });
      const side = recorder.software ? threadSide : blockSide;
      recorder.dispatch(recorder.software ? update : updateTiled, {
        complex,
        bindings: { u, v, pivots, x },
        sizes,
        count: count * Math.ceil(n / side) ** 2,
        cost: side ** 2 * width * (complex ? 8 : 2),
      });
    }
    recorder.free(pivots, u, v);
  }
}
