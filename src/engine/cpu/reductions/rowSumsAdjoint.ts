import type { Dense } from '../dense.ts';
import { modulus } from '../modulus.ts';
import { allocate } from '../storage.ts';

/** A row attains the largest sum if it comes this close: sums of another order differ by rounding. */
const ATTAINED = 1 - 2 ** -40;

/** ½(Z + Zᴴ), Z_ij = coefficients_i · S_ij/|S_ij| where row i of a batch entry attains its largest sum. */
export function rowSumsAdjoint(s: Dense, sums: Float64Array, coefficients: Float64Array): Float64Array {
  const out = allocate(s.data.length).fill(0);
  addAdjointOfSums(s, sums, coefficients, (b, i) => rowSum(s, b, i), out);
  return out;
}

/** Adds the same to `out` where somebody knows the sum of each row of each batch entry, in whatever order it was taken. */
export function addAdjointOfSums(
  s: Dense,
  sums: Float64Array,
  coefficients: Float64Array,
  sumOf: (entry: number, row: number) => number,
  out: Float64Array,
): void {
  const n = s.rows;
  const width = s.complex ? 2 : 1;
  const attained: [entry: number, row: number][] = [];
  const count = new Float64Array(n);
  for (let b = 0; b < s.batch; b++) {
    for (let i = 0; i < n; i++) {
      if (!(sumOf(b, i) >= sums[i]! * ATTAINED)) continue;
      attained.push([b, i]);
      count[i]!++;
    }
  }
  for (const [b, i] of attained) {
    const half = coefficients[i]! / count[i]! / 2;
    for (let j = 0; j < n; j++) {
      const at = ((b * n + i) * n + j) * width;
      const mirrored = ((b * n + j) * n + i) * width;
      const re = s.data[at]!;
      const im = s.complex ? s.data[at + 1]! : 0;
      const size = modulus(re, im);
      if (size === 0) continue;
      out[at]! += (half * re) / size;
      out[mirrored]! += (half * re) / size;
      if (s.complex) {
        out[at + 1]! += (half * im) / size;
        out[mirrored + 1]! -= (half * im) / size;
      }
    }
  }
}

function rowSum(s: Dense, entry: number, row: number): number {
  const n = s.rows;
  let sum = 0;
  for (let j = 0; j < n; j++) {
    const at = (entry * n + row) * n + j;
    sum += s.complex ? modulus(s.data[2 * at]!, s.data[2 * at + 1]!) : Math.abs(s.data[at]!);
  }
  return sum;
}
