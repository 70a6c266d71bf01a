/**
 * Dense products, real and complex, at the speed of f64x2.
 *
 * The scheme is Goto's: both operands are packed into panels that a 4 × 4 register tile walks with unit
 * stride, under loops that keep one packed block of A in the second-level cache.
 *
 * A complex product runs on the same real tile. With entries interleaved (re, im), row i of A is already a real
 * row of twice the depth, and every entry b of B becomes the real 2 × 2 block [[re b, im b], [−im b, re b]]:
 * the real product then is the interleaved complex one, with no arithmetic wasted.
 *
 * Leading dimensions and strides count doubles; m, n, k count entries (real or complex). Pointers are bytes.
 */

import { at, edge, packedA, packedB } from './memory';

/** What becomes of the target: C = AB, C += AB, C −= AB. */
export type Mode = i32;
export const SET: Mode = 0;
export const ADD: Mode = 1;
export const SUBTRACT: Mode = 2;

const TILE: i32 = 4;
/** Real depth, rows and real columns of one packed block: 192 KiB of A, 1 MiB of B. */
const DEPTH: i32 = 256;
const ROWS: i32 = 96;
const COLUMNS: i32 = 512;

/** Panels of four rows of op(A), depth after depth, the last panel padded with zeros. `depth` is real. */
function packA(a: usize, lda: i32, rows: i32, depth: i32, complex: bool, adjoint: bool): void {
  let to = packedA();
  for (let top = 0; top < rows; top += TILE) {
    const height = min(TILE, rows - top);
    if (!adjoint && height == TILE) {
      const row0 = at(a, top * lda);
      const row1 = at(row0, lda);
      const row2 = at(row1, lda);
      const row3 = at(row2, lda);
      for (let l = 0; l < depth; l++) {
        store<f64>(to, load<f64>(at(row0, l)));
        store<f64>(to, load<f64>(at(row1, l)), 8);
        store<f64>(to, load<f64>(at(row2, l)), 16);
        store<f64>(to, load<f64>(at(row3, l)), 24);
        to += 32;
      }
      continue;
    }
    for (let l = 0; l < depth; l++) {
      for (let r = 0; r < TILE; r++) {
        let value: f64 = 0;
        if (r < height) {
          if (!adjoint) {
            value = load<f64>(at(a, (top + r) * lda + l));
          } else if (!complex) {
            value = load<f64>(at(a, l * lda + top + r));
          } else {
            value = load<f64>(at(a, (l >> 1) * lda + 2 * (top + r) + (l & 1)));
            if (l & 1) value = -value;
          }
        }
        store<f64>(to, value);
        to += 8;
      }
    }
  }
}

/** Panels of four real columns of op(B). `depth` and `columns` are real, hence even if complex. */
function packB(b: usize, ldb: i32, depth: i32, columns: i32, complex: bool, adjoint: bool): void {
  let to = packedB();
  for (let left = 0; left < columns; left += TILE) {
    const width = min(TILE, columns - left);
    if (complex) {
      for (let l = 0; l < depth; l += 2) {
        for (let c = 0; c < TILE; c += 2) {
          let re: f64 = 0;
          let im: f64 = 0;
          if (c < width) {
            const from = adjoint ? at(b, ((left + c) >> 1) * ldb + l) : at(b, (l >> 1) * ldb + left + c);
            re = load<f64>(from);
            im = load<f64>(from, 8);
            if (adjoint) im = -im;
          }
          const here = at(to, c);
          store<f64>(here, re);
          store<f64>(here, im, 8);
          store<f64>(here, -im, 32);
          store<f64>(here, re, 40);
        }
        to += 64;
      }
    } else if (!adjoint && width == TILE) {
      for (let l = 0; l < depth; l++) {
        const from = at(b, l * ldb + left);
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        to += 32;
      }
    } else {
      for (let l = 0; l < depth; l++) {
        for (let c = 0; c < TILE; c++) {
          let value: f64 = 0;
          if (c < width) value = load<f64>(adjoint ? at(b, (left + c) * ldb + l) : at(b, l * ldb + left + c));
          store<f64>(to, value);
          to += 8;
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function put(to: usize, value: v128, mode: Mode): void {
  if (mode == SET) v128.store(to, value);
  else if (mode == ADD) v128.store(to, f64x2.add(v128.load(to), value));
  else v128.store(to, f64x2.sub(v128.load(to), value));
}

/** One 4 × 4 real tile of C from one panel of A and one of B. */
function tile(panelA: usize, panelB: usize, depth: i32, c: usize, ldc: i32, mode: Mode): void {
  let c00 = f64x2.splat(0);
  let c01 = f64x2.splat(0);
  let c10 = f64x2.splat(0);
  let c11 = f64x2.splat(0);
  let c20 = f64x2.splat(0);
  let c21 = f64x2.splat(0);
  let c30 = f64x2.splat(0);
  let c31 = f64x2.splat(0);
  const end = panelB + ((<usize>depth) << 5);
  while (panelB < end) {
    const b0 = v128.load(panelB);
    const b1 = v128.load(panelB, 16);
    const a0 = v128.load64_splat(panelA);
    c00 = f64x2.add(c00, f64x2.mul(a0, b0));
    c01 = f64x2.add(c01, f64x2.mul(a0, b1));
    const a1 = v128.load64_splat(panelA, 8);
    c10 = f64x2.add(c10, f64x2.mul(a1, b0));
    c11 = f64x2.add(c11, f64x2.mul(a1, b1));
    const a2 = v128.load64_splat(panelA, 16);
    c20 = f64x2.add(c20, f64x2.mul(a2, b0));
    c21 = f64x2.add(c21, f64x2.mul(a2, b1));
    const a3 = v128.load64_splat(panelA, 24);
    c30 = f64x2.add(c30, f64x2.mul(a3, b0));
    c31 = f64x2.add(c31, f64x2.mul(a3, b1));
    panelA += 32;
    panelB += 32;
  }
  put(c, c00, mode);
  put(c + 16, c01, mode);
  c = at(c, ldc);
  put(c, c10, mode);
  put(c + 16, c11, mode);
  c = at(c, ldc);
  put(c, c20, mode);
  put(c + 16, c21, mode);
  c = at(c, ldc);
  put(c, c30, mode);
  put(c + 16, c31, mode);
}

/** A tile that hangs over the border of C: computed whole beside it, then its inner part moved. */
function edgeTile(
  panelA: usize, panelB: usize, depth: i32, c: usize, ldc: i32, mode: Mode, height: i32, width: i32,
): void {
  const whole = edge();
  tile(panelA, panelB, depth, whole, TILE, SET);
  for (let r = 0; r < height; r++) {
    for (let s = 0; s < width; s++) {
      const value = load<f64>(at(whole, r * TILE + s));
      const to = at(c, r * ldc + s);
      if (mode == SET) store<f64>(to, value);
      else if (mode == ADD) store<f64>(to, load<f64>(to) + value);
      else store<f64>(to, load<f64>(to) - value);
    }
  }
}

/** C (m × n) = ±op(A) op(B) (+ C). With `lower`, tiles strictly above the diagonal are left as they are. */
export function multiply(
  m: i32, n: i32, k: i32, complex: bool,
  a: usize, lda: i32, adjointA: bool,
  b: usize, ldb: i32, adjointB: bool,
  c: usize, ldc: i32, mode: Mode, lower: bool,
): void {
  const shift = complex ? 1 : 0;
  const width = n << shift;
  const depth = k << shift;
  for (let left = 0; left < width; left += COLUMNS) {
    const columns = min(COLUMNS, width - left);
    for (let front = 0; front < depth; front += DEPTH) {
      const slice = min(DEPTH, depth - front);
      const blockMode: Mode = front > 0 && mode == SET ? ADD : mode;
      packB(
        adjointB ? at(b, (left >> shift) * ldb + front) : at(b, (front >> shift) * ldb + left),
        ldb, slice, columns, complex, adjointB,
      );
      // Rows above the first column's diagonal entry hold nothing of the lower triangle.
      const first = lower ? (left >> shift) & ~(TILE - 1) : 0;
      for (let top = first; top < m; top += ROWS) {
        const rows = min(ROWS, m - top);
        packA(
          adjointA ? at(a, (front >> shift) * lda + (top << shift)) : at(a, top * lda + front),
          lda, rows, slice, complex, adjointA,
        );
        for (let j = 0; j < columns; j += TILE) {
          const panelB = packedB() + (<usize>j * <usize>slice << 3);
          const over = min(TILE, columns - j);
          for (let i = 0; i < rows; i += TILE) {
            if (lower && (left + j) >> shift > top + i + TILE - 1) continue;
            const panelA = packedA() + (<usize>i * <usize>slice << 3);
            const to = at(c, (top + i) * ldc + left + j);
            const high = min(TILE, rows - i);
            if (high == TILE && over == TILE) tile(panelA, panelB, slice, to, ldc, blockMode);
            else edgeTile(panelA, panelB, slice, to, ldc, blockMode, high, over);
          }
        }
      }
    }
  }
}

/** A batch of products C[b] = op(A[b]) op(B[b]); a stride of 0 repeats an operand. */
export function product(
  a: usize, b: usize, c: usize, batch: i32, strideA: i32, strideB: i32,
  m: i32, n: i32, k: i32, complex: bool, adjointA: bool, adjointB: bool, lower: bool,
): void {
  const shift = complex ? 1 : 0;
  const lda = (adjointA ? m : k) << shift;
  const ldb = (adjointB ? k : n) << shift;
  const ldc = n << shift;
  for (let entry = 0; entry < batch; entry++) {
    multiply(m, n, k, complex, a, lda, adjointA, b, ldb, adjointB, c, ldc, SET, lower);
    a = at(a, strideA);
    b = at(b, strideB);
    c = at(c, m * ldc);
  }
}

/** Rows [top, bottom) of C = op(A) op(B) up to column `columns`. */
export function productRows(
  a: usize, b: usize, c: usize, m: i32, n: i32, k: i32, complex: bool, adjointA: bool, adjointB: bool,
  top: i32, bottom: i32, columns: i32,
): void {
  const shift = complex ? 1 : 0;
  const lda = (adjointA ? m : k) << shift;
  const from = at(a, adjointA ? top << shift : top * lda);
  const ldb = (adjointB ? k : n) << shift;
  const ldc = n << shift;
  multiply(bottom - top, columns, k, complex, from, lda, adjointA, b, ldb, adjointB, at(c, top * ldc), ldc, SET, false);
}
