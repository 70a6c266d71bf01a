/**
 * Real matrices, row-major, in a fixed order of operations, and the one lemma that every matrix inequality here rests on. For
 * symmetric A and any nonsingular N:
 *
 *     ‖I − N A Nᵀ‖ ≤ η < 1   implies   A ≻ 0   and   A⁻¹ ⪯ Nᵀ N / (1 − η).
 *
 * Proof: N A Nᵀ ⪰ (1 − η) I ≻ 0, so A ≻ 0 and N⁻ᵀ A⁻¹ N⁻¹ = (N A Nᵀ)⁻¹ ⪯ I / (1 − η). ∎
 */
import { gamma, up } from './numbers.ts';

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** Entries of states and factors beyond this are refused: all that underflow can do to a sum is then below `TINY`. */
export const LARGEST = 2 ** 150;
export const TINY = 2 ** -500;

export function matrix(rows: number, columns: number, entry?: (i: number, j: number) => number): Matrix {
  const data = new Float64Array(rows * columns);
  for (let i = 0, at = 0; entry && i < rows; i++) for (let j = 0; j < columns; j++) data[at++] = entry(i, j);
  return { rows, columns, data };
}

/** What is known of a product a bᵀ. `a`, `b`: entries beyond the diagonal (lower: p > row, upper: p < row) are zero and
 *  skipped. `symmetric`: the lower half is computed and mirrored. */
export interface Structure {
  readonly a?: 'lower' | 'upper';
  readonly b?: 'lower';
  readonly symmetric?: boolean;
}

/** a bᵀ for a [m, k] and b [n, k]. An entry is a plain sum of products: |computed − exact| ≤ γ_k Σ_p |a_ip b_jp| but for
 *  underflow. */
export function times(left: Matrix, right: Matrix, structure: Structure = {}): Matrix {
  const { rows: m, columns: k, data: a } = left;
  const { rows: n, data: b } = right;
  const result = matrix(m, n);
  const c = result.data;
  // Tiles of 2 × 2. At the edges rows are taken twice and written twice, with the same result.
  for (let i = 0; i < m; i += 2) {
    const i1 = Math.min(i + 1, m - 1);
    const first = structure.a === 'upper' ? i : 0;
    const last = structure.a === 'lower' ? Math.min(k, i + 2) : k;
    const columns = structure.symmetric ? Math.min(n, i + 2) : n;
    for (let j = 0; j < columns; j += 2) {
      const j1 = Math.min(j + 1, n - 1);
      const end = structure.b === 'lower' ? Math.min(last, j + 2) : last;
      let [c00, c01, c10, c11] = [0, 0, 0, 0];
      for (let p = first; p < end; p++) {
        const x = a[i * k + p]!;
        const y = a[i1 * k + p]!;
        const z = b[j * k + p]!;
        const w = b[j1 * k + p]!;
        c00 += x * z;
        c01 += x * w;
        c10 += y * z;
        c11 += y * w;
      }
      c[i * n + j] = c00;
      c[i * n + j1] = c01;
      c[i1 * n + j] = c10;
      c[i1 * n + j1] = c11;
    }
  }
  if (structure.symmetric) {
    for (let i = 0; i < m; i++) for (let j = i + 1; j < n; j++) c[i * n + j] = c[j * n + i]!;
  }
  return result;
}

/** |m| x, or |m|ᵀ x. */
export function absolute({ rows, columns, data }: Matrix, x: Float64Array, transposed = false): Float64Array {
  const y = new Float64Array(transposed ? columns : rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const value = Math.abs(data[i * columns + j]!);
      if (transposed) y[j]! += value * x[i]!;
      else y[i]! += value * x[j]!;
    }
  }
  return y;
}

/**
 * About the N, lower triangular, with N a Nᵀ = I, by Gauß's elimination. Undefined where a pivot is not positive, so that a
 * does not seem to be positive definite. Nothing is said of its error.
 */
function inverseFactor(a: Matrix): Matrix | undefined {
  const n = a.rows;
  // Below the diagonal: what the rows of the identity have become; from it on: what is left of a.
  const work = a.data.slice();
  for (let p = 0; p < n; p++) {
    const pivot = work[p * n + p]!;
    if (!(pivot > 0)) return undefined;
    for (let i = p + 1; i < n; i++) {
      const factor = work[p * n + i]! / pivot;
      for (let k = 0; k < p; k++) work[i * n + k]! -= factor * work[p * n + k]!;
      work[i * n + p] = -factor;
      for (let k = i; k < n; k++) work[i * n + k]! -= factor * work[p * n + k]!;
    }
  }
  return matrix(n, n, (i, j) => (j > i ? 0 : (j === i ? 1 : work[i * n + j]!) / Math.sqrt(work[i * n + i]!)));
}

/**
 * Proof that a ≻ 0 for every symmetric matrix whose entries off the diagonal are those of `a` and on it within a relative
 * error of U; undefined where there is none. Returns N, lower triangular, and an `excess` not below 1 / (1 − η).
 */
export function positive(a: Matrix): { factor: Matrix; excess: number } | undefined {
  const factor = inverseFactor(a);
  if (!factor) return undefined;
  const n = a.rows;
  const whitened = times(times(factor, a, { a: 'lower' }), factor, { b: 'lower', symmetric: true }).data;
  // |computed − N A Nᵀ| ≤ (2 γ_n + γ_n² + U) |N| |A| |N|ᵀ, by its row sums.
  const sums = absolute(factor, new Float64Array(n).fill(1), true);
  const bound = absolute(factor, absolute(a, sums));
  let eta = 0;
  for (let i = 0; i < n; i++) {
    let row = gamma(2 * n + 4) * bound[i]!;
    for (let j = 0; j < n; j++) row += Math.abs((i === j ? 1 : 0) - whitened[i * n + j]!);
    // Rows after rows: ‖ · ‖₂ ≤ ‖ · ‖_∞ for symmetric matrices. NaN fails.
    if (!(row < 0.5) || !(sums[i]! < LARGEST) || !(factor.data[i * n + i]! > 0)) return undefined;
    eta = Math.max(eta, row);
  }
  return { factor, excess: up(1 / (1 - (1.001 * eta + TINY))) };
}
