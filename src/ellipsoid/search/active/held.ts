/**
 * Multipliers that stay what they are while the frequencies that are seen change: absolute where the maximum over frequencies could pass
 * from one to another, relative to S where there is but one matrix.
 */
import type { Engine } from '../../../engine/engine.ts';
import { scoped } from '../../../engine/scope.ts';
import type { MaximumStep, NonlinearityStep, Program, Segment } from '../../../program/program.ts';
import { onBoundary, poolShape } from '../../multipliers/boundary.ts';
import { exponential, nonlinearSteps } from '../../multipliers/relative.ts';
import type { LayerMultipliers } from '../../sweep/sweep.ts';
import type { Multipliers } from '../gradient/differentiablePass.ts';
import { thetaOf } from '../start.ts';

/** Of one nonlinear step; logarithms are natural ones. */
export type Held =
  /** ln D of a nonlinearity on a torus. */
  | { readonly kind: 'multipliers'; readonly logarithms: Float64Array }
  /** θ of a pooling on a torus, and ln s: D = s D̂(θ) (`multipliers/boundary.ts`). */
  | { readonly kind: 'boundary'; readonly theta: Float64Array; readonly logarithm: number }
  /** θ of a step on vectors. */
  | { readonly kind: 'relative'; readonly theta: Float64Array };

/** The nonlinear steps of a program, in the order of `nonlinearSteps`, with the segments they are in. */
export function placedSteps(
  program: Program,
): { readonly segment: Segment; readonly step: NonlinearityStep | MaximumStep }[] {
  const segments = program.segments.flatMap((segment) =>
    nonlinearSteps({ ...program, segments: [segment] }).map(() => segment),
  );
  return nonlinearSteps(program).map((step, k) => ({ segment: segments[k]!, step }));
}

/** What the multipliers of a run of `sweep` are, held: none is smaller. */
export async function heldFrom(
  engine: Engine,
  program: Program,
  layers: readonly LayerMultipliers[],
): Promise<Held[]> {
  const theta = thetaOf(layers);
  const held: Held[] = [];
  for (const { segment, step } of placedSteps(program)) {
    const own = theta.get(step)!;
    const layer = layers.find((l) => l.step === step)!;
    const offset = layer.exponent * Math.LN2;
    if (segment.axes === 0) held.push({ kind: 'relative', theta: own });
    else if (step.kind === 'nonlinearity') {
      held.push({ kind: 'multipliers', logarithms: layer.values.map((d) => Math.log(d) + offset) });
    } else {
      // Of an image, all entries relative to the largest are θ.
      const boundary = step.cut
        ? layer.relative.reduce((most, x) => Math.max(most, x), 0)
        : await least(engine, step, own, layer.values);
      held.push({ kind: 'boundary', theta: own, logarithm: Math.log(boundary) + offset });
    }
  }
  return held;
}

/** The least s for which s times what θ makes of a pooling's D is nowhere below `d`. */
async function least(
  engine: Engine,
  step: MaximumStep,
  theta: Float64Array,
  d: Float64Array,
): Promise<number> {
  const own = scoped(
    engine,
    (e) => onBoundary(e, step, poolShape(e, step, exponential(e, theta)), e.vector([1])).d,
  );
  const [values] = await engine.read(own);
  engine.release(own);
  return d.reduce((most, x, i) => Math.max(most, x / values![i]!), 0);
}

/** The geometric mean of two, with the weight λ on the second. */
export function between(first: readonly Held[], second: readonly Held[], lambda: number): Held[] {
  const mean = (a: Float64Array, b: Float64Array) => a.map((x, i) => (1 - lambda) * x + lambda * b[i]!);
  return second.map((b, k): Held => {
    const a = first[k]!;
    if (lambda === 1) return b;
    if (a.kind === 'multipliers' && b.kind === 'multipliers') {
      return { kind: a.kind, logarithms: mean(a.logarithms, b.logarithms) };
    }
    if (a.kind === 'boundary' && b.kind === 'boundary') {
      const logarithm = (1 - lambda) * a.logarithm + lambda * b.logarithm;
      return { kind: a.kind, theta: mean(a.theta, b.theta), logarithm };
    }
    if (a.kind === 'relative' && b.kind === 'relative') {
      return { kind: a.kind, theta: mean(a.theta, b.theta) };
    }
    throw new Error('held multipliers: those of two different programs');
  });
}

/** The same times e^by. */
export function raised(held: Held, by: number): Held {
  switch (held.kind) {
    case 'multipliers':
      return { ...held, logarithms: held.logarithms.map((d) => d + by) };
    case 'boundary':
      return { ...held, logarithm: held.logarithm + by };
    case 'relative':
      return held;
    default:
      return held satisfies never;
  }
}

/** The multipliers that a search has come to, held. @param multipliers of an evaluation at θ */
export function heldAt(
  program: Program,
  theta: readonly Float64Array[],
  multipliers: readonly Multipliers[],
): Held[] {
  return placedSteps(program).map(({ segment, step }, k): Held => {
    const { logarithms } = multipliers[k]!;
    if (segment.axes === 0) return { kind: 'relative', theta: theta[k]!.slice() };
    if (step.kind === 'nonlinearity') return { kind: 'multipliers', logarithms };
    return { kind: 'boundary', theta: theta[k]!.slice(), logarithm: logarithms[0]! };
  });
}
