/** Matrices entry by entry, with complex numbers as pairs. */
import type { Dense } from '../../../src/engine/cpu/dense.ts';

export type Complex = readonly [re: number, im: number];

export const zero: Complex = [0, 0];
export const plus = (x: Complex, y: Complex): Complex => [x[0] + y[0], x[1] + y[1]];
export const times = (x: Complex, y: Complex): Complex => [
  x[0] * y[0] - x[1] * y[1],
  x[0] * y[1] + x[1] * y[0],
];
export const conjugate = (x: Complex): Complex => [x[0], -x[1]];
export const scale = (x: Complex, factor: number): Complex => [x[0] * factor, x[1] * factor];
export const modulus = (x: Complex) => (Number.isNaN(x[0] + x[1]) ? Number.NaN : Math.hypot(x[0], x[1]));
export const divide = (x: Complex, y: Complex) => scale(times(x, conjugate(y)), 1 / (y[0] ** 2 + y[1] ** 2));

export type Entry = (b: number, i: number, j: number) => Complex;

/** Access to entries; a batch of one is repeated. */
export function entries(a: Dense): Entry {
  return (b, i, j) => {
    const at = ((a.batch === 1 ? 0 : b) * a.rows + i) * a.columns + j;
    return a.complex ? [a.data[2 * at]!, a.data[2 * at + 1]!] : [a.data[at]!, 0];
  };
}

export function build(
  batch: number,
  rows: number,
  columns: number,
  complex: boolean,
  entry: Entry,
): Float64Array {
  const out: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const value = entry(b, i, j);
        if (complex) out.push(...value);
        else out.push(value[0]);
      }
    }
  }
  return Float64Array.from(out);
}

export function sum(count: number, term: (k: number) => Complex): Complex {
  let total = zero;
  for (let k = 0; k < count; k++) total = plus(total, term(k));
  return total;
}

export const vectorOf = (length: number, value: (i: number) => number) =>
  Float64Array.from({ length }, (_, i) => value(i));
export const largestOf = (values: ArrayLike<number>) => Math.max(...Array.from(values));
