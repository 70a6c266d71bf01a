/**
 * Sums and maxima over rows of matrices, two doubles at a time, hence in an order of their own. Each does the matrices [from, to) of a batch.
 */
import { at } from './memory';

/** |re + i·im| without overflow or underflow on the way; NaN if either part is NaN. */
function modulus(re: f64, im: f64): f64 {
  const square = re * re + im * im;
  if (square > 1e-280 && square < 1e300) return Math.sqrt(square);
  if (square != square) return NaN;
  const x = Math.abs(re);
  const y = Math.abs(im);
  const large = max(x, y);
  if (large == 0 || large == Infinity) return large;
  const ratio = min(x, y) / large;
  return large * Math.sqrt(1 + ratio * ratio);
}

/** Σ |z_j| of a row of n complex numbers. */
function sumOfModuli(row: usize, n: i32): f64 {
  let sum = f64x2.splat(0);
  const pairs = n & ~1;
  const least = f64x2.splat(1e-280);
  const most = f64x2.splat(1e300);
  for (let j = 0; j < pairs; j += 2) {
    const u = v128.load(at(row, 2 * j));
    const v = v128.load(at(row, 2 * j + 2));
    const re = v128.shuffle<f64>(u, v, 0, 2);
    const im = v128.shuffle<f64>(u, v, 1, 3);
    const square = f64x2.add(f64x2.mul(re, re), f64x2.mul(im, im));
    if (i64x2.all_true(v128.and(f64x2.gt(square, least), f64x2.lt(square, most)))) {
      sum = f64x2.add(sum, f64x2.sqrt(square));
    } else {
      const first = modulus(f64x2.extract_lane(u, 0), f64x2.extract_lane(u, 1));
      const second = modulus(f64x2.extract_lane(v, 0), f64x2.extract_lane(v, 1));
      sum = f64x2.add(sum, f64x2.replace_lane(f64x2.splat(first), 1, second));
    }
  }
  const total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  return pairs < n ? total + modulus(load<f64>(at(row, 2 * pairs)), load<f64>(at(row, 2 * pairs + 1))) : total;
}

/** Σ |x_j| of a row of n real numbers. */
function sumOfAbsolutes(row: usize, n: i32): f64 {
  let sum = f64x2.splat(0);
  const pairs = n & ~1;
  for (let j = 0; j < pairs; j += 2) sum = f64x2.add(sum, f64x2.abs(v128.load(at(row, j))));
  const total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  return pairs < n ? total + Math.abs(load<f64>(at(row, pairs))) : total;
}

/** Sums of the moduli of every row: `batch` × n of them. */
export function rowSums(s: usize, out: usize, n: i32, complex: bool, from: i32, to: i32): void {
  for (let row = from * n; row < to * n; row++) {
    const sum = complex ? sumOfModuli(at(s, row * n * 2), n) : sumOfAbsolutes(at(s, row * n), n);
    store<f64>(at(out, row), sum);
  }
}

/** The largest |component| of each matrix of `length` doubles; NaN where it holds one. Several maxima at a time for the processor to overlap. */
export function largestPart(s: usize, out: usize, length: i32, from: i32, to: i32): void {
  const eights = length & ~7;
  for (let b = from; b < to; b++) {
    const x = at(s, b * length);
    let first = f64x2.splat(0);
    let second = f64x2.splat(0);
    let third = f64x2.splat(0);
    let fourth = f64x2.splat(0);
    for (let i = 0; i < eights; i += 8) {
      const here = at(x, i);
      first = f64x2.max(first, f64x2.abs(v128.load(here)));
      second = f64x2.max(second, f64x2.abs(v128.load(here, 16)));
      third = f64x2.max(third, f64x2.abs(v128.load(here, 32)));
      fourth = f64x2.max(fourth, f64x2.abs(v128.load(here, 48)));
    }
    const most = f64x2.max(f64x2.max(first, second), f64x2.max(third, fourth));
    let largest = max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1));
    for (let i = eights; i < length; i++) largest = max(largest, Math.abs(load<f64>(at(x, i))));
    store<f64>(at(out, b), largest);
  }
}

/** Of each Hermitian matrix four numbers: the sum of the squares of its components, its largest row sum, its smallest centre of a row less the
 *  radius (Gershgorin's discs) and the sum of the moduli of its diagonal. */
export function profile(s: usize, out: usize, n: i32, complex: bool, from: i32, to: i32): void {
  const width = complex ? 2 : 1;
  for (let b = from; b < to; b++) {
    let squares = f64x2.splat(0);
    let odd: f64 = 0;
    let largestRow: f64 = 0;
    let floor: f64 = Infinity;
    let trace: f64 = 0;
    for (let i = 0; i < n; i++) {
      const row = at(s, (b * n + i) * n * width);
      const length = n * width;
      const pairs = length & ~1;
      for (let j = 0; j < pairs; j += 2) {
        const x = v128.load(at(row, j));
        squares = f64x2.add(squares, f64x2.mul(x, x));
      }
      if (pairs < length) odd += load<f64>(at(row, pairs)) * load<f64>(at(row, pairs));
      const sum = complex ? sumOfModuli(row, n) : sumOfAbsolutes(row, n);
      const centre = load<f64>(at(row, i * width));
      largestRow = max(largestRow, sum);
      floor = min(floor, centre - (sum - Math.abs(centre)));
      trace += Math.abs(centre);
    }
    const four = at(out, 4 * b);
    store<f64>(four, f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1) + odd);
    store<f64>(four, largestRow, 8);
    store<f64>(four, floor, 16);
    store<f64>(four, trace, 24);
  }
}

/** Σ_j |z_j| x_j along a row of n numbers, |z| = |Re z| + |Im z|. */
// @ts-ignore: decorator
@inline
function weightedSum(row: usize, x: usize, n: i32, complex: bool): f64 {
  let sum = f64x2.splat(0);
  const pairs = n & ~1;
  if (complex) {
    for (let j = 0; j < pairs; j += 2) {
      const u = f64x2.abs(v128.load(at(row, 2 * j)));
      const v = f64x2.abs(v128.load(at(row, 2 * j + 2)));
      const size = f64x2.add(v128.shuffle<f64>(u, v, 0, 2), v128.shuffle<f64>(u, v, 1, 3));
      sum = f64x2.add(sum, f64x2.mul(size, v128.load(at(x, j))));
    }
  } else {
    for (let j = 0; j < pairs; j += 2) {
      sum = f64x2.add(sum, f64x2.mul(f64x2.abs(v128.load(at(row, j))), v128.load(at(x, j))));
    }
  }
  const total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  if (pairs == n) return total;
  const size = complex
    ? Math.abs(load<f64>(at(row, 2 * pairs))) + Math.abs(load<f64>(at(row, 2 * pairs + 1)))
    : Math.abs(load<f64>(at(row, pairs)));
  return total + size * load<f64>(at(x, pairs));
}

/** y_j += |z_j| factor along a row of n numbers. */
// @ts-ignore: decorator
@inline
function addWeighted(row: usize, factor: f64, y: usize, n: i32, complex: bool): void {
  const pairs = n & ~1;
  if (complex) {
    for (let j = 0; j < pairs; j += 2) {
      const u = f64x2.abs(v128.load(at(row, 2 * j)));
      const v = f64x2.abs(v128.load(at(row, 2 * j + 2)));
      const size = f64x2.add(v128.shuffle<f64>(u, v, 0, 2), v128.shuffle<f64>(u, v, 1, 3));
      v128.store(at(y, j), f64x2.add(v128.load(at(y, j)), f64x2.mul(size, f64x2.splat(factor))));
    }
  } else {
    for (let j = 0; j < pairs; j += 2) {
      const size = f64x2.abs(v128.load(at(row, j)));
      v128.store(at(y, j), f64x2.add(v128.load(at(y, j)), f64x2.mul(size, f64x2.splat(factor))));
    }
  }
  if (pairs == n) return;
  const last = complex
    ? Math.abs(load<f64>(at(row, 2 * pairs))) + Math.abs(load<f64>(at(row, 2 * pairs + 1)))
    : Math.abs(load<f64>(at(row, pairs)));
  store<f64>(at(y, pairs), load<f64>(at(y, pairs)) + last * factor);
}

/** |A| x + plus, or |Aᵀ| x + plus: columns of the batch. A stride of 0 repeats an operand; 0 in place of `plus` is zero. */
export function absoluteProduct(
  a: usize, strideA: i32, x: usize, strideX: i32, plus: usize, out: usize, rows: i32, columns: i32,
  complex: bool, adjoint: bool, from: i32, to: i32,
): void {
  const width = complex ? columns << 1 : columns;
  const length = adjoint ? columns : rows;
  for (let b = from; b < to; b++) {
    const y = at(out, b * length);
    const values = at(x, b * strideX);
    if (plus) memory.copy(y, plus, (<usize>length) << 3);
    else memory.fill(y, 0, (<usize>length) << 3);
    for (let i = 0; i < rows; i++) {
      const row = at(a, b * strideA + i * width);
      if (adjoint) {
        addWeighted(row, load<f64>(at(values, i)), y, columns, complex);
      } else {
        store<f64>(at(y, i), load<f64>(at(y, i)) + weightedSum(row, values, columns, complex));
      }
    }
  }
}

/** The real parts of the diagonal of each matrix: n of them. */
export function diagonals(s: usize, out: usize, n: i32, complex: bool, from: i32, to: i32): void {
  const width = complex ? 2 : 1;
  for (let b = from; b < to; b++) {
    for (let i = 0; i < n; i++) store<f64>(at(out, b * n + i), load<f64>(at(s, ((b * n + i) * n + i) * width)));
  }
}

/** Whether the diagonal of a matrix n × n is positive and finite. */
export function positiveDiagonal(a: usize, n: i32, complex: bool): bool {
  const width = complex ? 2 : 1;
  for (let i = 0; i < n; i++) {
    const pivot = load<f64>(at(a, (i * n + i) * width));
    if (!(pivot > 0 && pivot < Infinity)) return false;
  }
  return true;
}
