import * as vectors from '../cpu/vectors.ts';
import type { Ranges } from '../handles.ts';
import type { QueuedOperations } from '../queued/operations.ts';
import { type Block, type Context, kernel } from './context.ts';
import { inverse } from './inverse.ts';
import { congruence, congruenceAdjoint, product, scaleSides, windowSum } from './products.ts';
import { columnMaximum, diagonal, diagonalSum, rowSums, rowSumsAdjoint } from './reductions.ts';
import { offDiagonalRadius, spectralRadius } from './spectralRadius.ts';
import { type BlockMatrices, extentOf, single, uploaded, widthOf } from './textures.ts';

const kernels = {
  symbol: kernel('symbol', 'block', 'block', 'count', 'count'),
  framedSymbol: kernel(
    ...([
      ...['framedSymbol', 'block', 'block', 'numbers', 'numbers'],
      ...['count', 'count', 'count', 'count', 'count'],
    ] as const),
  ),
  alias: kernel('alias', 'block', 'count', 'number'),
  aliasAdjoint: kernel('aliasAdjoint', 'block', 'count', 'number'),
  scaleBatch: kernel('scaleBatch', 'block', 'numbers', 'count'),
  toComplex: kernel('toComplex', 'block'),
  copy: kernel('copy', 'block'),
  add: kernel('add', 'block', 'block'),
  submatrix: kernel('submatrix', 'block', 'numbers', 'numbers'),
  submatrixAdjoint: kernel('submatrixAdjoint', 'block', 'numbers', 'numbers', 'numbers', 'count', 'count'),
  assemble: kernel('assemble', 'block', 'block', 'block', 'count', 'count'),
  absoluteProduct: kernel(
    ...([
      'absoluteProduct',
      'block',
      'block',
      'numbers',
      'count',
      'count',
      'count',
      'count',
      'count',
    ] as const),
  ),
  addDiagonal: kernel('addDiagonal', 'block', 'numbers', 'count'),
  throughSector: kernel('throughSector', 'block', 'numbers', 'numbers', 'count'),
  diagonalMatrix: kernel('diagonalMatrix', 'numbers', 'count'),
  scaleByPower: kernel('scaleByPower', 'block', 'numbers', 'count'),
} as const;

/** All operations: those on matrices in float32 on the device, those on vectors, which are small, in float64 on the host. */
export function webglOperations(context: Context): QueuedOperations<Block> {
  return {
    ...vectors,
    symbol: (taps, phases, rows, columns, frame) => {
      const sides = frame ? { rows: frame.rows, columns: frame.columns } : { rows, columns };
      const extent = extentOf({ batch: phases.rows, ...sides, complex: true });
      if (!frame) return context.run(kernels.symbol, extent, taps.data, phases.data, taps.rows, columns);
      const beside = [Float32Array.from(frame.indices), single(frame.values)] as const;
      return context.run(
        ...([kernels.framedSymbol, extent, taps.data, phases.data, ...beside] as const),
        ...([taps.rows, frame.row, frame.column, rows, columns] as const),
      );
    },
    product: (a, b, options) => product(context, a, b, options),
    congruence: (w, q) => congruence(context, w, q),
    congruenceAdjoint: (w, g) => congruenceAdjoint(context, w, g),
    windowSum: (w, q, weights) => windowSum(context, w, q, weights),
    alias: (s, count) => {
      const extent = extentOf({ ...s, batch: s.batch / count });
      return context.run(kernels.alias, extent, s.data, count, 1 / count);
    },
    aliasAdjoint: (g, count) => {
      const extent = extentOf({ ...g, batch: g.batch * count });
      return context.run(kernels.aliasAdjoint, extent, g.data, count, 1 / count);
    },
    scaleBatch: (a, factors) => {
      const extent = extentOf({ ...a, batch: factors.length });
      return context.run(kernels.scaleBatch, extent, a.data, single(factors), Number(a.batch > 1));
    },
    toComplex: (a) =>
      context.run(a.complex ? kernels.copy : kernels.toComplex, extentOf({ ...a, complex: true }), a.data),
    add: (a, b) => context.run(kernels.add, extentOf(a), a.data, b.data),
    submatrix: (a, rows, columns) => submatrix(context, a, rows, columns),
    submatrixAdjoint: (a, ranges, size) => submatrixAdjoint(context, a, ranges, size),
    assemble: (a, b, c) => {
      const size = a.rows + c.rows;
      const extent = extentOf({ ...a, rows: size, columns: size });
      return context.run(kernels.assemble, extent, a.data, b.data, c.data, a.rows, widthOf(a));
    },
    scaleSides: (a, left, right) => scaleSides(context, a, left, right),
    absoluteProduct: (a, x, options) => absoluteProduct(context, a, x, options),
    columnMaximum: (x) => columnMaximum(context, x),
    addDiagonal: (s, d) => context.run(kernels.addDiagonal, extentOf(s), s.data, single(d), widthOf(s)),
    rowSums: (s) => rowSums(context, s),
    rowSumsAdjoint: (s, sums, coefficients) => rowSumsAdjoint(context, s, sums, coefficients),
    diagonal: (s) => diagonal(context, s),
    diagonalSum: (a) => diagonalSum(context, a),
    spectralRadius: (s, tolerance) => spectralRadius(context, s, tolerance),
    estimatedRadius: (s) => spectralRadius(context, s),
    offDiagonalRadius: (s, tolerance) => offDiagonalRadius(context, s, tolerance),
    inverse: (d, s) => inverse(context, d, s),
    throughSector: (r, left, subtract = new Float64Array(r.rows)) =>
      context.run(kernels.throughSector, extentOf(r), r.data, single(left), single(subtract), widthOf(r)),
    diagonalMatrix: (d, complex) => {
      const extent = extentOf({ batch: 1, rows: d.length, columns: d.length, complex });
      return context.run(kernels.diagonalMatrix, extent, single(d), complex ? 2 : 1);
    },
    scaleByPower: (a, e, sign) => {
      if (a instanceof Float64Array) return vectors.scaleByPower(a, e, sign);
      return context.run(kernels.scaleByPower, extentOf(a), a.data, Float32Array.of(sign * e[0]!), 0);
    },
  };
}

function absoluteProduct(
  context: Context,
  a: BlockMatrices,
  x: BlockMatrices | Float64Array,
  { adjoint = false, plus }: { readonly adjoint?: boolean; readonly plus?: Float64Array } = {},
): Block {
  const [rows, inner] = adjoint ? [a.columns, a.rows] : [a.rows, a.columns];
  const shared = x instanceof Float64Array;
  const columns = shared ? uploaded(context, x, { x: 1, y: inner, z: 1 }) : x.data;
  const batch = Math.max(a.batch, shared ? 1 : x.batch);
  const out = context.run(
    kernels.absoluteProduct,
    { x: 1, y: rows, z: batch },
    ...[a.data, columns, single(plus ?? new Float64Array(rows)), inner, widthOf(a), Number(adjoint)],
    ...[Number(a.batch > 1), Number(!shared && x.batch > 1)],
  );
  if (shared) columns.texture.delete();
  return out;
}

function submatrix(context: Context, a: BlockMatrices, rows: Ranges, columns: Ranges): Block {
  const width = widthOf(a);
  const y = indicesOf(rows, 1);
  const x = indicesOf(columns, width);
  return context.run(kernels.submatrix, { x: x.length, y: y.length, z: a.batch }, a.data, y, x);
}

function submatrixAdjoint(context: Context, a: BlockMatrices, ranges: Ranges, size: number): Block {
  const starts = Float32Array.from(ranges, ([start]) => start);
  const ends = Float32Array.from(ranges, ([, end]) => end);
  const places = new Float32Array(ranges.length);
  for (let k = 1; k < ranges.length; k++) places[k] = places[k - 1]! + ends[k - 1]! - starts[k - 1]!;
  return context.run(
    kernels.submatrixAdjoint,
    extentOf({ ...a, rows: size, columns: size }),
    ...[a.data, starts, ends, places, ranges.length, widthOf(a)],
  );
}

/** The numbers of a row that ranges of entries gather, `width` to an entry. */
function indicesOf(ranges: Ranges, width: 1 | 2): Float32Array {
  const all = ranges.flatMap(([start, end]) =>
    Array.from({ length: (end - start) * width }, (_, k) => start * width + k),
  );
  return Float32Array.from(all);
}
