import type { ProductOptions } from '../../handles.ts';
import { threads, workgroups } from '../kernel.ts';
import type { Space } from '../memory/arena.ts';
import { runsOf, type StoredMatrices } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const bindings = { a: 'read scalar', b: 'read scalar', out: 'write scalar' } as const;
const shape = { m: 'u32', n: 'u32', k: 'u32' } as const;
const layout = { offsetA: 'u32', strideA: 'u32', offsetB: 'u32', strideB: 'u32', offsetOut: 'u32' } as const;
const sizes = { ...shape, ...layout };

const fromRegisters = threads('product', bindings, sizes, 'everyEntry');
const tiled = workgroups('productTiled', bindings, sizes, 256, 'everyEntry');

/** As these, but for matrices that are settled. */
const ongoing = { ...bindings, settled: 'read u32' } as const;
const ongoingFromRegisters = threads('product', ongoing, sizes, 'entriesGoingOn');
const ongoingTiled = workgroups('productTiled', ongoing, sizes, 256, 'entriesGoingOn');

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

/** Pᴴ P by rows first … first + count − 1 of square matrices P alone, all in one slab, where `settled` is 0; others are left as they are. */
export function gramOfRows(
  recorder: Recorder,
  p: StoredMatrices,
  first: number,
  count: number,
  settled: Space,
  out: StoredMatrices,
): void {
  const n = p.columns;
  const side = tilesAre(recorder, n, n) ? tile : block;
  recorder.dispatch(side === tile ? ongoingTiled : ongoingFromRegisters, {
    complex: p.complex,
    constants: { adjointA: true, adjointB: false, hermitian: true },
    bindings: { a: p.slabs[0]!.space, b: p.slabs[0]!.space, out: out.slabs[0]!.space, settled },
    sizes: {
      ...{ m: n, n, k: count, offsetOut: 0 },
      ...{ offsetA: first * n, strideA: n * n, offsetB: first * n, strideB: n * n },
    },
    count: p.batch * Math.ceil(n / side) ** 2,
    cost: side * side * count * (p.complex ? 8 : 2),
  });
}

function tilesAre(recorder: Recorder, m: number, n: number): boolean {
  return !recorder.software && Math.min(m, n) > tile / 2;
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
  const inTiles = tilesAre(recorder, m, n);
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
