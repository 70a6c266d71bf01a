/** A barrier that keeps D off the boundary of D ⪰ S while a search is under way: tr(S R), R = (D − S)⁻¹. */
import type { Engine, Vector } from '../../../engine/engine.ts';
import type { SectorTape } from '../../rules/nonlinearity.ts';
import type { SectorGradient } from '../../rules/nonlinearityAdjoint.ts';
import { sum, total } from '../../rules/smoothMaximum.ts';

/** tr(S R) = tr(D R) − n, the mean over the batch. */
export function barrierOf(engine: Engine, { r }: SectorTape, d: Vector): Vector {
  const trace = total(engine, engine.multiply(d, engine.diagonalSum(r)));
  return engine.combine([
    [1 / r.batch, trace],
    [-1, engine.vector([r.rows])],
  ]);
}

/** Adds the gradients of the barrier: R D R to ∂f/∂S, diag R − diag(R D R) to ∂f/∂D. */
export function pushed(
  engine: Engine,
  own: SectorGradient,
  tape: { readonly sector: SectorTape; readonly d: Vector },
  push: Vector,
): SectorGradient {
  const { r } = tape.sector;
  const rdr = engine.congruence(r, tape.d);
  const weight = engine.combine([[1 / r.batch, push]]);
  const weights = engine.multiply(weight, engine.vector(new Float64Array(r.batch).fill(1)));
  const difference = engine.combine([
    [1, engine.diagonalSum(r)],
    [-1, engine.diagonalSum(rdr)],
  ]);
  return {
    ...own,
    argument: engine.add(own.argument, engine.scaleBatch(rdr, weights)),
    multiplier: sum(engine, own.multiplier, engine.multiply(weight, difference)),
  };
}
