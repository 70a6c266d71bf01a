/** The rule of max pooling from above. */
import type { Engine, Matrices, Vector } from '../../engine/engine.ts';
import type { MaximumStep } from '../../program/program.ts';
import { inverseAbove } from '../rounding/inverse.ts';
import { type Rounding, SLACK } from '../rounding/rounding.ts';
import { imageError, raised, type SectorAbove } from './imageAbove.ts';
import { maximum } from './maximum.ts';

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
  return rounding.radius * (1 + SLACK * rounding.gamma(4 * n + 64));
}
