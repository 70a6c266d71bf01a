/** Vectors in a pass with held multipliers: as a search has them, relative to the one S that there is. */
import type { Engine, Matrices, Vector } from '../../../engine/engine.ts';
import { readNamed } from '../../../engine/readBack.ts';
import { scoped } from '../../../engine/scope.ts';
import { type MaximumStep, type NonlinearityStep, totalRows } from '../../../program/program.ts';
import { isWhole, onBoundary, poolShape } from '../../multipliers/boundary.ts';
import { exponential, fromRowSums } from '../../multipliers/relative.ts';
import { affine, type State } from '../../rules/affine.ts';
import { maximum } from '../../rules/maximum.ts';
import { argument, levelOf, nonlinearity } from '../../rules/nonlinearity.ts';
import { sum } from '../../rules/smoothMaximum.ts';
import { diagonalFunctional, linearFunctional, type Objective } from '../objective.ts';
import { asMatrices, lastLayout, opening } from '../states.ts';
import type { Held } from './held.ts';
import type { Joint, Place, Through } from './place.ts';

/** @param given those of this segment's steps first */
export async function throughVectors(
  engine: Engine,
  { segment, symbols, objective }: Place,
  joint: Joint,
  given: readonly Held[],
  signal: AbortSignal | undefined,
): Promise<Through> {
  const theta: Float64Array[] = [];
  let host = joint.exponent;
  const record = scoped(engine, (e) => {
    let state: State = opening(e, segment, joint.state);
    let exponent = e.vector([0]);
    let definite = e.vector([1]);
    for (const [k, step] of segment.steps.entries()) {
      const before = state;
      switch (step.kind) {
        case 'linear':
          state = symbols.with(k, 0, (symbol) => affine(e, symbol, before, 1));
          host += 2 * symbols.tapsOf(k).exponent;
          break;
        case 'nonlinearity':
        case 'maximum': {
          const held = given[theta.length]!;
          if (held.kind !== 'relative') throw new Error('held multipliers: those of vectors are relative');
          theta.push(held.theta);
          const matrices = asMatrices(e, before, totalRows(step.before), false);
          const after = scoped(e, (inner) => nonlinear(inner, step, matrices, held.theta));
          state = after.state;
          exponent = sum(e, exponent, after.shift);
          definite = e.multiply(definite, after.definite);
          break;
        }
        case 'read':
          throw new Error('vectors are not read');
        default:
          step satisfies never;
      }
      if (before && before !== state && before !== joint.state) e.release(before);
    }
    const value =
      objective && squaredOf(e, asMatrices(e, state, totalRows(lastLayout(segment)), false), objective);
    return { state, exponent, definite, value };
  });
  const { state, ...ends } = record;
  await engine.settle(signal);
  const { exponent, definite, value } = await readNamed(engine, ends);
  engine.release(ends.exponent, ends.definite, ...(ends.value ? [ends.value] : []));
  const end = host + exponent[0]!;
  return {
    ...{ theta, held: given.slice(0, theta.length), feasible: definite[0] === 1 },
    joint: { state, exponent: end, carry: joint.carry },
    ...(value ? { squared: Math.log(value[0]!) + end * Math.LN2 } : {}),
  };
}

function nonlinear(
  engine: Engine,
  step: NonlinearityStep | MaximumStep,
  state: Matrices,
  theta: Float64Array,
): { readonly state: State; readonly shift: Vector; readonly definite: Vector } {
  const shift = engine.exponent(levelOf(engine, state, step.source));
  const scaled = engine.scaleByPower(state, shift, -1);
  const s = argument(engine, scaled, step.source);
  if (step.kind === 'nonlinearity') {
    const d = fromRowSums(engine, exponential(engine, theta), engine.rowSums(s));
    const after = nonlinearity(engine, step, scaled, d);
    return { state: after.state, definite: after.definite, shift };
  }
  const shape = poolShape(engine, step, exponential(engine, theta));
  const boundary = engine.spectralRadius(engine.scaleSides(s, shape.root, shape.root));
  const radius = isWhole(step) ? engine.spectralRadius(s) : undefined;
  const { d, image } = onBoundary(engine, step, shape, boundary, radius);
  if (step.cut) return { state: image, definite: engine.vector([1]), shift };
  const after = maximum(engine, step, scaled, d, image);
  return { state: after.state, definite: after.definite, shift };
}

function squaredOf(engine: Engine, state: Matrices, objective: Objective): Vector {
  if (objective.kind === 'trace') return linearFunctional(engine, state, objective.matrix).radius;
  if (objective.kind === 'diagonal') return diagonalFunctional(engine, state, objective.weights).radius;
  if (objective.kind === 'entries') return engine.largest(engine.diagonal(state));
  return engine.spectralRadius(state);
}
