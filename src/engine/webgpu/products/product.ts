import type { ProductOptions } from '../../handles.ts';
import { threads, workgroups } from '../kernel.ts';
import { runsOf, type StoredMatrices } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const bindings = { a: 'read scalar', b: 'read scalar', out: 'write scalar' } as const;
const shape = { m: 'u32', n: 'u32', k: 'u32' } as const;
const layout = { offsetA: 'u32', strideA: 'u32', offsetB: 'u32', strideB: 'u32', offsetOut: 'u32' } as const;
const sizes = { ...shape, ...layout };

const fromRegisters = threads('product', bindings, sizes);
const tiled = workgroups('productTiled', bindings, sizes, 256);

/** Entries on a side of what a thread of `product.wgsl` and a workgroup of `productTiled.wgsl` compute. */
const block = 4;
const tile = 64;

/** op(A)·op(B) per batch entry. */
export function product(
  recorder: Recorder,
  a: StoredMatrices,
  b: StoredMatrices,
  options: ProductOptions = {},
): StoredMatrices {
  return multiplied(recorder, a, b, { ...options, hermitian: false });
}

/** op(A)·op(B) where that is known to be Hermitian: exactly so, from its lower triangle. */
export function hermitianProduct(
  recorder: Recorder,
  a: StoredMatrices,
  b: StoredMatrices,
  options: ProductOptions,
): StoredMatrices {
  return multiplied(recorder, a, b, { ...options, hermitian: true });
}

function multiplied(
  recorder: Recorder,
  a: StoredMatrices,
  b: StoredMatrices,
  { adjointA = false, adjointB = false, hermitian }: ProductOptions & { readonly hermitian: boolean },
): StoredMatrices {
  const [m, k] = adjointA ? [a.columns, a.rows] : [a.rows, a.columns];
  const n = adjointB ? b.rows : b.columns;
  const { complex } = a;
  const out = recorder.matrices({ batch: Math.max(a.batch, b.batch), rows: m, columns: n, complex });
  const inTiles = !recorder.software && Math.min(m, n) > tile / 2;
  const side = inTiles ? tile : block;
  for (const { count, places } of runsOf(out.batch, { a, b, out })) {
    recorder.dispatch(inTiles ? tiled : fromRegisters, {
      complex,
      constants: { adjointA, adjointB, hermitian },
      bindings: { a: places.a.space, b: places.b.space, out: places.out.space },
      sizes: {
        ...{ m, n, k, offsetOut: places.out.offset },
        ...{ offsetA: places.a.offset, strideA: places.a.stride },
        ...{ offsetB: places.b.offset, strideB: places.b.stride },
      },
      count: count * Math.ceil(m / side) * Math.ceil(n / side),
      cost: side * side * k * (complex ? 8 : 2),
    });
  }
  return out;
}
