/**
 * What threads do side by side. A kernel does the items [from, to) of a task, from numbers alone, on what lies at addresses of the shared
 * memory. No entry of a result depends on how the items are dealt out.
 */
import type { AddressRoutine, AddressRoutines } from '../blas/addresses.ts';
import { LETTER, type Machine, ONE, SIDE, STATUS, ZERO } from './machine.ts';

export type Kernel = (machine: Machine, from: number, to: number, ...numbers: number[]) => void;

const rowMajor = 101;
const plain = 111;
const transposed = 112;
const conjugateTransposed = 113;
const lowerTriangle = 122;

/** Operations in one product, and sides of Cholesky and inverse, from which OpenBLAS is faster (bench/operations.ts). */
const worthProduct = 3e4;
const worthCholesky = 24;
const worthInverse = 16;
/** Rows of a lower triangle computed at a time, each band up to the diagonal only. */
const bandRows = 256;

/** C (m × n) = op(A) op(B). With `lower`, said of Hermitian results alone, what lies above the diagonal may be left as it is. */
function multiply(
  machine: Machine,
  [a, b, c]: readonly [number, number, number],
  [m, n, k]: readonly [number, number, number],
  complex: number,
  adjointA: number,
  adjointB: number,
  lower: number,
): void {
  const { blas, wasm, base } = machine;
  if (blas === undefined || productFlops(m, n, k, complex, lower) < worthProduct) {
    wasm.product!(a, b, c, 1, 0, 0, m, n, k, complex, adjointA, adjointB, lower);
    return;
  }
  if (lower && a === b && !adjointA && adjointB) {
    const update = complex ? blas.zherk : blas.dsyrk;
    update(rowMajor, lowerTriangle, plain, m, k, 1, base + a, k, 0, base + c, m);
    return;
  }
  const step = lower ? bandRows : m;
  for (let top = 0; top < m; top += step) {
    const bottom = Math.min(m, top + step);
    rows(machine, a, b, c, m, n, k, complex, adjointA, adjointB, top, bottom, lower ? bottom : n);
  }
}

function productFlops(m: number, n: number, k: number, complex: number, lower: number): number {
  return m * n * k * (complex ? 8 : 2) * (lower ? 0.5 : 1);
}

/** Rows [top, bottom) of a product up to column `columns`. */
function rows(
  { blas, wasm, base, own }: Machine,
  a: number,
  b: number,
  c: number,
  m: number,
  n: number,
  k: number,
  complex: number,
  adjointA: number,
  adjointB: number,
  top: number,
  bottom: number,
  columns: number,
): void {
  if (blas === undefined) {
    wasm.productRows!(a, b, c, m, n, k, complex, adjointA, adjointB, top, bottom, columns);
    return;
  }
  const bytes = complex ? 16 : 8;
  const adjoint = complex ? conjugateTransposed : transposed;
  const lda = adjointA ? m : k;
  const gemm = complex ? blas.zgemm : blas.dgemm;
  const [one, zero] = complex ? [base + own + ONE, base + own + ZERO] : [1, 0];
  gemm(
    ...[rowMajor, adjointA ? adjoint : plain, adjointB ? adjoint : plain, bottom - top, columns, k, one],
    ...[base + a + (adjointA ? top : top * lda) * bytes, lda, base + b, adjointB ? k : n, zero],
    ...[base + c + top * n * bytes, n],
  );
}

/** Entries of a batch of products. A stride of 0 repeats an operand; strides count doubles. */
function product(
  machine: Machine,
  from: number,
  to: number,
  a: number,
  b: number,
  c: number,
  strideA: number,
  strideB: number,
  m: number,
  n: number,
  k: number,
  complex: number,
  adjointA: number,
  adjointB: number,
  lower: number,
): void {
  const bytes = complex ? 16 : 8;
  const place = (entry: number) =>
    [a + 8 * entry * strideA, b + 8 * entry * strideB, c + entry * m * n * bytes] as const;
  if (machine.blas === undefined || productFlops(m, n, k, complex, lower) < worthProduct) {
    const sizes = [to - from, strideA, strideB, m, n, k];
    machine.wasm.product!(...place(from), ...sizes, complex, adjointA, adjointB, lower);
    return;
  }
  for (let entry = from; entry < to; entry++) {
    multiply(machine, place(entry), [m, n, k], complex, adjointA, adjointB, lower);
  }
}

/** Bands of `height` rows of one product. */
function productBands(
  machine: Machine,
  from: number,
  to: number,
  a: number,
  b: number,
  c: number,
  m: number,
  n: number,
  k: number,
  complex: number,
  adjointA: number,
  adjointB: number,
  lower: number,
  height: number,
): void {
  for (let band = from; band < to; band++) {
    const top = band * height;
    const bottom = Math.min(m, top + height);
    rows(machine, a, b, c, m, n, k, complex, adjointA, adjointB, top, bottom, lower ? bottom : n);
  }
}

/** Entries of W Q Wᴴ; 0 in place of `q` is the identity, and `diagonal` says that it is a vector. Every thread has `workBytes` at `work`. */
function congruence(
  machine: Machine,
  from: number,
  to: number,
  w: number,
  strideW: number,
  q: number,
  strideQ: number,
  diagonal: number,
  out: number,
  m: number,
  n: number,
  complex: number,
  work: number,
  workBytes: number,
): void {
  const { blas, wasm } = machine;
  const mine = work + machine.index * workBytes;
  if (blas === undefined || productFlops(m, Math.max(m, n), n, complex, 0) < worthProduct) {
    wasm.congruence!(w, strideW, q, strideQ, diagonal, out, m, n, complex, mine, from, to);
    return;
  }
  const bytes = complex ? 16 : 8;
  for (let entry = from; entry < to; entry++) {
    const wHere = w + 8 * entry * strideW;
    const outHere = out + entry * m * m * bytes;
    let left = wHere;
    if (q !== 0) {
      left = mine;
      if (diagonal) wasm.scaleSides!(wHere, 0, q, left, m, n, complex, 0, m);
      else multiply(machine, [wHere, q + 8 * entry * strideQ, left], [m, n, n], complex, 0, 0, 0);
    }
    multiply(machine, [left, wHere, outHere], [m, m, n], complex, 0, 1, 1);
    wasm.mirror!(outHere, m, complex, 0, 1);
  }
}

/** Entries of Wᴴ G W, W m × n. */
function congruenceAdjoint(
  machine: Machine,
  from: number,
  to: number,
  w: number,
  strideW: number,
  g: number,
  strideG: number,
  out: number,
  m: number,
  n: number,
  complex: number,
  work: number,
  workBytes: number,
): void {
  const { blas, wasm } = machine;
  const mine = work + machine.index * workBytes;
  if (blas === undefined || productFlops(n, Math.max(m, n), m, complex, 0) < worthProduct) {
    wasm.congruenceAdjoint!(w, strideW, g, strideG, out, m, n, complex, mine, from, to);
    return;
  }
  const bytes = complex ? 16 : 8;
  for (let entry = from; entry < to; entry++) {
    const wHere = w + 8 * entry * strideW;
    const outHere = out + entry * n * n * bytes;
    multiply(machine, [wHere, g + 8 * entry * strideG, mine], [n, m, m], complex, 1, 0, 0);
    multiply(machine, [mine, wHere, outHere], [n, n, m], complex, 0, 0, 1);
    wasm.mirror!(outHere, n, complex, 0, 1);
  }
}

/** Calls a routine of LAPACK on a matrix n × n in place; whether it ran through. */
function lapack(machine: Machine, routine: AddressRoutine, a: number, n: number): boolean {
  const { base, own } = machine;
  const integers = new Int32Array(machine.memory.buffer, own + SIDE, 4);
  const status = (STATUS - SIDE) / 4;
  integers[0] = n;
  integers[status] = -1;
  routine(base + own + LETTER, base + own + SIDE, base + a, base + own + SIDE, base + own + STATUS, 1);
  return integers[status] === 0;
}

/** Cholesky of the lower triangle, in place; whether it ran through. Read by columns, it is the conjugate of the matrix that is meant: the same
 *  pivots, and the conjugate of its inverse lands transposed, that is as meant. */
function factored(machine: Machine, blas: AddressRoutines, a: number, n: number, complex: number): boolean {
  // OpenBLAS reports success past a NaN pivot, so the factor's diagonal has to be looked at.
  return (
    lapack(machine, complex ? blas.zpotrf : blas.dpotrf, a, n) &&
    machine.wasm.positiveDiagonal!(a, n, complex) !== 0
  );
}

/** Runs `work` while OpenBLAS may take some threads of its own: said of a single large matrix, beside which nothing else runs. */
function withThreads(blas: AddressRoutines, threads: number, work: () => void): void {
  if (threads > 1) blas.setThreads(threads);
  try {
    work();
  } finally {
    if (threads > 1) blas.setThreads(1);
  }
}

/** Entries of (diag(d) − S)⁻¹; `flags` are 1 where Cholesky ran through and 0 elsewhere. */
function inverse(
  machine: Machine,
  from: number,
  to: number,
  s: number,
  d: number,
  out: number,
  flags: number,
  n: number,
  complex: number,
  work: number,
  workBytes: number,
  threads: number,
): void {
  const { blas, wasm, memory } = machine;
  const length = n * n * (complex ? 16 : 8);
  if (blas === undefined || n < worthInverse) {
    wasm.shifted!(s, d, out, n, complex, -1, from, to);
    const places = [out + from * length, flags + 8 * from, work + machine.index * workBytes];
    wasm.inverse!(...places, to - from, n, complex);
    return;
  }
  const flagged = new Float64Array(memory.buffer, flags, to);
  for (let entry = from; entry < to; entry++) {
    const x = out + entry * length;
    wasm.shifted!(s + entry * length, d, x, n, complex, -1, 0, 1);
    withThreads(blas, threads, () => {
      const definite =
        factored(machine, blas, x, n, complex) && lapack(machine, complex ? blas.zpotri : blas.dpotri, x, n);
      flagged[entry] = definite ? 1 : 0;
    });
    if (flagged[entry] === 1) wasm.mirror!(x, n, complex, 0, 1);
  }
}

/** Of the entries that `list` names (32-bit integers): 1 where diag(d) + sign · S is positive definite by Cholesky, else 0. */
function definite(
  machine: Machine,
  from: number,
  to: number,
  s: number,
  d: number,
  list: number,
  flags: number,
  n: number,
  complex: number,
  sign: number,
  work: number,
  workBytes: number,
  threads: number,
): void {
  const { blas, wasm, memory } = machine;
  const length = n * n * (complex ? 16 : 8);
  const mine = work + machine.index * workBytes;
  const entries = new Int32Array(memory.buffer, list, to);
  const flagged = new Float64Array(memory.buffer, flags, to);
  for (let k = from; k < to; k++) {
    wasm.shifted!(s + entries[k]! * length, d, mine, n, complex, sign, 0, 1);
    if (blas === undefined || n < worthCholesky) {
      wasm.cholesky!(mine, flags + 8 * k, 1, n, complex);
      continue;
    }
    withThreads(blas, threads, () => {
      flagged[k] = factored(machine, blas, mine, n, complex) ? 1 : 0;
    });
  }
}

/** Groups of `size` symbols of the `frequencies`: the real product of the phases' parts with the taps, whose parts are then interleaved. */
function symbol(
  machine: Machine,
  from: number,
  to: number,
  taps: number,
  phases: number,
  out: number,
  frequencies: number,
  count: number,
  entries: number,
  size: number,
  work: number,
  workBytes: number,
): void {
  const { wasm } = machine;
  const parts = work + machine.index * workBytes;
  const separate = parts + 16 * size * count;
  for (let group = from; group < to; group++) {
    const first = group * size;
    const members = Math.min(size, frequencies - first);
    wasm.split!(phases + 16 * first * count, parts, count, 0, members);
    multiply(machine, [parts, taps, separate], [2 * members, entries, count], 0, 0, 0, 0);
    wasm.interleave!(separate, out + 16 * first * entries, entries, 0, members);
  }
}

/** A function of the module, whose last two parameters are the items. */
const inWasm =
  (name: string): Kernel =>
  ({ wasm }, from, to, ...numbers) => {
    wasm[name]!(...numbers, from, to);
  };

export const KERNELS = {
  product,
  productBands,
  congruence,
  congruenceAdjoint,
  inverse,
  definite,
  symbol,
  add: inWasm('add'),
  clear: inWasm('clear'),
  scale: inWasm('scale'),
  scaleSides: inWasm('scaleSides'),
  scaleBatch: inWasm('scaleBatch'),
  toComplex: inWasm('toComplex'),
  alias: inWasm('alias'),
  aliasAdjoint: inWasm('aliasAdjoint'),
  addDiagonal: inWasm('addDiagonal'),
  throughSector: inWasm('throughSector'),
  submatrix: inWasm('submatrix'),
  submatrixAdjoint: inWasm('submatrixAdjoint'),
  assemble: inWasm('assemble'),
  sideBySide: inWasm('sideBySide'),
  absoluteProduct: inWasm('absoluteProduct'),
  rowSums: inWasm('rowSums'),
  diagonals: inWasm('diagonals'),
  largestPart: inWasm('largestPart'),
  profile: inWasm('profile'),
} satisfies Record<string, Kernel>;

export type KernelName = keyof typeof KERNELS;

/** The same in an order that threads agree on. */
export const kernelNames = Object.keys(KERNELS) as readonly KernelName[];
