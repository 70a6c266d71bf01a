import { threads } from '../kernel.ts';
import { runsOf, type StoredMatrices, type StoredVector } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const kernel = threads(
  'absoluteProduct',
  { a: 'read scalar', x: 'read f32', plus: 'read f32', out: 'write f32' },
  {
    ...{ rows: 'u32', columns: 'u32', adjoint: 'u32', stridePlus: 'u32' },
    ...{ offsetA: 'u32', strideA: 'u32', offsetX: 'u32', strideX: 'u32', offsetOut: 'u32' },
  },
);

/** |A| x + plus, or |Aᵀ| x + plus, per batch entry, with |z| = |Re z| + |Im z|. */
export function absoluteProduct(
  recorder: Recorder,
  a: StoredMatrices,
  x: StoredMatrices | StoredVector,
  { adjoint = false, plus }: { readonly adjoint?: boolean; readonly plus?: StoredVector } = {},
): StoredMatrices {
  const rows = adjoint ? a.columns : a.rows;
  const columns: StoredMatrices =
    x.kind === 'matrices'
      ? x
      : {
          ...{ kind: 'matrices', batch: 1, rows: x.length, columns: 1, complex: false },
          slabs: [{ space: x.space, first: 0, count: 1 }],
        };
  const out = recorder.matrices({
    ...{ batch: Math.max(a.batch, columns.batch), rows, columns: 1, complex: false },
  });
  for (const { count, places } of runsOf(out.batch, { a, columns, out })) {
    recorder.dispatch(kernel, {
      complex: a.complex,
      bindings: {
        ...{ a: places.a.space, x: places.columns.space },
        ...{ plus: plus?.space ?? recorder.constant(0), out: places.out.space },
      },
      sizes: {
        ...{
          rows,
          columns: adjoint ? a.rows : a.columns,
          adjoint: Number(adjoint),
          stridePlus: plus ? 1 : 0,
        },
        ...{ offsetA: places.a.offset, strideA: places.a.stride },
        ...{ offsetX: places.columns.offset, strideX: places.columns.stride, offsetOut: places.out.offset },
      },
      count: count * rows,
      cost: 4 * (adjoint ? a.rows : a.columns),
    });
  }
  return out;
}
