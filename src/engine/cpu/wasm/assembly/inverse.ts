/**
 * Inverses of Hermitian positive definite matrices, in place: A = L Lᴴ, X = L⁻¹, A⁻¹ = Xᴴ X.
 */
import { factor, middle } from './cholesky';
import { savedRow } from './memory';
import { multiply, SET, SUBTRACT } from './product';

const SMALL: i32 = 16;
/** Rows of Xᴴ X computed at a time. */
const PANEL: i32 = 64;

/** X = L⁻¹ in place for a small block: row i is −(Σ_{l<i} L_il X_l) / L_ii, then 1 / L_ii. */
function invertSmall(l: usize, ld: i32, n: i32, complex: bool): void {
  const shift = complex ? 4 : 3;
  const step = (<usize>ld) << 3;
  const saved = savedRow();
  let row = l;
  for (let i = 0; i < n; i++) {
    const diagonal = row + ((<usize>i) << shift);
    const reciprocal = 1 / load<f64>(diagonal);
    memory.copy(saved, row, (<usize>i) << shift);
    memory.fill(row, 0, (<usize>i) << shift);
    for (let j = 0; j < i; j++) {
      const other = l + <usize>j * step;
      if (complex) {
        const re = f64x2.mul(f64x2.splat(-reciprocal), v128.load64_splat(saved + ((<usize>j) << 4)));
        const im = load<f64>(saved + ((<usize>j) << 4), 8) * -reciprocal;
        const imaginary = f64x2.replace_lane(f64x2.splat(-im), 1, im);
        for (let s = 0; s <= j; s++) {
          const to = row + ((<usize>s) << 4);
          const x = v128.load(other + ((<usize>s) << 4));
          const turned = f64x2.mul(imaginary, v128.shuffle<f64>(x, x, 1, 0));
          v128.store(to, f64x2.add(v128.load(to), f64x2.add(f64x2.mul(re, x), turned)));
        }
      } else {
        const weight = load<f64>(saved + ((<usize>j) << 3)) * -reciprocal;
        for (let s = 0; s <= j; s++) {
          const to = row + ((<usize>s) << 3);
          store<f64>(to, load<f64>(to) + weight * load<f64>(other + ((<usize>s) << 3)));
        }
      }
    }
    store<f64>(diagonal, reciprocal);
    if (complex) store<f64>(diagonal, 0, 8);
    row += step;
  }
}

/** X = L⁻¹ in place; the upper triangle must be zero. `work` holds ⌈n/2⌉² entries. */
function invertTriangle(l: usize, ld: i32, n: i32, complex: bool, work: usize): void {
  if (n <= SMALL) {
    invertSmall(l, ld, n, complex);
    return;
  }
  const shift = complex ? 4 : 3;
  const half = middle(n);
  const rest = n - half;
  const below = l + ((<usize>(half * ld)) << 3);
  const corner = below + ((<usize>half) << shift);
  invertTriangle(l, ld, half, complex, work);
  invertTriangle(corner, ld, rest, complex, work);
  const ldw = complex ? 2 * half : half;
  multiply(rest, half, half, complex, below, ld, false, l, ld, false, work, ldw, SET, false);
  for (let r = 0; r < rest; r++) memory.fill(below + ((<usize>(r * ld)) << 3), 0, (<usize>half) << shift);
  multiply(rest, half, rest, complex, corner, ld, false, work, ldw, false, below, ld, SUBTRACT, false);
}

/** The lower triangle of Xᴴ X in place of the lower triangular X. `work` holds PANEL × n entries. */
function gram(x: usize, ld: i32, n: i32, complex: bool, work: usize): void {
  const shift = complex ? 4 : 3;
  for (let top = 0; top < n; top += PANEL) {
    const height = min(PANEL, n - top);
    const width = top + height;
    const rows = x + ((<usize>(top * ld)) << 3);
    const ldw = complex ? 2 * width : width;
    // Rows above `top` of X hold zeros in these columns.
    multiply(
      height, width, n - top, complex,
      rows + ((<usize>top) << shift), ld, true, rows, ld, false, work, ldw, SET, false,
    );
    for (let r = 0; r < height; r++) {
      memory.copy(rows + ((<usize>(r * ld)) << 3), work + ((<usize>(r * ldw)) << 3), (<usize>width) << shift);
    }
  }
}

/** Copies the lower triangle onto the upper one, conjugated. */
function mirror(a: usize, ld: i32, n: i32, complex: bool): void {
  const shift = complex ? 4 : 3;
  const step = (<usize>ld) << 3;
  for (let i = 0; i < n; i++) {
    let from = a + <usize>i * step;
    let to = a + ((<usize>i) << shift);
    for (let j = 0; j < i; j++) {
      store<f64>(to, load<f64>(from));
      if (complex) store<f64>(to, -load<f64>(from, 8), 8);
      from += (<usize>1) << shift;
      to += step;
    }
    if (complex) store<f64>(from, 0, 8);
  }
}

/** A[b]⁻¹ in place, exactly Hermitian, and flags[b] = 1; where A[b] is not positive definite, flags[b] = 0 and
 *  A[b] is spoilt. `work` holds max(⌈n/2⌉ + 3, 64) · n entries. */
export function inverse(a: usize, flags: usize, work: usize, batch: i32, n: i32, complex: bool): void {
  const ld = complex ? 2 * n : n;
  const shift = complex ? 4 : 3;
  for (let entry = 0; entry < batch; entry++) {
    const definite = factor(a, ld, n, complex);
    store<f64>(flags, definite ? 1 : 0);
    if (definite) {
      for (let i = 0; i < n; i++) {
        memory.fill(a + ((<usize>(i * ld)) << 3) + ((<usize>(i + 1)) << shift), 0, (<usize>(n - 1 - i)) << shift);
      }
      invertTriangle(a, ld, n, complex, work);
      gram(a, ld, n, complex, work);
      mirror(a, ld, n, complex);
    }
    a += (<usize>(n * ld)) << 3;
    flags += 8;
  }
}
