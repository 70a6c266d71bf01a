/** Where a search starts. */
import type { Step } from '../../program/program.ts';
import { incidence, poolParameters } from '../multipliers/boundary.ts';
import type { LayerMultipliers } from '../sweep/sweep.ts';

/** θ of the multipliers of a run of `sweep`. */
export function thetaOf(layers: readonly LayerMultipliers[]): Map<Step, Float64Array> {
  return new Map<Step, Float64Array>(layers.map((l) => [l.step, startOf(l)]));
}

function startOf({ step, relative }: LayerMultipliers): Float64Array {
  const logarithm = (x: number, otherwise: number) => (x > 0 && x < Infinity ? Math.log(x) : otherwise);
  if (step.kind === 'nonlinearity') return relative.map((x) => logarithm(x, Math.log(4 / 3)));
  const free = poolParameters(step) - (step.kept.length > 0 ? 1 : 0);
  const largest = relative.reduce((m, x) => Math.max(m, x), 0);
  const start = new Float64Array(poolParameters(step)).fill(Math.log(0.3));
  const { targetsOf } = incidence(step);
  for (let k = 0; k < free; k++) {
    const most = targetsOf[k]!.reduce((m, row) => Math.max(m, relative[row]!), 0);
    start[k] = Math.max(-20, logarithm(most / largest, 0));
  }
  return start;
}
