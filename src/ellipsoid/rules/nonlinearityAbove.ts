/** The rule of an elementwise nonlinearity from above. */
import type { Engine, Matrices, Vector } from '../../engine/engine.ts';
import type { NonlinearityStep } from '../../program/program.ts';
import { inverseAbove } from '../rounding/inverse.ts';
import { type Rounding, SLACK } from '../rounding/rounding.ts';
import { imageError, raised, type SectorAbove } from './imageAbove.ts';
import { nonlinearity, type Sector, sectorOf } from './nonlinearity.ts';

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
