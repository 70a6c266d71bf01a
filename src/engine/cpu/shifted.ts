/**
 * Writes the lower triangle of diag(d) + sign · S for one matrix of a batch, which is all that Cholesky reads; what lies
 * above the diagonal is left as it is.
 *
 * @param to first double of the matrix in `out`; `from`: of S in `s`. S is n × n, both are row-major (dense.ts).
 */
export function writeShifted(
  out: Float64Array,
  to: number,
  s: Float64Array,
  from: number,
  n: number,
  complex: boolean,
  d: Float64Array,
  sign: 1 | -1,
): void {
  const width = complex ? 2 : 1;
  for (let i = 0; i < n; i++) {
    const row = i * n * width;
    const end = row + (i + 1) * width;
    for (let k = row; k < end; k++) out[to + k] = sign * s[from + k]!;
    out[to + row + i * width]! += d[i]!;
  }
}
