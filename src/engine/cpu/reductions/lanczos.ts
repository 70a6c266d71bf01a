/**
 * The eigenvalue of largest modulus of one Hermitian matrix, by Lanczos' method with full reorthogonalisation: close to
 * machine precision, but approached from below and thus an estimate, never a bound.
 */
import type { Kernels } from '../kernels.ts';

/** Steps between looks at the tridiagonal matrix. */
const stride = 6;
/** Relative growth between two looks below which the estimate counts as converged. */
const stagnation = 4e-15;

/** @param a n × n Hermitian, both triangles stored, finite and of moderate size (no entry near overflow). */
export async function largestEigenvalue(
  kernels: Kernels,
  a: Float64Array,
  n: number,
  complex: boolean,
): Promise<number> {
  const length = complex ? 2 * n : n;
  const basis: Float64Array[] = [];
  const diagonal: number[] = [];
  const offDiagonal: number[] = [];
  let vector = startVector(length);
  let estimate = 0;
  for (let step = 1; step <= n; step++) {
    const next = new Float64Array(length);
    await kernels.multiplyVector(a, vector, next, n, complex);
    const centre = realDot(vector, next);
    diagonal.push(centre);
    // What is left by the recurrence is nearly orthogonal to the basis; a second pass makes it so to working precision
    // ("twice is enough": Kahan, in Parlett's book).
    subtract(next, centre, vector);
    if (step > 1) subtract(next, offDiagonal.at(-1)!, basis.at(-1)!);
    basis.push(vector);
    for (const other of basis) orthogonalise(next, other, complex);
    const norm = Math.sqrt(realDot(next, next));
    const invariant = !(norm > 1e-14 * (Math.abs(estimate) + Math.abs(diagonal[0]!)));
    if (step === n || invariant || step % stride === 0) {
      const found = tridiagonalRadius(diagonal, offDiagonal);
      const settled = found - estimate <= stagnation * found;
      estimate = Math.max(estimate, found);
      if (invariant || settled) break;
    }
    offDiagonal.push(norm);
    for (let i = 0; i < length; i++) next[i]! /= norm;
    vector = next;
  }
  return estimate;
}

/** Always the same unit vector with no structure that a matrix could be orthogonal to (a linear congruential generator,
 *  constants of Numerical Recipes). */
function startVector(length: number): Float64Array {
  let state = 12345;
  const vector = new Float64Array(length).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
  const norm = Math.sqrt(realDot(vector, vector));
  return vector.map((value) => value / norm);
}

/** Re⟨x, y⟩, of interleaved complex vectors too; four sums at a time for the processor to overlap. */
function realDot(x: Float64Array, y: Float64Array): number {
  const even = x.length - (x.length % 4);
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < even; i += 4) {
    s0 += x[i]! * y[i]!;
    s1 += x[i + 1]! * y[i + 1]!;
    s2 += x[i + 2]! * y[i + 2]!;
    s3 += x[i + 3]! * y[i + 3]!;
  }
  for (let i = even; i < x.length; i++) s0 += x[i]! * y[i]!;
  return s0 + s1 + (s2 + s3);
}

/** y −= factor · x. */
function subtract(y: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i]! -= factor * x[i]!;
}

/** y −= ⟨x, y⟩ x for a unit vector x. */
function orthogonalise(y: Float64Array, x: Float64Array, complex: boolean): void {
  const re = realDot(x, y);
  if (!complex) {
    subtract(y, re, x);
    return;
  }
  let im = 0;
  for (let i = 0; i < y.length; i += 2) im += x[i]! * y[i + 1]! - x[i + 1]! * y[i]!;
  for (let i = 0; i < y.length; i += 2) {
    y[i]! -= re * x[i]! - im * x[i + 1]!;
    y[i + 1]! -= re * x[i + 1]! + im * x[i]!;
  }
}

/** Largest modulus of the eigenvalues of a symmetric tridiagonal matrix, by bisection on Sturm counts. */
function tridiagonalRadius(diagonal: readonly number[], offDiagonal: readonly number[]): number {
  const negated = diagonal.map((value) => -value);
  return Math.max(largestOfTridiagonal(diagonal, offDiagonal), largestOfTridiagonal(negated, offDiagonal));
}

function largestOfTridiagonal(diagonal: readonly number[], offDiagonal: readonly number[]): number {
  let low = Number.NEGATIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  diagonal.forEach((value, i) => {
    const radius = (offDiagonal[i - 1] ?? 0) + (offDiagonal[i] ?? 0);
    low = Math.max(low, value);
    high = Math.max(high, value + radius);
  });
  const resolution = 2 ** -53 * Math.max(Math.abs(low), Math.abs(high));
  while (high - low > resolution) {
    const middle = low + (high - low) / 2;
    if (!(low < middle && middle < high)) break;
    if (exceeds(diagonal, offDiagonal, middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Whether an eigenvalue lies above x: x·I − T has a pivot that is not positive. */
function exceeds(diagonal: readonly number[], offDiagonal: readonly number[], x: number): boolean {
  let pivot = 1;
  for (let i = 0; i < diagonal.length; i++) {
    const off = i === 0 ? 0 : offDiagonal[i - 1]!;
    pivot = x - diagonal[i]! - (off * off) / pivot;
    if (!(pivot > 0)) return true;
  }
  return false;
}
