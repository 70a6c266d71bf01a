/**
 * Real matrix kernels, row-major, in a fixed order of operations. Only `product` has to be accurate: an entry is a plain sum
 * of products, |computed − exact| ≤ γ_k Σ_p |a_ip b_jp| but for underflow. `inverseFactor` only guesses; `positive` proves.
 */

/** What is known of a product. `a`, `b`: entries beyond the diagonal (lower: p > row, upper: p < row) are zero and skipped.
 *  `symmetric`: the lower half is computed and mirrored. */
export interface Structure {
  readonly a?: 'lower' | 'upper';
  readonly b?: 'lower';
  readonly symmetric?: boolean;
}

/** a bᵀ [m, n] for a [m, k] and b [n, k]. */
export function product(
  a: Float64Array,
  b: Float64Array,
  [m, n, k]: readonly [m: number, n: number, k: number],
  structure: Structure = {},
): Float64Array {
  const c = new Float64Array(m * n);
  // Tiles of 4 × 2. At the edges rows are taken twice and written twice, with the same result.
  for (let i = 0; i < m; i += 4) {
    const [i1, i2, i3] = [Math.min(i + 1, m - 1), Math.min(i + 2, m - 1), Math.min(i + 3, m - 1)];
    const first = structure.a === 'upper' ? i : 0;
    const last = structure.a === 'lower' ? Math.min(k, i + 4) : k;
    const columns = structure.symmetric ? Math.min(n, i + 4) : n;
    for (let j = 0; j < columns; j += 2) {
      const j1 = Math.min(j + 1, n - 1);
      const end = structure.b === 'lower' ? Math.min(last, j + 2) : last;
      let [c00, c01, c10, c11, c20, c21, c30, c31] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let p = first; p < end; p++) {
        const [x, y] = [b[j * k + p]!, b[j1 * k + p]!];
        const [r, s, t, u] = [a[i * k + p]!, a[i1 * k + p]!, a[i2 * k + p]!, a[i3 * k + p]!];
        c00 += r * x;
        c01 += r * y;
        c10 += s * x;
        c11 += s * y;
        c20 += t * x;
        c21 += t * y;
        c30 += u * x;
        c31 += u * y;
      }
      [c[i * n + j], c[i * n + j1], c[i1 * n + j], c[i1 * n + j1]] = [c00, c01, c10, c11];
      [c[i2 * n + j], c[i2 * n + j1], c[i3 * n + j], c[i3 * n + j1]] = [c20, c21, c30, c31];
    }
  }
  if (structure.symmetric) {
    for (let i = 0; i < m; i++) for (let j = i + 1; j < n; j++) c[i * n + j] = c[j * n + i]!;
  }
  return c;
}

/**
 * About the N, lower triangular, with N a Nᵀ = I: the rows of the identity made orthonormal one after the other in the inner
 * product xᵀ a y. Undefined where one has no positive length, so that a does not seem to be positive definite.
 */
export function inverseFactor(a: Float64Array, n: number): Float64Array | undefined {
  const factor = new Float64Array(n * n);
  const along = new Float64Array(n + 3);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    // Four earlier rows at a time; where there are fewer, row i itself stands in, which is still zero.
    const earlier = (j: number) =>
      [j, j + 1, j + 2, j + 3].map((r) => Math.min(r, i) * n) as [number, number, number, number];
    let square = a[row + i]!;
    for (let j = 0; j < i; j += 4) {
      const [f0, f1, f2, f3] = earlier(j);
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let p = 0; p < Math.min(j + 4, i); p++) {
        const x = a[row + p]!;
        s0 += x * factor[f0 + p]!;
        s1 += x * factor[f1 + p]!;
        s2 += x * factor[f2 + p]!;
        s3 += x * factor[f3 + p]!;
      }
      along.set([s0, s1, s2, s3], j);
      square -= s0 * s0 + s1 * s1 + s2 * s2 + s3 * s3;
    }
    if (!(square > 0)) return undefined;
    const length = Math.sqrt(square);
    for (let j = 0; j < i; j += 4) {
      const [f0, f1, f2, f3] = earlier(j);
      const [s0, s1, s2, s3] = [along[j]!, along[j + 1]!, along[j + 2]!, along[j + 3]!];
      for (let p = 0; p < Math.min(j + 4, i); p++) {
        factor[row + p]! -=
          s0 * factor[f0 + p]! + s1 * factor[f1 + p]! + s2 * factor[f2 + p]! + s3 * factor[f3 + p]!;
      }
    }
    for (let p = 0; p < i; p++) factor[row + p]! /= length;
    factor[row + i] = 1 / length;
  }
  return factor;
}

/** |m| x for m [rows, columns], or |m|ᵀ x. */
export function absoluteTimes(
  m: Float64Array,
  rows: number,
  columns: number,
  x: Float64Array,
  transposed = false,
) {
  const y = new Float64Array(transposed ? columns : rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const value = Math.abs(m[i * columns + j]!);
      if (transposed) y[j]! += value * x[i]!;
      else y[i]! += value * x[j]!;
    }
  }
  return y;
}
