/**
 * A smooth majorant of the largest eigenvalue over a batch of positive semidefinite matrices, by products alone:
 * λ_max ≤ (Σ_b w_b tr X_b^p)^{1/p} with p = 2^doublings (docs/mathematics.md §5), and its gradient ∝ X^{p−1}.
 */
import type { Engine, Matrices, Vector } from '../../engine/engine.ts';

export interface SmoothMaximum {
  /** λ_max itself, from above. Length 1. */
  readonly radius: Vector;
  /** t = Σ w_b tr (X_b/radius)^p, between 1 and n·B. Length 1. The majorant is radius · t^{1/p}. */
  readonly trace: Vector;
  /** w_b (X_b/radius)^{p−1} per batch entry. The gradient of the majorant is t^{1/p − 1} times it. */
  readonly power: Matrices;
  /** The diagonal of Σ_b w_b (X_b/radius)^p. */
  readonly diagonal: Vector;
}

export function smoothMaximum(
  engine: Engine,
  x: Matrices,
  weights: Vector,
  doublings: number,
): SmoothMaximum {
  const radius = engine.spectralRadius(x);
  const factors = engine.multiply(
    engine.reciprocal(radius),
    engine.vector(new Float64Array(x.batch).fill(1)),
  );
  let square = engine.scaleBatch(x, factors);
  // X^{p−1} = X · X² · X⁴ ⋯: all factors commute, so the products stay Hermitian up to rounding.
  let power = square;
  for (let k = 1; k < doublings; k++) {
    square = engine.product(square, square);
    power = engine.product(power, square);
  }
  const full = engine.scaleBatch(engine.product(square, square), weights);
  const diagonal = engine.diagonalSum(full);
  return { radius, trace: total(engine, diagonal), power: engine.scaleBatch(power, weights), diagonal };
}

/** The sum of a vector's entries. */
export function total(engine: Engine, a: Vector): Vector {
  return engine.sumOver(a, [Int32Array.from({ length: a.length }, (_, i) => i)]);
}

/** a + b. */
export function sum(engine: Engine, a: Vector, b: Vector): Vector {
  return engine.combine([
    [1, a],
    [1, b],
  ]);
}
