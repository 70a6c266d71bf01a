import type { ProductOptions } from '../../handles.ts';
import { type Constants, threads, workgroups } from '../kernel.ts';
import type { Space } from '../memory/arena.ts';
import { runsOf, type StoredMatrices } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';

const bindings = { a: 'read scalar', b: 'read scalar', out: 'write scalar' } as const;
const shape = { m: 'u32', n: 'u32', k: 'u32' } as const;
const layout = { offsetA: 'u32', strideA: 'u32', offsetB: 'u32', strideB: 'u32', offsetOut: 'u32' } as const;
const sizes = { ...shape, ...layout };

/** What kernels that work in tiles share. */
const tiles = ['productEdges', 'productStore'] as const;

const fromRegisters = threads('product', bindings, sizes, 'everyEntry', 'productStore');
const tiled = workgroups('productTiled', bindings, sizes, 256, 'everyEntry', ...tiles);
const large = workgroups('productLarge', bindings, sizes, 256, 'everyEntry', ...tiles);

/** As these, but for matrices that are settled. */
const ongoing = { ...bindings, settled: 'read u32' } as const;
const ongoingFromRegisters = threads('product', ongoing, sizes, 'entriesGoingOn', 'productStore');
const ongoingTiled = workgroups('productTiled', ongoing, sizes, 256, 'entriesGoingOn', ...tiles);
const ongoingLarge = workgroups('productLarge', ongoing, sizes, 256, 'entriesGoingOn', ...tiles);

/** One of the kernels that multiply, and what one of its threads or workgroups computes. */
interface Plan {
  readonly by: 'fromRegisters' | 'tiled' | 'large';
  readonly rows: number;
  readonly columns: number;
  readonly constants: Constants;
}

/** Entries on a side of what a thread of `product.wgsl` and a workgroup of `productTiled.wgsl` compute. */
const block = 4;
const tile = 64;
/** What a workgroup of `productLarge.wgsl` computes, and the slices that it does so by: as many as workgroup memory holds. */
const largeColumns = 128;
const slices = {
  real: { tall: true, depth: 16, foursOfA: 32, sizeOfA: 512, sizeOfB: 512 },
  complex: { tall: false, depth: 8, foursOfA: 16, sizeOfA: 128, sizeOfB: 256 },
} as const;
/** Workgroups without which a device is better busy with smaller tiles. */
const enoughLarge = 128;

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
  const { by, rows, columns, constants } = planOf(recorder, n, n, p.batch, p.complex);
  recorder.dispatch({ fromRegisters: ongoingFromRegisters, tiled: ongoingTiled, large: ongoingLarge }[by], {
    complex: p.complex,
    constants: { adjointA: true, adjointB: false, hermitian: true, ...constants },
    bindings: { a: p.slabs[0]!.space, b: p.slabs[0]!.space, out: out.slabs[0]!.space, settled },
    sizes: {
      ...{ m: n, n, k: count, offsetOut: 0 },
      ...{ offsetA: first * n, strideA: n * n, offsetB: first * n, strideB: n * n },
    },
    count: p.batch * Math.ceil(n / rows) * Math.ceil(n / columns),
    cost: rows * columns * count * (p.complex ? 8 : 2),
  });
}

function planOf(recorder: Recorder, m: number, n: number, batch: number, complex: boolean): Plan {
  // What needs a barrier is slow where threads run one after another.
  if (recorder.software || Math.min(m, n) <= tile / 2) {
    return { by: 'fromRegisters', rows: block, columns: block, constants: {} };
  }
  const constants = complex ? slices.complex : slices.real;
  const rows = 4 * constants.foursOfA;
  const groups = batch * Math.ceil(m / rows) * Math.ceil(n / largeColumns);
  if (m <= rows / 2 || n <= tile || groups < enoughLarge) {
    return { by: 'tiled', rows: tile, columns: tile, constants: {} };
  }
  return { by: 'large', rows, columns: largeColumns, constants };
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
  const { by, rows, columns, constants } = planOf(recorder, m, n, out.batch, complex);
  for (const { count, places } of runsOf(out.batch, { a, b, out })) {
    recorder.dispatch({ fromRegisters, tiled, large }[by], {
      complex,
      constants: { adjointA, adjointB, hermitian, ...constants },
      bindings: { a: places.a.space, b: places.b.space, out: places.out.space },
      sizes: {
        ...{ m, n, k, offsetOut: places.out.offset },
        ...{ offsetA: places.a.offset, strideA: places.a.stride },
        ...{ offsetB: places.b.offset, strideB: places.b.stride },
      },
      count: count * Math.ceil(m / rows) * Math.ceil(n / columns),
      cost: rows * columns * k * (complex ? 8 : 2),
    });
  }
  return out;
}
