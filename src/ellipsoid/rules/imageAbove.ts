/** What rounding may take from the image of a nonlinear step, put back onto its diagonal. */
import type { Engine, Matrices, Ranges, Vector } from '../../engine/engine.ts';
import { type Rounding, SLACK } from '../rounding/rounding.ts';
import { weightsOf } from '../rounding/scales.ts';
import { underflow } from './affineAbove.ts';

/** What a nonlinear step leaves, with the proof's conditions (see `InverseAbove`). */
export interface SectorAbove {
  readonly state: Matrices;
  readonly definite: Vector;
  readonly doubt?: Vector;
  readonly condition?: Vector;
}

/**
 * What rounding may do to [G; L] R [G; L]ᴴ, G the cross covariance of what is kept and |L| = diag(size), as a diagonal. Kept rows are
 * weighted by q, the others by 1 (see `weightsOf`).
 */
export function imageError(
  engine: Engine,
  rounding: Rounding,
  r: Matrices,
  across: Matrices | undefined,
  size: Vector,
  state: Matrices,
): { readonly kept: Vector | undefined; readonly own: Vector } {
  const n = r.rows;
  const weight = across && keptWeight(engine, state, across.rows);
  const columns =
    across && weight ? engine.absoluteProduct(across, weight.q, { adjoint: true, plus: size }) : size;
  const through = engine.columnMaximum(engine.absoluteProduct(r, columns));
  const lost = underflow(engine, rounding.floor(n), through);
  const gamma =
    SLACK * (across ? 2 * rounding.product(n, r.complex) + rounding.gamma(8) : rounding.gamma(12));
  const own = engine.combine([[gamma, engine.multiply(size, through)], ...lost]);
  if (!across || !weight) return { kept: undefined, own };
  const reached = engine.columnMaximum(engine.absoluteProduct(across, through));
  return { kept: engine.multiply(weight.scale, engine.combine([[gamma, reached], ...lost])), own };
}

/** Weight of the kept rows against those of the image: the ratio of their sizes. */
function keptWeight(engine: Engine, state: Matrices, kept: number) {
  const ones = engine.vector(new Float64Array(kept).fill(1));
  const { scale } = weightsOf(engine, state, [
    [0, kept],
    [kept, state.rows],
  ]);
  const first = engine.sumOver(scale!, [Int32Array.of(0)]);
  const last = engine.sumOver(scale!, [Int32Array.of(state.rows - 1)]);
  const ratio = engine.multiply(first, engine.reciprocal(last));
  return {
    q: engine.multiply(ones, engine.reciprocal(ratio)),
    scale: engine.multiply(ones, ratio),
  };
}

/** The joint covariance with the errors of its blocks on its diagonal, and those of the sum that made the first. */
export function raised(
  engine: Engine,
  rounding: Rounding,
  state: Matrices,
  kept: Vector | undefined,
  own: Vector,
): Matrices {
  if (!kept) return engine.addDiagonal(state, own);
  const rows: Ranges = [[0, kept.length]];
  const ones = engine.vector(new Float64Array(kept.length).fill(1));
  const sums = engine.columnMaximum(engine.absoluteProduct(engine.submatrix(state, rows, rows), ones));
  const sum = engine.combine([
    [1, kept],
    [SLACK * rounding.gamma(4), sums],
  ]);
  const error = engine.combine([
    [1, placed(engine, sum, 0, state.rows)],
    [1, placed(engine, own, kept.length, state.rows)],
  ]);
  return engine.addDiagonal(state, error);
}

/** The entries of a vector from `start` on in a longer one of zeros. */
function placed(engine: Engine, vector: Vector, start: number, length: number): Vector {
  return engine.sumOver(
    vector,
    Array.from({ length }, (_, i) => {
      const from = i - start;
      return from >= 0 && from < vector.length ? Int32Array.of(from) : new Int32Array(0);
    }),
  );
}
