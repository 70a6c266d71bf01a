/** What bounding rounding cost, estimated from what was added on the way, and whether every proof on the way held. */
import type { Step } from '../../program/program.ts';
import { DOUBTS } from './inverse.ts';

export interface Inflation {
  /** Every condition of a proof held. */
  readonly proven: boolean;
  /** About how much larger the bound is than without an analysis of rounding; to first order, rather too large. */
  readonly factor: number;
  /** The factor's parts: each nonlinear layer, with what the linear maps before it added. */
  readonly layers: readonly { readonly name: string; readonly factor: number }[];
}

/** What was read back of `Evidence` (sweep/run.ts): vectors of length 1. */
export interface Numbers {
  readonly step: Step;
  readonly added?: Float64Array | undefined;
  readonly level?: Float64Array | undefined;
  readonly doubt?: Float64Array | undefined;
  readonly condition?: Float64Array | undefined;
}

/** @param evidence in the order of the steps */
export function inflationOf(evidence: readonly Numbers[]): Inflation {
  let pending = 0;
  let proven = true;
  const layers: { name: string; factor: number }[] = [];
  const note = (step: Step, squared: number) =>
    layers.push({ name: step.after.at(-1)!.variable.name, factor: Math.sqrt(1 + squared) });
  for (const { step, ...read } of evidence) {
    const [added, level, doubt, condition] = [
      read.added?.[0],
      read.level?.[0],
      read.doubt?.[0],
      read.condition?.[0],
    ];
    // A covariance that is zero has nothing to be relative to.
    if (added !== undefined && level !== undefined && level > 0) pending += added / level;
    if (doubt === undefined || condition === undefined) continue;
    if (!(doubt < 1)) proven = false;
    note(step, pending * condition + (2 * doubt) / DOUBTS);
    pending = 0;
  }
  const last = evidence.at(-1);
  if (pending > 0 && last) note(last.step, pending);
  return { proven, factor: layers.reduce((product, l) => product * l.factor, 1), layers };
}
