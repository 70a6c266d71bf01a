/**
 * Cholesky factorisation A = L Lᴴ of Hermitian matrices stored row-major, of which the lower triangle is read and
 * replaced by L. Halves recursively, so that nearly all of the work is a product; small blocks are done by dot
 * products along rows. Only additions, products, divisions and square roots in some order: the usual componentwise
 * bound |ΔA| ≤ γ |L||Lᴴ| holds.
 */
import { multiply, SUBTRACT } from './product';

const SMALL: i32 = 16;

/** Where to cut n: about the middle, at a multiple of the register tile. */
export function middle(n: i32): i32 {
  return ((n >> 1) + 3) & ~3;
}

// @ts-ignore: decorator
@inline
function realDot(x: usize, y: usize, n: i32): f64 {
  let sum = f64x2.splat(0);
  const end = x + ((<usize>(n & ~1)) << 3);
  while (x < end) {
    sum = f64x2.add(sum, f64x2.mul(v128.load(x), v128.load(y)));
    x += 16;
    y += 16;
  }
  const pair = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  return n & 1 ? pair + load<f64>(x) * load<f64>(y) : pair;
}

/** Σ x conj(y) as (re, im). */
// @ts-ignore: decorator
@inline
function complexDot(x: usize, y: usize, n: i32): v128 {
  let straight = f64x2.splat(0); // (Σ xr yr, Σ xi yi)
  let crossed = f64x2.splat(0); //  (Σ xr yi, Σ xi yr)
  const end = x + ((<usize>n) << 4);
  while (x < end) {
    const u = v128.load(x);
    const v = v128.load(y);
    straight = f64x2.add(straight, f64x2.mul(u, v));
    crossed = f64x2.add(crossed, f64x2.mul(u, v128.shuffle<f64>(v, v, 1, 0)));
    x += 16;
    y += 16;
  }
  const re = f64x2.extract_lane(straight, 0) + f64x2.extract_lane(straight, 1);
  const im = f64x2.extract_lane(crossed, 1) - f64x2.extract_lane(crossed, 0);
  return f64x2.replace_lane(f64x2.splat(re), 1, im);
}

/** x (one row, in place) becomes the solution of x Lᴴ = x. */
// @ts-ignore: decorator
@inline
function solveRow(x: usize, l: usize, ld: i32, n: i32, complex: bool): void {
  const step = (<usize>ld) << 3;
  let row = l;
  if (complex) {
    for (let j = 0; j < n; j++) {
      const here = x + ((<usize>j) << 4);
      const rest = f64x2.sub(v128.load(here), complexDot(x, row, j));
      v128.store(here, f64x2.div(rest, v128.load64_splat(row + ((<usize>j) << 4))));
      row += step;
    }
  } else {
    for (let j = 0; j < n; j++) {
      const here = x + ((<usize>j) << 3);
      store<f64>(here, (load<f64>(here) - realDot(x, row, j)) / load<f64>(row + ((<usize>j) << 3)));
      row += step;
    }
  }
}

function factorSmall(a: usize, ld: i32, n: i32, complex: bool): bool {
  const shift = complex ? 4 : 3;
  let row = a;
  for (let i = 0; i < n; i++) {
    solveRow(row, a, ld, i, complex);
    const here = row + ((<usize>i) << shift);
    const square = complex ? f64x2.extract_lane(complexDot(row, row, i), 0) : realDot(row, row, i);
    const pivot = load<f64>(here) - square;
    // Written so that NaN fails.
    if (!(pivot > 0 && pivot < Infinity)) return false;
    store<f64>(here, Math.sqrt(pivot));
    if (complex) store<f64>(here, 0, 8);
    row += (<usize>ld) << 3;
  }
  return true;
}

/** X Lᴴ = B for X in place of B (rows × n), L lower triangular n × n. Both have leading dimension `ld`. */
function solve(x: usize, l: usize, ld: i32, rows: i32, n: i32, complex: bool): void {
  if (n <= SMALL) {
    for (let r = 0; r < rows; r++) {
      solveRow(x, l, ld, n, complex);
      x += (<usize>ld) << 3;
    }
    return;
  }
  const shift = complex ? 4 : 3;
  const half = middle(n);
  const right = x + ((<usize>half) << shift);
  const lower = l + ((<usize>(half * ld)) << 3);
  solve(x, l, ld, rows, half, complex);
  multiply(rows, n - half, half, complex, x, ld, false, lower, ld, true, right, ld, SUBTRACT, false);
  solve(right, lower + ((<usize>half) << shift), ld, rows, n - half, complex);
}

/** False, with A half overwritten, where a pivot is not positive and finite. */
export function factor(a: usize, ld: i32, n: i32, complex: bool): bool {
  if (n <= SMALL) return factorSmall(a, ld, n, complex);
  const shift = complex ? 4 : 3;
  const half = middle(n);
  const rest = n - half;
  const below = a + ((<usize>(half * ld)) << 3);
  const corner = below + ((<usize>half) << shift);
  if (!factor(a, ld, half, complex)) return false;
  solve(below, a, ld, rest, half, complex);
  multiply(rest, rest, half, complex, below, ld, false, below, ld, true, corner, ld, SUBTRACT, true);
  return factor(corner, ld, rest, complex);
}

/** flags[b] = 1 where the factorisation of A[b] (destroyed) runs through, else 0. */
export function cholesky(a: usize, flags: usize, batch: i32, n: i32, complex: bool): void {
  const ld = complex ? 2 * n : n;
  for (let entry = 0; entry < batch; entry++) {
    store<f64>(flags, factor(a, ld, n, complex) ? 1 : 0);
    a += (<usize>(n * ld)) << 3;
    flags += 8;
  }
}
