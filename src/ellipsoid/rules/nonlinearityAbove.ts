/** The rules of nonlinearities and poolings from above. */
import type { Engine, Matrices, Ranges, Vector } from '../../engine/engine.ts';
import type { MaximumStep, NonlinearityStep } from '../../program/program.ts';
import { inverseAbove } from '../rounding/inverse.ts';
import { type Rounding, SLACK } from '../rounding/rounding.ts';
import { weightsOf } from '../rounding/scales.ts';
import { underflow } from './affineAbove.ts';
import { maximum } from './maximum.ts';
import { nonlinearity, type Sector, sectorOf } from './nonlinearity.ts';

/** What a nonlinear step leaves, with the proof's conditions (see `InverseAbove`). */
export interface SectorAbove {
  readonly state: Matrices;
  readonly definite: Vector;
  readonly doubt?: Vector;
  readonly condition?: Vector;
}

/**
 * The rule with slopes that hold in the engine's numbers: [α, β] ⊂ [m − r, m + r] for the m that the engine can store, and the product
 * (m − r)(m + r) rounded down.
 */
export function sectorAround(step: NonlinearityStep, rounding: Rounding): Sector {
  const store = rounding.coarse ? Math.fround : (x: number) => x;
  const exact = sectorOf(step);
  const middle = exact.middle.map(store);
  const product = middle.map((m, i) => {
    const radius = Math.max(step.upper[i]! - m, m - step.lower[i]!);
    // The usual slopes have an exact middle, and 0 at one end an exact product.
    const plain = m - radius === step.lower[i] && m + radius === step.upper[i];
    if (plain && step.lower[i]! * step.upper[i]! === 0) return 0;
    const wide = radius + 4 * rounding.unit * Math.max(Math.abs(m), radius);
    return m * m - wide * wide - 4 * rounding.unit * (m * m + wide * wide);
  });
  return { middle, product };
}

/** As `nonlinearity`, from above. @param dominated whether D ≻ S is known beforehand */
export function nonlinearityAbove(
  engine: Engine,
  rounding: Rounding,
  step: NonlinearityStep,
  state: Matrices,
  d: Vector,
  dominated: boolean,
): SectorAbove {
  const sector = sectorAround(step, rounding);
  let proof: ReturnType<typeof inverseAbove> | undefined;
  const after = nonlinearity(engine, step, state, d, sector, (s) => {
    proof = inverseAbove(engine, rounding, d, s, dominated);
    return proof;
  });
  const { r, across, left } = after.tape;
  const size = sector.middle.every((m) => m >= 0) ? left : engine.maximum(left, engine.combine([[-1, left]]));
  const error = imageError(engine, rounding, r, across, size, after.state);
  const own = sector.product.every((x) => x === 0)
    ? error.own
    : engine.combine([
        [1, error.own],
        [SLACK * rounding.gamma(4), engine.multiply(engine.vector(sector.product.map(Math.abs)), d)],
      ]);
  const { doubt, condition } = proof!;
  return {
    state: raised(engine, rounding, after.state, error.kept, own),
    definite: after.definite,
    ...{ doubt, condition },
  };
}

/** As `maximum`, from above. */
export function maximumAbove(
  engine: Engine,
  rounding: Rounding,
  step: MaximumStep,
  state: Matrices,
  d: Vector,
  image: Vector,
  dominated: boolean,
): SectorAbove {
  let proof: ReturnType<typeof inverseAbove> | undefined;
  const after = maximum(engine, step, state, d, image, (s) => {
    proof = inverseAbove(engine, rounding, d, s, dominated);
    return proof;
  });
  const { r, across } = after;
  if (!proof || !r || !across) return { state: after.state, definite: after.definite };
  const zero = engine.vector(new Float64Array(r.rows));
  const error = imageError(engine, rounding, r, across, zero, after.state);
  const { doubt, condition } = proof;
  const own = engine.combine([[rounding.gamma(4), image]]);
  return {
    state: raised(engine, rounding, after.state, error.kept, own),
    definite: after.definite,
    ...{ doubt, condition },
  };
}

/** Factor on the covariance of a pooled tensor: what its multipliers, taken onto the boundary of D ⪰ S, may lack. */
export function pooledFactor(rounding: Rounding, step: MaximumStep): number {
  const n = Math.max(step.source.rows, step.target.rows);
  return rounding.radius(step.source.rows, true) * (1 + SLACK * rounding.gamma(4 * n + 64));
}

/**
 * What rounding may do to [G; L] R [G; L]ᴴ, G the cross covariance of what is kept and |L| = diag(size), as a diagonal. Kept rows are
 * weighted by q, the others by 1 (see `weightsOf`).
 */
function imageError(
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
function raised(
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
