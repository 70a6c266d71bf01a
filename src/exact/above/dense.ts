/** Products of small matrices, row by row, as many rows at a time as registers hold. Plain float64: nothing that is proven rests on it. */

const TINY = 1e-300;

/**
 * Adds rows to a row: into[at + l] += sign · Σ c[from + k · step] · rows[first + k · stride + l], l < length, k < count.
 */
export function addRows(
  into: Float64Array,
  at: number,
  length: number,
  rows: Float64Array,
  first: number,
  stride: number,
  count: number,
  c: Float64Array,
  from: number,
  step: number,
  sign: 1 | -1,
): void {
  let k = 0;
  let row = first;
  let own = from;
  for (; k + 4 <= count; k += 4) {
    const c0 = sign * c[own]!;
    const c1 = sign * c[own + step]!;
    const c2 = sign * c[own + 2 * step]!;
    const c3 = sign * c[own + 3 * step]!;
    const [r1, r2, r3] = [row + stride, row + 2 * stride, row + 3 * stride];
    for (let l = 0; l < length; l++)
      into[at + l]! += c0 * rows[row + l]! + c1 * rows[r1 + l]! + (c2 * rows[r2 + l]! + c3 * rows[r3 + l]!);
    row += 4 * stride;
    own += 4 * step;
  }
  for (; k < count; k++) {
    const c0 = sign * c[own]!;
    for (let l = 0; l < length; l++) into[at + l]! += c0 * rows[row + l]!;
    row += stride;
    own += step;
  }
}

export function dot(a: Float64Array, from: number, b: Float64Array, at: number, length: number): number {
  let [even, odd] = [0, 0];
  let l = 0;
  for (; l + 2 <= length; l += 2) {
    even += a[from + l]! * b[at + l]!;
    odd += a[from + l + 1]! * b[at + l + 1]!;
  }
  if (l < length) even += a[from + l]! * b[at + l]!;
  return even + odd;
}

/** W Q Wᵀ, symmetric. W [n × m]. @param t room for a row */
export function congruence(
  w: Float64Array,
  n: number,
  q: Float64Array,
  m: number,
  s: Float64Array,
  t: Float64Array,
): void {
  for (let i = 0; i < n; i++) {
    t.fill(0, 0, m);
    addRows(t, 0, m, q, 0, m, m, w, i * m, 1, 1);
    productsWithRows(t, w, m, i + 1, s, i * n);
    for (let j = 0; j < i; j++) s[j * n + i] = s[i * n + j]!;
  }
}

/** Of a row with the first rows of W. */
function productsWithRows(
  t: Float64Array,
  w: Float64Array,
  m: number,
  count: number,
  into: Float64Array,
  at: number,
): void {
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    const r0 = j * m;
    const [r1, r2, r3] = [r0 + m, r0 + 2 * m, r0 + 3 * m];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let l = 0; l < m; l++) {
      const value = t[l]!;
      a += value * w[r0 + l]!;
      b += value * w[r1 + l]!;
      c += value * w[r2 + l]!;
      d += value * w[r3 + l]!;
    }
    into[at + j] = a;
    into[at + j + 1] = b;
    into[at + j + 2] = c;
    into[at + j + 3] = d;
  }
  for (; j < count; j++) into[at + j] = dot(t, 0, w, j * m, m);
}

/** W Wᵀ */
export function gram(w: Float64Array, n: number, m: number, s: Float64Array): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      s[i * n + j] = dot(w, i * m, w, j * m, m);
      s[j * n + i] = s[i * n + j]!;
    }
  }
}

/** Wᵀ B W, for symmetric B [n × n]. @param t room for as much as W */
export function congruenceTransposed(
  w: Float64Array,
  n: number,
  b: Float64Array,
  m: number,
  f: Float64Array,
  t: Float64Array,
): void {
  t.fill(0, 0, n * m);
  for (let i = 0; i < n; i++) addRows(t, i * m, m, w, 0, m, n, b, i * n, 1, 1);
  f.fill(0, 0, m * m);
  for (let j = 0; j < m; j++) {
    addRows(f, j * m, j + 1, t, 0, m, n, w, j, m, 1);
    for (let l = 0; l < j; l++) f[l * m + j] = f[j * m + l]!;
  }
}

/** In place, the lower triangle. @returns whether it runs through */
export function cholesky(a: Float64Array, n: number, stride: number): boolean {
  for (let j = 0; j < n; j++) {
    const own = j * stride;
    const pivot = a[own + j]! - dot(a, own, a, own, j);
    if (!(pivot > TINY)) return false;
    const root = Math.sqrt(pivot);
    a[own + j] = root;
    const reciprocal = 1 / root;
    for (let i = j + 1; i < n; i++) {
      const at = i * stride;
      a[at + j] = (a[at + j]! - dot(a, at, a, own, j)) * reciprocal;
    }
  }
  return true;
}
