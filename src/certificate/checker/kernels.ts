/**
 * Real matrix kernels, row-major, in a fixed order of operations. Only `product` has to be accurate: entry (i, j) is a plain
 * sum of products, so that |computed − exact| ≤ γ_k Σ_p |a_ip b_jp| but for underflow. What `inverseFactor` gives is a guess
 * that `positive` (dominance.ts) proves or refutes.
 */

/** Rows and columns that are known to be zero, which are skipped. `lower`: entries p > row; `upper`: entries p < row. */
export interface Structure {
  readonly a?: 'lower' | 'upper';
  readonly b?: 'lower';
  /** a bᵀ is symmetric: the lower half is computed and mirrored. */
  readonly symmetric?: boolean;
}

/** a bᵀ [m, n] for a [m, k] and b [n, k]. */
export function product(
  a: Float64Array,
  b: Float64Array,
  m: number,
  n: number,
  k: number,
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
      tile(a, b, c, k, n, first, end, i, i1, i2, i3, j, j1);
    }
  }
  if (structure.symmetric) {
    for (let i = 0; i < m; i++) for (let j = i + 1; j < n; j++) c[i * n + j] = c[j * n + i]!;
  }
  return c;
}

function tile(
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  k: number,
  n: number,
  first: number,
  end: number,
  i0: number,
  i1: number,
  i2: number,
  i3: number,
  j0: number,
  j1: number,
): void {
  const [a0, a1, a2, a3] = [i0 * k, i1 * k, i2 * k, i3 * k];
  const [b0, b1] = [j0 * k, j1 * k];
  let [c00, c01, c10, c11, c20, c21, c30, c31] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let p = first; p < end; p++) {
    const x = b[b0 + p]!;
    const y = b[b1 + p]!;
    const r = a[a0 + p]!;
    const s = a[a1 + p]!;
    const t = a[a2 + p]!;
    const u = a[a3 + p]!;
    c00 += r * x;
    c01 += r * y;
    c10 += s * x;
    c11 += s * y;
    c20 += t * x;
    c21 += t * y;
    c30 += u * x;
    c31 += u * y;
  }
  c[i0 * n + j0] = c00;
  c[i0 * n + j1] = c01;
  c[i1 * n + j0] = c10;
  c[i1 * n + j1] = c11;
  c[i2 * n + j0] = c20;
  c[i2 * n + j1] = c21;
  c[i3 * n + j0] = c30;
  c[i3 * n + j1] = c31;
}

/** Cholesky: about L, lower triangular, with L Lᵀ = a; undefined where a pivot is not positive (or no number). */
export function cholesky(a: Float64Array, n: number): Float64Array | undefined {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i += 4) {
    const rows = Math.min(n, i + 4);
    const [i1, i2, i3] = [Math.min(i + 1, n - 1), Math.min(i + 2, n - 1), Math.min(i + 3, n - 1)];
    // Four rows against all finished ones, then the small triangle among them.
    for (let j = 0; j < i; j++) {
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let p = 0; p < j; p++) {
        const x = l[j * n + p]!;
        s0 += l[i * n + p]! * x;
        s1 += l[i1 * n + p]! * x;
        s2 += l[i2 * n + p]! * x;
        s3 += l[i3 * n + p]! * x;
      }
      const pivot = l[j * n + j]!;
      l[i * n + j] = (a[i * n + j]! - s0) / pivot;
      l[i1 * n + j] = (a[i1 * n + j]! - s1) / pivot;
      l[i2 * n + j] = (a[i2 * n + j]! - s2) / pivot;
      l[i3 * n + j] = (a[i3 * n + j]! - s3) / pivot;
    }
    for (let r = i; r < rows; r++) {
      for (let j = i; j <= r; j++) {
        let sum = a[r * n + j]!;
        for (let p = 0; p < j; p++) sum -= l[r * n + p]! * l[j * n + p]!;
        if (j < r) l[r * n + j] = sum / l[j * n + j]!;
        else if (sum > 0) l[r * n + r] = Math.sqrt(sum);
        else return undefined;
      }
    }
  }
  return l;
}

/** About L⁻¹ for a = L Lᵀ, lower triangular; undefined where Cholesky's factorisation ends early. */
export function inverseFactor(a: Float64Array, n: number): Float64Array | undefined {
  const l = cholesky(a, n);
  if (!l) return undefined;
  // Row j of the transpose, so that sums run along rows of both.
  const t = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const pivot = l[i * n + i]!;
    for (let j = 0; j < i; j += 4) {
      const [j1, j2, j3] = [Math.min(j + 1, i - 1), Math.min(j + 2, i - 1), Math.min(j + 3, i - 1)];
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let p = j; p < i; p++) {
        const x = l[i * n + p]!;
        s0 += x * t[j * n + p]!;
        s1 += x * t[j1 * n + p]!;
        s2 += x * t[j2 * n + p]!;
        s3 += x * t[j3 * n + p]!;
      }
      t[j * n + i] = -s0 / pivot;
      t[j1 * n + i] = -s1 / pivot;
      t[j2 * n + i] = -s2 / pivot;
      t[j3 * n + i] = -s3 / pivot;
    }
    t[i * n + i] = 1 / pivot;
  }
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) inverse[i * n + j] = t[j * n + i]!;
  return inverse;
}

/** |m| x, or |m|ᵀ x, for m [rows, columns]. */
export function absoluteTimes(
  m: Float64Array,
  rows: number,
  columns: number,
  x: Float64Array,
  transposed = false,
): Float64Array {
  const y = new Float64Array(transposed ? columns : rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) {
      const value = Math.abs(m[i * columns + j]!);
      if (transposed) y[j]! += value * x[i]!;
      else sum += value * x[j]!;
    }
    if (!transposed) y[i] = sum;
  }
  return y;
}
