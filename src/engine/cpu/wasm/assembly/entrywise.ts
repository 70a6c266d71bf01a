/**
 * Operations entry by entry, two doubles at a time. Pointers are bytes, counts are entries; matrices are row-major, complex entries
 * interleaved. Each does the part [from, to) of its items, which are doubles, rows or matrices of the batch: parts may be done side by side.
 */
import { at } from './memory';

// @ts-ignore: decorator
@inline
function conjugate(z: v128): v128 {
  return v128.xor(z, i64x2(0, i64.MIN_VALUE));
}

/** Doubles: out = a + b. */
export function add(a: usize, b: usize, out: usize, from: i32, to: i32): void {
  const pairs = from + ((to - from) & ~1);
  for (let i = from; i < pairs; i += 2) {
    v128.store(at(out, i), f64x2.add(v128.load(at(a, i)), v128.load(at(b, i))));
  }
  if (pairs < to) store<f64>(at(out, pairs), load<f64>(at(a, pairs)) + load<f64>(at(b, pairs)));
}

/** Doubles: out = a · first · second · third. */
export function scale(a: usize, out: usize, first: f64, second: f64, third: f64, from: i32, to: i32): void {
  const pairs = from + ((to - from) & ~1);
  for (let i = from; i < pairs; i += 2) {
    const x = f64x2.mul(v128.load(at(a, i)), f64x2.splat(first));
    v128.store(at(out, i), f64x2.mul(f64x2.mul(x, f64x2.splat(second)), f64x2.splat(third)));
  }
  if (pairs < to) store<f64>(at(out, pairs), load<f64>(at(a, pairs)) * first * second * third);
}

/** Doubles: zeros. */
export function clear(out: usize, from: i32, to: i32): void {
  memory.fill(at(out, from), 0, (<usize>(to - from)) << 3);
}

/** y = factor · x, `length` doubles. */
// @ts-ignore: decorator
@inline
function scaled(x: usize, factor: f64, y: usize, length: i32): void {
  const pairs = length & ~1;
  for (let i = 0; i < pairs; i += 2) {
    v128.store(at(y, i), f64x2.mul(f64x2.splat(factor), v128.load(at(x, i))));
  }
  if (pairs < length) store<f64>(at(y, pairs), factor * load<f64>(at(x, pairs)));
}

/** y += x, `length` doubles. */
// @ts-ignore: decorator
@inline
function accumulate(x: usize, y: usize, length: i32): void {
  const pairs = length & ~1;
  for (let i = 0; i < pairs; i += 2) {
    v128.store(at(y, i), f64x2.add(v128.load(at(y, i)), v128.load(at(x, i))));
  }
  if (pairs < length) store<f64>(at(y, pairs), load<f64>(at(y, pairs)) + load<f64>(at(x, pairs)));
}

/** Rows of all matrices: diag(left) A diag(right); 0 in place of a side is the identity. */
export function scaleSides(
  a: usize, left: usize, right: usize, out: usize, rows: i32, columns: i32, complex: bool, from: i32, to: i32,
): void {
  const width = complex ? columns << 1 : columns;
  for (let row = from; row < to; row++) {
    const x = at(a, row * width);
    const y = at(out, row * width);
    const l = left ? load<f64>(at(left, row % rows)) : 1;
    if (!right) {
      scaled(x, l, y, width);
    } else if (complex) {
      for (let j = 0; j < columns; j++) {
        const z = f64x2.mul(f64x2.splat(l), v128.load(at(x, 2 * j)));
        v128.store(at(y, 2 * j), f64x2.mul(z, v128.load64_splat(at(right, j))));
      }
    } else {
      const pairs = columns & ~1;
      for (let j = 0; j < pairs; j += 2) {
        const z = f64x2.mul(f64x2.splat(l), v128.load(at(x, j)));
        v128.store(at(y, j), f64x2.mul(z, v128.load(at(right, j))));
      }
      if (pairs < columns) store<f64>(at(y, pairs), l * load<f64>(at(x, pairs)) * load<f64>(at(right, pairs)));
    }
  }
}

/** Matrices: factors[b] · A[b], from one of which to the next it is `stride` doubles. */
export function scaleBatch(
  a: usize, stride: i32, factors: usize, out: usize, length: i32, from: i32, to: i32,
): void {
  for (let b = from; b < to; b++) scaled(at(a, b * stride), load<f64>(at(factors, b)), at(out, b * length), length);
}

/** Doubles: real numbers as complex ones. */
export function toComplex(a: usize, out: usize, from: i32, to: i32): void {
  for (let i = from; i < to; i++) {
    v128.store(at(out, 2 * i), f64x2.replace_lane(f64x2.splat(0), 0, load<f64>(at(a, i))));
  }
}

/** Matrices of the result: means of `count` consecutive ones of `length` doubles, summed in their order. */
export function alias(s: usize, out: usize, count: i32, length: i32, from: i32, to: i32): void {
  for (let b = from; b < to; b++) {
    const y = at(out, b * length);
    memory.copy(y, at(s, b * count * length), (<usize>length) << 3);
    for (let k = 1; k < count; k++) accumulate(at(s, (b * count + k) * length), y, length);
    for (let i = 0; i < length; i++) store<f64>(at(y, i), load<f64>(at(y, i)) / <f64>count);
  }
}

/** Matrices of the operand: `count` times, divided by `count`. */
export function aliasAdjoint(g: usize, out: usize, count: i32, length: i32, from: i32, to: i32): void {
  for (let b = from; b < to; b++) {
    const first = at(out, b * count * length);
    for (let i = 0; i < length; i++) store<f64>(at(first, i), load<f64>(at(g, b * length + i)) / <f64>count);
    for (let k = 1; k < count; k++) memory.copy(at(first, k * length), first, (<usize>length) << 3);
  }
}

/** Matrices: S + diag(d). */
export function addDiagonal(s: usize, d: usize, out: usize, n: i32, complex: bool, from: i32, to: i32): void {
  const width = complex ? 2 : 1;
  const length = n * n * width;
  for (let b = from; b < to; b++) {
    const y = at(out, b * length);
    memory.copy(y, at(s, b * length), (<usize>length) << 3);
    for (let i = 0; i < n; i++) {
      const here = at(y, (i * n + i) * width);
      store<f64>(here, load<f64>(here) + load<f64>(at(d, i)));
    }
  }
}

/** Matrices: the lower triangle of diag(d) + sign · S; what lies above it is left as it is. */
export function shifted(
  s: usize, d: usize, out: usize, n: i32, complex: bool, sign: f64, from: i32, to: i32,
): void {
  const width = complex ? 2 : 1;
  for (let b = from; b < to; b++) {
    for (let i = 0; i < n; i++) {
      const row = (b * n + i) * n * width;
      scaled(at(s, row), sign, at(out, row), (i + 1) * width);
      const here = at(out, row + i * width);
      store<f64>(here, load<f64>(here) + load<f64>(at(d, i)));
    }
  }
}

/** Side of the squares in which `mirror` goes: what it reads and what it writes of one lies in the cache. */
const SQUARE: i32 = 16;

/** Matrices: copies the lower triangle onto the upper one, conjugated, and makes the diagonal real. */
export function mirror(a: usize, n: i32, complex: bool, from: i32, to: i32): void {
  const width = complex ? 2 : 1;
  for (let b = from; b < to; b++) {
    const base = at(a, b * n * n * width);
    for (let top = 0; top < n; top += SQUARE) {
      const bottom = min(n, top + SQUARE);
      for (let left = 0; left <= top; left += SQUARE) {
        for (let i = top; i < bottom; i++) {
          const right = min(i, left + SQUARE);
          if (complex) {
            for (let j = left; j < right; j++) {
              v128.store(at(base, (j * n + i) * 2), conjugate(v128.load(at(base, (i * n + j) * 2))));
            }
          } else {
            for (let j = left; j < right; j++) store<f64>(at(base, j * n + i), load<f64>(at(base, i * n + j)));
          }
        }
      }
    }
    if (complex) for (let i = 0; i < n; i++) store<f64>(at(base, (i * n + i) * 2 + 1), 0);
  }
}

/** Matrices: diag(left) R diag(left) − diag(subtract), the lower triangle mirrored; 0 in place of `subtract` is zero. */
export function throughSector(
  r: usize, left: usize, subtract: usize, out: usize, n: i32, complex: bool, from: i32, to: i32,
): void {
  const width = complex ? 2 : 1;
  for (let b = from; b < to; b++) {
    for (let i = 0; i < n; i++) {
      const row = (b * n + i) * n * width;
      const factor = load<f64>(at(left, i));
      const end = row + (i + 1) * width;
      if (complex) {
        for (let at0 = row, j = left; at0 < end; at0 += 2, j += 8) {
          const x = f64x2.mul(f64x2.splat(factor), v128.load(at(r, at0)));
          v128.store(at(out, at0), f64x2.mul(x, v128.load64_splat(j)));
        }
      } else {
        for (let at0 = row, j = left; at0 < end; at0++, j += 8) {
          store<f64>(at(out, at0), factor * load<f64>(at(r, at0)) * load<f64>(j));
        }
      }
      if (subtract) {
        const here = at(out, row + i * width);
        store<f64>(here, load<f64>(here) - load<f64>(at(subtract, i)));
      }
    }
  }
  mirror(out, n, complex, from, to);
}

/** Matrices: rows and columns gathered by ranges, `rowRanges` and `columnRanges` of them, each two 32-bit integers. */
export function submatrix(
  a: usize, rowList: usize, rowRanges: i32, columnList: usize, columnRanges: i32, out: usize,
  rows: i32, columns: i32, gathered: i32, complex: bool, from: i32, to: i32,
): void {
  const shift: i32 = complex ? 1 : 0;
  let y = at(out, (from * gathered) << shift);
  for (let b = from; b < to; b++) {
    for (let r = 0; r < rowRanges; r++) {
      const bottom = load<i32>(rowList + ((<usize>r) << 3), 4);
      for (let i = load<i32>(rowList + ((<usize>r) << 3)); i < bottom; i++) {
        const x = at(a, ((b * rows + i) * columns) << shift);
        for (let c = 0; c < columnRanges; c++) {
          const range = columnList + ((<usize>c) << 3);
          const left = load<i32>(range);
          const bytes = (<usize>(load<i32>(range, 4) - left)) << (3 + shift);
          memory.copy(y, at(x, left << shift), bytes);
          y += bytes;
        }
      }
    }
  }
}

/** Matrices: zeros of `size` × `size` to which the entries of A, n × n, are added at the rows and columns `index` (32-bit integers). */
export function submatrixAdjoint(
  a: usize, index: usize, out: usize, n: i32, size: i32, complex: bool, from: i32, to: i32,
): void {
  const width = complex ? 2 : 1;
  const length = size * size * width;
  for (let b = from; b < to; b++) {
    const base = at(out, b * length);
    memory.fill(base, 0, (<usize>length) << 3);
    let x = at(a, b * n * n * width);
    for (let i = 0; i < n; i++) {
      const row = load<i32>(index + ((<usize>i) << 2)) * size;
      for (let j = 0; j < n; j++) {
        const y = at(base, (row + load<i32>(index + ((<usize>j) << 2))) * width);
        if (complex) v128.store(y, f64x2.add(v128.load(y), v128.load(x)));
        else store<f64>(y, load<f64>(y) + load<f64>(x));
        x += <usize>width << 3;
      }
    }
  }
}

/** Matrices: [[a, b], [bᴴ, c]], a m × m, c n × n. */
export function assemble(
  a: usize, b: usize, c: usize, out: usize, m: i32, n: i32, complex: bool, from: i32, to: i32,
): void {
  const shift: i32 = complex ? 1 : 0;
  const line = (m + n) << shift;
  for (let entry = from; entry < to; entry++) {
    const base = at(out, entry * (m + n) * line);
    const off = at(b, (entry * m * n) << shift);
    for (let i = 0; i < m; i++) {
      const y = at(base, i * line);
      memory.copy(y, at(a, ((entry * m + i) * m) << shift), (<usize>m) << (3 + shift));
      memory.copy(at(y, m << shift), at(off, (i * n) << shift), (<usize>n) << (3 + shift));
    }
    for (let i = 0; i < n; i++) {
      const y = at(base, (m + i) * line);
      for (let j = 0; j < m; j++) {
        if (complex) v128.store(at(y, 2 * j), conjugate(v128.load(at(off, 2 * (j * n + i)))));
        else store<f64>(at(y, j), load<f64>(at(off, j * n + i)));
      }
      memory.copy(at(y, m << shift), at(c, ((entry * n + i) * n) << shift), (<usize>n) << (3 + shift));
    }
  }
}

/** Rows of `length` complex numbers: their real parts side by side, then their imaginary parts. */
export function split(z: usize, out: usize, length: i32, from: i32, to: i32): void {
  for (let row = from; row < to; row++) {
    const x = at(z, row * length * 2);
    const y = at(out, row * length * 2);
    for (let i = 0; i < length; i++) {
      store<f64>(at(y, i), load<f64>(at(x, 2 * i)));
      store<f64>(at(y, length + i), load<f64>(at(x, 2 * i + 1)));
    }
  }
}

/** The reverse of `split`. */
export function interleave(x: usize, out: usize, length: i32, from: i32, to: i32): void {
  for (let row = from; row < to; row++) {
    const re = at(x, row * length * 2);
    const im = at(re, length);
    const y = at(out, row * length * 2);
    const pairs = length & ~1;
    for (let i = 0; i < pairs; i += 2) {
      const u = v128.load(at(re, i));
      const v = v128.load(at(im, i));
      v128.store(at(y, 2 * i), v128.shuffle<f64>(u, v, 0, 2));
      v128.store(at(y, 2 * i + 2), v128.shuffle<f64>(u, v, 1, 3));
    }
    if (pairs < length) {
      store<f64>(at(y, 2 * pairs), load<f64>(at(re, pairs)));
      store<f64>(at(y, 2 * pairs + 1), load<f64>(at(im, pairs)));
    }
  }
}

/** Matrices start + [from, to) of `rows` × `width` doubles, each times its weight, as columns of one matrix of `total` doubles a row. */
export function sideBySide(
  x: usize, stride: i32, weights: usize, out: usize, rows: i32, width: i32, total: i32, start: i32, from: i32, to: i32,
): void {
  for (let k = from; k < to; k++) {
    const b = start + k;
    const weight = weights ? load<f64>(at(weights, b)) : 1;
    for (let i = 0; i < rows; i++) {
      scaled(at(x, b * stride + i * width), weight, at(out, i * total + k * width), width);
    }
  }
}
