/**
 * Multipliers relative to S (docs/mathematics.md §5): θ, from which D follows once S is known. At a nonlinearity D = e^θ ρ(S), ρ the row sums
 * of |S|; at a max pooling, where nothing repels D from S, D lies on the boundary of D ⪰ S (`boundary.ts`).
 */
import type { Engine, Vector } from '../../engine/engine.ts';
import type { MaximumStep, NonlinearityStep, Program } from '../../program/program.ts';
import { poolParameters } from './boundary.ts';
import { dominating } from './closedForms.ts';

/** θ of every nonlinear step, in the order of `nonlinearSteps`. */
export type Relative = readonly Float64Array[];

export function nonlinearSteps(program: Program): (NonlinearityStep | MaximumStep)[] {
  return program.segments.flatMap((s) =>
    s.steps.filter((k) => k.kind === 'nonlinearity' || k.kind === 'maximum'),
  );
}

/** Entries of θ at a step: one per row of a nonlinearity's argument, one per row of a pooling's result. */
export function parametersOf(step: NonlinearityStep | MaximumStep): number {
  return step.kind === 'nonlinearity' ? step.source.rows : poolParameters(step);
}

/** e^θ. */
export function exponential(engine: Engine, theta: Float64Array): Vector {
  return engine.vector(theta.map(Math.exp));
}

/** D = e^θ ρ(S) of a nonlinearity. @param factor e^θ @param sums ρ(S) */
export function fromRowSums(engine: Engine, factor: Vector, sums: Vector): Vector {
  return dominating(engine, engine.multiply(factor, sums));
}

/** e^θ of a nonlinearity's D. @param sums ρ(S) */
export function relativeToRowSums(engine: Engine, d: Vector, sums: Vector): Vector {
  return engine.multiply(d, engine.reciprocal(sums));
}
