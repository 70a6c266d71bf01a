/** Where a search starts. */
import type { Step } from '../../program/program.ts';
import { incidence, poolParameters, spreadOf } from '../multipliers/boundary.ts';
import type { LayerMultipliers } from '../sweep/sweep.ts';

type Spread = NonNullable<ReturnType<typeof spreadOf>>;

/** θ of the multipliers of a run of `sweep`. */
export function thetaOf(layers: readonly LayerMultipliers[]): Map<Step, Float64Array> {
  return new Map<Step, Float64Array>(layers.map((l) => [l.step, startOf(l)]));
}

function startOf({ step, relative }: LayerMultipliers): Float64Array {
  const logarithm = (x: number, otherwise: number) => (x > 0 && x < Infinity ? Math.log(x) : otherwise);
  if (step.kind === 'nonlinearity') return relative.map((x) => logarithm(x, Math.log(4 / 3)));
  const spread = spreadOf(step);
  const free = poolParameters(step) - (spread?.groups ?? 0) - (step.kept.length > 0 ? 1 : 0);
  const largest = relative.reduce((m, x) => Math.max(m, x), 0);
  const start = new Float64Array(poolParameters(step)).fill(Math.log(0.3));
  const { targetsOf } = incidence(step);
  for (let k = 0; k < free; k++) {
    const most = targetsOf[k]!.reduce((m, row) => Math.max(m, relative[row]!), 0);
    start[k] = Math.max(-20, logarithm(most / largest, 0));
  }
  if (spread) spreadStart(start, free, spread);
  return start;
}

/** ê = E (1 + (σ − 1) t / (1 + t)) in the middle of what it may be, from ln ê of every channel at the beginning of `start`. */
function spreadStart(start: Float64Array, free: number, { ofSource, groups, spread }: Spread): void {
  const least = new Float64Array(groups).fill(Infinity);
  const most = new Float64Array(groups).fill(-Infinity);
  for (const [channel, g] of ofSource.entries()) {
    least[g] = Math.min(least[g]!, start[channel]!);
    most[g] = Math.max(most[g]!, start[channel]!);
  }
  for (let g = 0; g < groups; g++) start[free + g] = (least[g]! + most[g]! - Math.log(spread)) / 2;
  for (const [channel, g] of ofSource.entries()) {
    const ratio = Math.exp(start[channel]! - start[free + g]!);
    const share = Math.min(0.95, Math.max(0.05, (ratio - 1) / (spread - 1)));
    start[channel] = Math.log(share / (1 - share));
  }
}
