/** Congruences: the lower triangle of a product, mirrored. Strides count doubles, 0 repeats an operand; parts [from, to) of a batch. */
import { at } from './memory';
import { mirror, scaleSides } from './entrywise';
import { multiply, SET } from './product';

/** W Q Wᴴ, W m × n; 0 in place of `q` is the identity, and `diagonal` says that it is a vector. `work` holds m × n entries. */
export function congruence(
  w: usize, strideW: i32, q: usize, strideQ: i32, diagonal: bool, out: usize, m: i32, n: i32, complex: bool,
  work: usize, from: i32, to: i32,
): void {
  const shift: i32 = complex ? 1 : 0;
  const ld = n << shift;
  for (let b = from; b < to; b++) {
    const x = at(w, b * strideW);
    const y = at(out, (b * m * m) << shift);
    let left = x;
    if (q) {
      left = work;
      if (diagonal) scaleSides(x, 0, q, left, m, n, complex, 0, m);
      else multiply(m, n, n, complex, x, ld, false, at(q, b * strideQ), ld, false, left, ld, SET, false);
    }
    multiply(m, m, n, complex, left, ld, false, x, ld, true, y, m << shift, SET, true);
    mirror(y, m, complex, 0, 1);
  }
}

/** Wᴴ G W, W m × n. `work` holds n × m entries. */
export function congruenceAdjoint(
  w: usize, strideW: i32, g: usize, strideG: i32, out: usize, m: i32, n: i32, complex: bool, work: usize, from: i32, to: i32,
): void {
  const shift: i32 = complex ? 1 : 0;
  for (let b = from; b < to; b++) {
    const x = at(w, b * strideW);
    const y = at(out, (b * n * n) << shift);
    multiply(n, m, m, complex, x, n << shift, true, at(g, b * strideG), m << shift, false, work, m << shift, SET, false);
    multiply(n, n, m, complex, work, m << shift, false, x, n << shift, false, y, n << shift, SET, true);
    mirror(y, n, complex, 0, 1);
  }
}
