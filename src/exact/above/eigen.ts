/** Eigenvalues of small symmetric matrices by Jacobi's rotations (Golub & Van Loan, §8.5); nothing that is proven rests on them. */

const SWEEPS = 40;
/** Off-diagonal entries of so small a part of the matrix are left. */
const NEGLIGIBLE = 1e-30;

/** @param a row-major [n, n]; overwritten: its diagonal becomes the eigenvalues. @param v receives eigenvectors in its columns */
export function diagonalise(n: number, a: Float64Array, v: Float64Array): void {
  v.fill(0, 0, n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let [off, all] = [0, 0];
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const square = a[i * n + j]! ** 2;
        all += square;
        if (i !== j) off += square;
      }
    }
    if (!(off > NEGLIGIBLE * all)) return;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(n, a, v, p, q);
  }
}

function rotate(n: number, a: Float64Array, v: Float64Array, p: number, q: number): void {
  const apq = a[p * n + q]!;
  if (apq === 0) return;
  const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[k * n + p]!, a[k * n + q]!];
    a[k * n + p] = c * x - s * y;
    a[k * n + q] = s * x + c * y;
  }
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[p * n + k]!, a[q * n + k]!];
    a[p * n + k] = c * x - s * y;
    a[q * n + k] = s * x + c * y;
  }
  for (let k = 0; k < n; k++) {
    const [x, y] = [v[k * n + p]!, v[k * n + q]!];
    v[k * n + p] = c * x - s * y;
    v[k * n + q] = s * x + c * y;
  }
}

/** The column of the largest eigenvalue. */
export function largestOf(n: number, a: Float64Array): number {
  let best = 0;
  for (let k = 1; k < n; k++) if (a[k * n + k]! > a[best * n + best]!) best = k;
  return best;
}
