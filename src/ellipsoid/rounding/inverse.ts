/** (D − S)⁻¹ from above. */
import type { Engine, Matrices, Vector } from '../../engine/engine.ts';
import { type Rounding, SLACK } from './rounding.ts';

export interface InverseAbove {
  /** At least (D − S)⁻¹ in the Löwner order, if `definite` is 1 and `doubt` below 1. */
  readonly inverse: Matrices;
  readonly definite: Vector;
  /** Below 1 where the proof holds. */
  readonly doubt: Vector;
  /** ‖D^½ (D − S)⁻¹ D^½‖: how strongly what was added to S shows in the inverse. */
  readonly condition: Vector;
}

/** `doubt` in units of the relative error of the inverse. */
export const DOUBTS = 10;

/**
 * All in the scale of D: X̃ = D^½ X D^½ for the computed X, so that rows without any covariance, of which D is tiny, count like others.
 *
 * In float64 from what is known of inversion by Cholesky (Higham 2002, theorem 10.3 and §14.3), whose errors scale with the
 * matrix: with t = tr X̃, x = ‖X̃‖_∞, tr D^{−½}(D − S)D^{−½} ≤ n and k = O(n): the factorisation is that of a matrix within δ = k u n,
 * the inverse of the factor is within ε = k u √(n t) of its own, relative to its Frobenius norm √t, and their product within k u t.
 * With φ = ε √t and τ = δ x < 1/10, D ≻ S and (D − S)⁻¹ ⪯ (1 + 2 τ) (1 + φ) (X + (k u (t + x) + φ) D⁻¹): nearly in proportion to X, which where D is
 * next to S is large only in the directions in which it is.
 *
 * In float32 from the residual E = I − (D − S) X: with η = ‖D^{−½} E D^½‖_∞ < 1 and X Hermitian, (D − S)⁻¹ ⪯ X / (1 − η), provided that D ≻ S,
 * which the rule that chose D has proven (`dominated`) or λ_max(D^{−½} S D^{−½}) < 1 proves.
 */
export function inverseAbove(
  engine: Engine,
  rounding: Rounding,
  d: Vector,
  s: Matrices,
  dominated: boolean,
): InverseAbove {
  const { inverse: x, definite } = engine.inverse(d, s);
  const root = engine.squareRoot(d);
  /** |X| D^½, and the norm of X̃. */
  const rows = engine.columnMaximum(engine.absoluteProduct(x, root));
  const norm = engine.largest(engine.multiply(root, rows));
  const proof = rounding.coarse
    ? byResidual(engine, rounding, d, s, x, { root, rows }, dominated)
    : byCholesky(engine, rounding, d, s, x, norm);
  return { ...proof, definite, condition: norm };
}

function byCholesky(engine: Engine, rounding: Rounding, d: Vector, s: Matrices, x: Matrices, norm: Vector) {
  const n = s.rows;
  const k = rounding.cholesky(n, s.complex);
  const all = [Int32Array.from({ length: n }, (_, i) => i)];
  const trace = engine.sumOver(engine.multiply(d, engine.diagonal(x)), all);
  const rootTrace = engine.squareRoot(trace);
  /** τ = tau x, ε = epsilon √t. */
  const tau = 1.3 * k * n;
  const epsilon = k * Math.sqrt(n);
  const one = engine.vector([1]);
  /** φ, and 1 + φ. */
  const phi = engine.combine([[SLACK * epsilon, trace]]);
  const more = engine.combine([
    [1, one],
    [SLACK, phi],
  ]);
  // 1 + 2 τ is at most 1.2 where the proof holds.
  const shift = engine.multiply(
    more,
    engine.combine([
      [1.2 * SLACK * k, trace],
      [1.2 * SLACK, phi],
      [k, norm],
    ]),
  );
  const factor = engine.combine([
    [1, more],
    [2 * SLACK * tau, engine.multiply(more, norm)],
  ]);
  const batch = engine.vector(new Float64Array(x.batch).fill(1));
  const scaled = engine.scaleBatch(x, engine.multiply(factor, batch));
  return {
    inverse: engine.addDiagonal(scaled, engine.multiply(shift, engine.reciprocal(d))),
    // ε n < 1/10 keeps what was computed of X close enough to what it stands for.
    doubt: engine.combine([
      [DOUBTS * tau, norm],
      [DOUBTS * n * epsilon, rootTrace],
    ]),
  };
}

interface Scale {
  readonly root: Vector;
  readonly rows: Vector;
}

function byResidual(
  engine: Engine,
  rounding: Rounding,
  d: Vector,
  s: Matrices,
  x: Matrices,
  scale: Scale,
  dominated: boolean,
) {
  const one = engine.vector([1]);
  const inverseRoot = engine.reciprocal(scale.root);
  const residual = residualNorm(engine, rounding, d, s, x, scale, inverseRoot);
  const factor = engine.reciprocal(
    engine.combine([
      [1, one],
      [-1, residual],
    ]),
  );
  // The reciprocal and the product are rounded.
  const up = engine.combine([[1 + rounding.gamma(8), factor]]);
  const batch = engine.vector(new Float64Array(s.batch).fill(1));
  const scaled = engine.scaleBatch(x, engine.multiply(up, batch));
  const lost = engine.multiply(inverseRoot, scale.rows);
  const own = engine.combine([[DOUBTS, residual]]);
  return {
    inverse: engine.addDiagonal(scaled, engine.multiply(up, engine.combine([[rounding.gamma(4), lost]]))),
    doubt: dominated ? own : engine.maximum(own, dominance(engine, rounding, s, inverseRoot)),
  };
}

/** η from above: the computed residual, and what its rounding may hide. */
function residualNorm(
  engine: Engine,
  rounding: Rounding,
  d: Vector,
  s: Matrices,
  x: Matrices,
  { root, rows }: Scale,
  inverseRoot: Vector,
): Vector {
  const ones = engine.vector(new Float64Array(s.rows).fill(1));
  const minusD = engine.scaleSides(x, engine.combine([[-1, d]]), undefined);
  const residual = engine.addDiagonal(engine.add(engine.product(s, x), minusD), ones);
  const own = engine.columnMaximum(engine.absoluteProduct(residual, root));
  const hidden = engine.combine([
    [1, engine.columnMaximum(engine.absoluteProduct(s, rows))],
    [1, engine.multiply(d, rows)],
    [1, root],
  ]);
  const both = engine.combine([
    [SLACK, own],
    [SLACK * (rounding.product(s.rows, s.complex) + rounding.gamma(4)), hidden],
  ]);
  return engine.largest(engine.multiply(inverseRoot, both));
}

/** λ_max(D^{−½} S D^{−½}) from above. */
function dominance(engine: Engine, rounding: Rounding, s: Matrices, inverseRoot: Vector): Vector {
  const radius = engine.spectralRadius(engine.scaleSides(s, inverseRoot, inverseRoot));
  const slack = rounding.radius * (1 + rounding.gamma(4 * s.rows + 64));
  return engine.combine([[slack, radius]]);
}
