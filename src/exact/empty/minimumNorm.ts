/**
 * The point of least norm in the convex hull of the rows of a cone (Wolfe 1976). If it is not 0, its products with all rows are positive: it is
 * inside. If it is, the weights with which rows make it say that the cone has no inside (Gordan 1873).
 */
import type { Cone } from './cone.ts';

export type Outcome = 'inside' | 'empty' | 'undecided';

const MOST_STEPS = 600;
/** Squared norms below are 0. */
const ZERO = 1e-20;
/** Pivots below are of rows that depend on the others. */
const DEPENDENT = 1e-14;
const NO_WEIGHT = 1e-13;
/** A point is deep enough inside where no row is nearer than this part of the most that is possible. */
const DEEP = 0.5;

export class MinimumNorm {
  /** In the columns of the cone. */
  point = new Float64Array(0);
  /** Rows with a weight, `count` of them; the weights sum to 1. */
  support = new Int32Array(0);
  weights = new Float64Array(0);
  count = 0;
  #gram = new Float64Array(0);
  #factor = new Float64Array(0);
  #affine = new Float64Array(0);
  #stride = 0;
  /** Rows up to this one are factored. */
  #factored = 0;

  /**
   * @param start rows to begin with, which may be none
   * @param deep whether a point that is just inside will not do
   */
  solve(cone: Cone, start: Int32Array | undefined, deep: boolean): Outcome {
    const width = cone.columns;
    this.#room(width + 2);
    this.count = 0;
    this.#factored = 0;
    if (start) for (const row of start) if (this.count < width) this.#append(cone, row);
    if (this.count === 0) this.#append(cone, 0);
    this.weights.fill(1 / this.count, 0, this.count);
    if (this.count > 1) this.#settle();
    for (let step = 0; step < MOST_STEPS; step++) {
      const square = this.#combine(cone);
      if (square < ZERO) return 'empty';
      const [row, least] = this.#nearest(cone);
      if (least > 0 && (!deep || least > DEEP * square)) return 'inside';
      if (this.#holds(row) || this.count >= width + 1) return least > 0 ? 'inside' : 'undecided';
      this.#append(cone, row);
      this.weights[this.count - 1] = 0;
      this.#settle();
    }
    return 'undecided';
  }

  #holds(row: number): boolean {
    for (let k = 0; k < this.count; k++) if (this.support[k] === row) return true;
    return false;
  }

  /** The point, and its squared norm. */
  #combine({ matrix, columns }: Cone): number {
    const { point } = this;
    point.fill(0, 0, columns);
    for (let k = 0; k < this.count; k++) {
      const w = this.weights[k]!;
      for (let c = 0, at = this.support[k]! * columns; c < columns; c++, at++) point[c]! += w * matrix[at]!;
    }
    let square = 0;
    for (let c = 0; c < columns; c++) square += point[c]! * point[c]!;
    return square;
  }

  /** The row whose product with the point is least; a ball has one for every point. */
  #nearest(cone: Cone): [row: number, least: number] {
    const { matrix, columns, rows } = cone;
    const { point } = this;
    let [nearest, least] = [0, Infinity];
    for (let row = 0, at = 0; row < rows; row++) {
      let sum = 0;
      for (let c = 0; c < columns; c++, at++) sum += matrix[at]! * point[c]!;
      if (sum < least) {
        least = sum;
        nearest = row;
      }
    }
    const cut = cone.domain.ball && ballRow(cone, point);
    if (cut !== undefined && cut.least < least) return [cone.addBall(cut.direction), cut.least];
    return [nearest, least];
  }

  #append({ matrix, columns }: Cone, row: number): void {
    const k = this.count;
    const stride = this.#stride;
    this.support[k] = row;
    for (let a = 0; a <= k; a++) {
      let sum = 1;
      const other = this.support[a]! * columns;
      for (let c = 0; c < columns; c++) sum += matrix[other + c]! * matrix[row * columns + c]!;
      this.#gram[a * stride + k] = sum;
      this.#gram[k * stride + a] = sum;
    }
    this.count++;
  }

  #drop(k: number): void {
    const stride = this.#stride;
    const gram = this.#gram;
    const last = --this.count;
    for (let a = k; a < last; a++) {
      this.support[a] = this.support[a + 1]!;
      this.weights[a] = this.weights[a + 1]!;
    }
    for (let a = 0; a <= last; a++)
      for (let b = k; b < last; b++) gram[a * stride + b] = gram[a * stride + b + 1]!;
    for (let a = k; a < last; a++)
      for (let b = 0; b < last; b++) gram[a * stride + b] = gram[(a + 1) * stride + b]!;
    this.#factored = Math.min(this.#factored, k);
  }

  /** Goes on to the point of least norm in the affine hull, and leaves out rows on the way, until it is in the convex hull. */
  #settle(): void {
    const { weights } = this;
    for (;;) {
      const dependent = this.#factorise();
      if (dependent >= 0) {
        this.#drop(dependent);
        this.#normalise();
        continue;
      }
      this.#solveAffine();
      const affine = this.#affine;
      let reach = 1;
      let inside = true;
      for (let k = 0; k < this.count; k++) {
        if (affine[k]! > NO_WEIGHT) continue;
        inside = false;
        const fall = weights[k]! - affine[k]!;
        reach = Math.min(reach, fall > 1e-300 ? weights[k]! / fall : 0);
      }
      if (inside) {
        weights.set(affine.subarray(0, this.count));
        return;
      }
      reach = Math.max(0, reach);
      for (let k = 0; k < this.count; k++) weights[k] = (1 - reach) * weights[k]! + reach * affine[k]!;
      let dropped = false;
      for (let k = this.count - 1; k >= 0; k--) {
        if (weights[k]! > NO_WEIGHT || this.count === 1) continue;
        this.#drop(k);
        dropped = true;
      }
      if (!dropped) {
        let least = 0;
        for (let k = 1; k < this.count; k++) if (weights[k]! < weights[least]!) least = k;
        this.#drop(least);
      }
      this.#normalise();
    }
  }

  #normalise(): void {
    let sum = 0;
    for (let k = 0; k < this.count; k++) sum += this.weights[k]!;
    for (let k = 0; k < this.count; k++) this.weights[k] = sum > 0 ? this.weights[k]! / sum : 1 / this.count;
  }

  /** Cholesky of the Gram matrix, from the first row that is new. @returns a row that depends on those before, or −1 */
  #factorise(): number {
    const stride = this.#stride;
    const [gram, factor] = [this.#gram, this.#factor];
    for (let i = this.#factored; i < this.count; i++) {
      const own = i * stride;
      for (let j = 0; j <= i; j++) {
        const other = j * stride;
        let sum = gram[own + j]!;
        for (let k = 0; k < j; k++) sum -= factor[own + k]! * factor[other + k]!;
        if (j < i) factor[own + j] = sum / factor[other + j]!;
        else if (sum < DEPENDENT && this.count > 1) return i;
        else factor[own + i] = Math.sqrt(sum);
      }
      this.#factored = i + 1;
    }
    return -1;
  }

  /** (G + 1 1ᵀ) u = 1, scaled to sum 1. */
  #solveAffine(): void {
    const stride = this.#stride;
    const [factor, u] = [this.#factor, this.#affine];
    const n = this.count;
    for (let a = 0; a < n; a++) {
      let sum = 1;
      for (let b = 0; b < a; b++) sum -= factor[a * stride + b]! * u[b]!;
      u[a] = sum / factor[a * stride + a]!;
    }
    let all = 0;
    for (let a = n - 1; a >= 0; a--) {
      let sum = u[a]!;
      for (let b = a + 1; b < n; b++) sum -= factor[b * stride + a]! * u[b]!;
      u[a] = sum / factor[a * stride + a]!;
      all += u[a]!;
    }
    for (let a = 0; a < n; a++) u[a]! /= all;
  }

  #room(size: number): void {
    if (this.#stride >= size) return;
    this.#stride = size;
    this.point = new Float64Array(size);
    this.support = new Int32Array(size);
    this.weights = new Float64Array(size);
    this.#affine = new Float64Array(size);
    this.#gram = new Float64Array(size * size);
    this.#factor = new Float64Array(size * size);
  }
}

/** Of all rows that a ball has, the one that is nearest to a point. */
function ballRow(
  { domain, form, columns }: Cone,
  point: Float64Array,
): { readonly direction: Float64Array; readonly least: number } | undefined {
  const { centre, radius } = domain.ball!;
  const { inputs } = form;
  const t = point[columns - 1]!;
  const direction = new Float64Array(inputs);
  let square = 0;
  for (let n = 0; n < inputs; n++) {
    direction[n] = point[n]! - t * centre[n]!;
    square += direction[n]! ** 2;
  }
  const distance = Math.sqrt(square);
  if (!(distance > 0)) return undefined;
  let along = 0;
  for (let n = 0; n < inputs; n++) {
    direction[n]! /= distance;
    along += direction[n]! * centre[n]!;
  }
  // Rows are of length 1.
  return { direction, least: (radius * t - distance) / Math.hypot(1, radius + along) };
}
