/**
 * The shapes that each operation accepts and yields. Every check throws a `RangeError` that names the operation and
 * the shapes, when the operation is recorded.
 */

import type {
  AbsoluteProductOptions,
  Frame,
  Matrices,
  ProductOptions,
  Ranges,
  Shape,
  Vector,
} from './handles.ts';

/** `[2 | 4 × 4]`, `[1 | 3 × 5 complex]`, `[7]`. */
export function describe(handle: Matrices | Vector | Shape): string {
  if ('length' in handle) return `[${handle.length}]`;
  return `[${handle.batch} | ${handle.rows} × ${handle.columns}${handle.complex ? ' complex' : ''}]`;
}

export function checkDimension(operation: string, name: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value > 0)) {
    throw new RangeError(`${operation}: ${name} must be a positive integer, got ${value}`);
  }
}

/** How many numbers matrices of a shape take; `data`, where it is at hand, must have as many. */
export function dataLength(shape: Shape, data: ArrayLike<number> | undefined): number {
  checkDimension('matrices', 'batch', shape.batch);
  checkDimension('matrices', 'rows', shape.rows);
  checkDimension('matrices', 'columns', shape.columns);
  const length = shape.batch * shape.rows * shape.columns * (shape.complex ? 2 : 1);
  if (data && data.length !== length)
    throw new RangeError(`matrices: ${describe(shape)} takes ${length} numbers, got ${data.length}`);
  return length;
}

function misfit(operation: string, nameA: string, a: Matrices | Vector, nameB: string, b: Matrices | Vector) {
  return new RangeError(`${operation}: ${nameA} ${describe(a)} does not fit ${nameB} ${describe(b)}`);
}

/** Batches fit if they are equal or one of them is 1. */
function fits(a: Matrices, b: Matrices): boolean {
  return a.complex === b.complex && (a.batch === b.batch || a.batch === 1 || b.batch === 1);
}

export function symbolShape(
  taps: Matrices,
  phases: Matrices,
  rows: number,
  columns: number,
  frame?: Frame,
): Shape {
  if (taps.complex || taps.batch !== 1 || taps.columns !== rows * columns) {
    throw new RangeError(
      `symbol: taps must be real [1 | t × ${rows * columns}] for symbols of ${rows} × ${columns}, got ${describe(taps)}`,
    );
  }
  if (!phases.complex || phases.batch !== 1 || phases.columns !== taps.rows) {
    throw misfit('symbol', 'taps', taps, 'phases', phases);
  }
  if (frame) checkFrame(frame, rows, columns);
  const { rows: down, columns: across } = frame ?? { rows, columns };
  return { batch: phases.rows, rows: down, columns: across, complex: true };
}

function checkFrame({ row, column, indices, values, ...whole }: Frame, rows: number, columns: number): void {
  const inside = (at: number, length: number, all: number) =>
    Number.isSafeInteger(at) && at >= 0 && at + length <= all;
  if (!inside(row, rows, whole.rows) || !inside(column, columns, whole.columns)) {
    throw new RangeError(
      `symbol: ${rows} × ${columns} at (${row}, ${column}) must lie in a frame of ${whole.rows} × ${whole.columns}`,
    );
  }
  if (indices.length !== whole.rows || values.length !== whole.rows) {
    throw new RangeError(
      `symbol: a frame of ${whole.rows} rows takes as many entries, got ${indices.length} and ${values.length}`,
    );
  }
  indices.forEach((at, i) => {
    const covered = i >= row && i < row + rows && at >= column && at < column + columns;
    if (at >= -1 && at < whole.columns && !covered) return;
    throw new RangeError(`symbol: the entry of row ${i} must lie beside the matrix, got column ${at}`);
  });
}

export function productShape(a: Matrices, b: Matrices, options: ProductOptions = {}): Shape {
  const [rows, inner] = options.adjointA ? [a.columns, a.rows] : [a.rows, a.columns];
  const [other, columns] = options.adjointB ? [b.columns, b.rows] : [b.rows, b.columns];
  if (inner !== other || !fits(a, b)) {
    const nameA = options.adjointA ? 'adjoint of A' : 'A';
    const nameB = options.adjointB ? 'adjoint of B' : 'B';
    throw misfit('product', nameA, a, nameB, b);
  }
  return { batch: Math.max(a.batch, b.batch), rows, columns, complex: a.complex };
}

export function congruenceShape(operation: string, w: Matrices, q: Matrices | Vector | undefined): Shape {
  const shape = { batch: w.batch, rows: w.rows, columns: w.rows, complex: w.complex };
  switch (q?.kind) {
    case undefined:
      return shape;
    case 'vector':
      if (q.length !== w.columns) throw misfit(operation, 'W', w, 'diagonal Q', q);
      return shape;
    case 'matrices':
      if (q.rows !== w.columns || q.columns !== w.columns || !fits(w, q))
        throw misfit(operation, 'W', w, 'Q', q);
      return { ...shape, batch: Math.max(w.batch, q.batch) };
    default:
      return q satisfies never;
  }
}

export function congruenceAdjointShape(w: Matrices, g: Matrices): Shape {
  if (g.rows !== w.rows || !fits(w, g)) throw misfit('congruenceAdjoint', 'W', w, 'G', g);
  return { batch: Math.max(w.batch, g.batch), rows: w.columns, columns: w.columns, complex: w.complex };
}

export function scaleBatchShape(a: Matrices, factors: Vector): Shape {
  if (a.batch !== 1 && a.batch !== factors.length) throw misfit('scaleBatch', 'A', a, 'factors', factors);
  return { batch: factors.length, rows: a.rows, columns: a.columns, complex: a.complex };
}

export function aliasShape(s: Matrices, count: number): Shape {
  if (s.batch % count !== 0) {
    throw new RangeError(`alias: count must divide the batch of ${describe(s)}, got ${count}`);
  }
  return { batch: s.batch / count, rows: s.rows, columns: s.columns, complex: s.complex };
}

export function windowSumShape(w: Matrices, q: Matrices | Vector | undefined, weights: Vector): Shape {
  const { batch, rows } = congruenceShape('windowSum', w, q);
  if (weights.length !== batch) {
    throw new RangeError(`windowSum: weights ${describe(weights)} do not fit a batch of ${batch}`);
  }
  return { batch: 1, rows, columns: rows, complex: false };
}

export function absoluteProductShape(
  a: Matrices,
  x: Matrices | Vector,
  { adjoint, plus }: AbsoluteProductOptions = {},
): Shape {
  const [rows, columns] = adjoint ? [a.columns, a.rows] : [a.rows, a.columns];
  const suits =
    x.kind === 'vector'
      ? x.length === columns
      : x.rows === columns &&
        x.columns === 1 &&
        !x.complex &&
        (x.batch === 1 || a.batch === 1 || x.batch === a.batch);
  if (!suits) throw misfit('absoluteProduct', adjoint ? 'adjoint of A' : 'A', a, 'x', x);
  if (plus && plus.length !== rows)
    throw misfit('absoluteProduct', adjoint ? 'adjoint of A' : 'A', a, 'plus', plus);
  const batch = x.kind === 'vector' ? a.batch : Math.max(a.batch, x.batch);
  return { batch, rows, columns: 1, complex: false };
}

export function addDiagonalShape(s: Matrices, d: Vector): Shape {
  if (d.length !== s.rows) throw misfit('addDiagonal', 'S', s, 'd', d);
  return s;
}

export function addShape(a: Matrices, b: Matrices): Shape {
  const same = a.batch === b.batch && a.rows === b.rows && a.columns === b.columns && a.complex === b.complex;
  if (!same) throw misfit('add', 'A', a, 'B', b);
  return a;
}

/** Number of indices that ranges within [0, limit) gather; `whole`, for messages: what has that limit. */
function gathered(operation: string, name: string, ranges: Ranges, limit: number, whole: string): number {
  let count = 0;
  for (const [start, end] of ranges) {
    const valid =
      Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= limit;
    if (!valid) {
      throw new RangeError(`${operation}: ${name} must lie within ${whole}, got ${start} to ${end}`);
    }
    count += end - start;
  }
  if (count === 0) throw new RangeError(`${operation}: ${name} must hold an index, got none`);
  return count;
}

export function submatrixShape(a: Matrices, rows: Ranges, columns: Ranges): Shape {
  return {
    batch: a.batch,
    rows: gathered('submatrix', 'rows', rows, a.rows, `A ${describe(a)}`),
    columns: gathered('submatrix', 'columns', columns, a.columns, `A ${describe(a)}`),
    complex: a.complex,
  };
}

export function submatrixAdjointShape(a: Matrices, ranges: Ranges, size: number): Shape {
  const count = gathered('submatrixAdjoint', 'ranges', ranges, size, `a size of ${size}`);
  if (count !== a.rows) {
    throw new RangeError(`submatrixAdjoint: ranges must gather the ${a.rows} rows of A, got ${count}`);
  }
  return { batch: a.batch, rows: size, columns: size, complex: a.complex };
}

export function rowSumsAdjointShape(s: Matrices, sums: Vector, coefficients: Vector): Shape {
  if (sums.length !== s.rows) throw misfit('rowSumsAdjoint', 'S', s, 'sums', sums);
  if (coefficients.length !== s.rows) throw misfit('rowSumsAdjoint', 'S', s, 'coefficients', coefficients);
  return s;
}

export function assembleShape(a: Matrices, b: Matrices, c: Matrices): Shape {
  if (a.rows !== b.rows || a.batch !== b.batch || a.complex !== b.complex)
    throw misfit('assemble', 'a', a, 'b', b);
  if (c.rows !== b.columns || c.batch !== b.batch || c.complex !== b.complex)
    throw misfit('assemble', 'c', c, 'b', b);
  return { batch: a.batch, rows: a.rows + c.rows, columns: a.rows + c.rows, complex: a.complex };
}

export function scaleSidesShape(a: Matrices, left: Vector | undefined, right: Vector | undefined): Shape {
  if (left && left.length !== a.rows) throw misfit('scaleSides', 'left', left, 'A', a);
  if (right && right.length !== a.columns) throw misfit('scaleSides', 'right', right, 'A', a);
  return a;
}

export function inverseShape(d: Vector, s: Matrices): Shape {
  if (d.length !== s.rows) throw misfit('inverse', 'diagonal D', d, 'S', s);
  return s;
}

export function throughSectorShape(r: Matrices, left: Vector, subtract: Vector | undefined): Shape {
  if (left.length !== r.rows) throw misfit('throughSector', 'left', left, 'R', r);
  if (subtract && subtract.length !== r.rows) throw misfit('throughSector', 'subtract', subtract, 'R', r);
  return r;
}

/** The common length of vectors, of which those of length 1 are broadcast. */
export function commonLength(operation: string, vectors: readonly Vector[]): number {
  const longest = vectors.reduce<Vector | undefined>(
    (a, b) => (a && a.length >= b.length ? a : b),
    undefined,
  );
  if (longest === undefined) throw new RangeError(`${operation}: there must be a vector, got none`);
  for (const vector of vectors) {
    if (vector.length !== 1 && vector.length !== longest.length) {
      throw misfit(operation, 'vector', vector, 'vector', longest);
    }
  }
  return longest.length;
}

/** How many windows there are. All indices must lie within the vector. */
export function windowsLength(
  operation: string,
  a: Vector,
  windows: readonly Int32Array[],
  empty: 'none may be empty' | 'they may be empty',
): number {
  if (windows.length === 0) throw new RangeError(`${operation}: there must be a window, got none`);
  for (const [k, window] of windows.entries()) {
    if (window.length === 0 && empty === 'none may be empty')
      throw new RangeError(`${operation}: windows must hold an index, got none in window ${k}`);
    const outside = window.find((index) => !(index >= 0 && index < a.length));
    if (outside !== undefined) {
      throw new RangeError(`${operation}: window ${k} must lie within ${describe(a)}, got index ${outside}`);
    }
  }
  return windows.length;
}

export function chooseLength(scores: readonly Vector[], candidates: readonly Vector[]): number {
  if (scores.length !== candidates.length || scores.length === 0) {
    throw new RangeError(
      `choose: there must be one score for every candidate, got ${scores.length} for ${candidates.length}`,
    );
  }
  const first = candidates[0]!;
  for (const candidate of candidates) {
    if (candidate.length !== first.length) throw misfit('choose', 'candidate', candidate, 'candidate', first);
  }
  return first.length;
}
