/** Dense real symmetric matrices, row-major, by textbook loops: the arithmetic of the dense oracle. */

export interface Dense {
  readonly rows: number;
  readonly columns: number;
  /** [rows · columns], row-major. */
  readonly data: Float64Array;
}

export function zeros(rows: number, columns: number): Dense {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

export function identity(n: number): Dense {
  const matrix = zeros(n, n);
  for (let i = 0; i < n; i++) matrix.data[i * n + i] = 1;
  return matrix;
}

/** A B */
export function product(a: Dense, b: Dense): Dense {
  const c = zeros(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[i * a.columns + k]!;
      if (factor === 0) continue;
      for (let j = 0; j < b.columns; j++) c.data[i * b.columns + j]! += factor * b.data[k * b.columns + j]!;
    }
  }
  return c;
}

export function transpose(a: Dense): Dense {
  const t = zeros(a.columns, a.rows);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < a.columns; j++) t.data[j * a.rows + i] = a.data[i * a.columns + j]!;
  }
  return t;
}

/** Rows `rowStart …` and columns `columnStart …`. */
export function block(a: Dense, rowStart: number, rows: number, columnStart: number, columns: number): Dense {
  const part = zeros(rows, columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      part.data[i * columns + j] = a.data[(rowStart + i) * a.columns + columnStart + j]!;
    }
  }
  return part;
}

/** The lower triangle L of A = L Lᵀ, or undefined where A is not positive definite. */
export function cholesky(a: Dense): Dense | undefined {
  const n = a.rows;
  const lower = zeros(n, n);
  const l = lower.data;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = a.data[i * n + j]!;
      for (let k = 0; k < j; k++) rest -= l[i * n + k]! * l[j * n + k]!;
      if (i !== j) l[i * n + j] = rest / l[j * n + j]!;
      else if (rest > 0) l[i * n + i] = Math.sqrt(rest);
      else return undefined;
    }
  }
  return lower;
}

/** A⁻¹ by Cholesky, or undefined where A is not positive definite. */
export function inverse(a: Dense): Dense | undefined {
  const lower = cholesky(a);
  if (!lower) return undefined;
  const n = a.rows;
  const l = lower.data;
  // Columns of L⁻¹ by forward substitution; A⁻¹ = L⁻ᵀ L⁻¹.
  const inverted = zeros(n, n);
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let rest = i === j ? 1 : 0;
      for (let k = j; k < i; k++) rest -= l[i * n + k]! * inverted.data[k * n + j]!;
      inverted.data[i * n + j] = rest / l[i * n + i]!;
    }
  }
  return product(transpose(inverted), inverted);
}

/** λ_max of a symmetric matrix: Householder tridiagonalisation, then bisection on Sturm counts. */
export function largestEigenvalue(a: Dense): number {
  const { diagonal, side } = tridiagonal(a);
  const reach = diagonal.map((d, i) => Math.abs(d) + Math.abs(side[i - 1] ?? 0) + Math.abs(side[i] ?? 0));
  let high = Math.max(...reach);
  let low = -high;
  if (!(high > 0)) return high;
  while (true) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return high;
    if (exceeds(diagonal, side, middle)) low = middle;
    else high = middle;
  }
}

/** Whether an eigenvalue of the tridiagonal matrix lies above x. */
function exceeds(diagonal: readonly number[], side: readonly number[], x: number): boolean {
  let pivot = 1;
  for (let i = 0; i < diagonal.length; i++) {
    const coupling = i === 0 ? 0 : side[i - 1]! ** 2 / pivot;
    pivot = x - diagonal[i]! - coupling;
    if (pivot < 0) return true;
    if (pivot === 0) pivot = Number.MIN_VALUE;
  }
  return false;
}

function tridiagonal(matrix: Dense): { diagonal: number[]; side: number[] } {
  const n = matrix.rows;
  const a = Array.from({ length: n }, (_, i) => Array.from(matrix.data.subarray(i * n, (i + 1) * n)));
  const side: number[] = [];
  // What is smaller changes no digit of an eigenvalue, but its square may vanish or its reciprocal overflow.
  const negligible = 1e-30 * matrix.data.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
  for (let k = 0; k + 1 < n; k++) {
    const column = a.slice(k + 1).map((row) => row[k]!);
    const length = Math.hypot(...column);
    if (!(length > negligible)) {
      side.push(0);
      continue;
    }
    const alpha = column[0]! > 0 ? -length : length;
    const v = column.map((x, i) => (i === 0 ? x - alpha : x));
    const square = v.reduce((sum, x) => sum + x * x, 0);
    side.push(alpha);
    // A ← H A H with H = I − 2 v vᵀ / vᵀv, as A − v wᵀ − w vᵀ.
    const p = v.map((_, i) => (2 / square) * v.reduce((sum, x, j) => sum + a[k + 1 + i]![k + 1 + j]! * x, 0));
    const half = v.reduce((sum, x, i) => sum + x * p[i]!, 0) / square;
    const w = p.map((x, i) => x - half * v[i]!);
    v.forEach((vi, i) => {
      const row = a[k + 1 + i]!;
      for (let j = 0; j < v.length; j++) row[k + 1 + j]! -= vi * w[j]! + w[i]! * v[j]!;
    });
  }
  return { diagonal: a.map((row, i) => row[i]!), side };
}
