/** What a nonlinearity must know of the skip connections beside it (docs/mathematics.md §4, residual blocks and general graphs). */

import type { Live, NonlinearityStep, Program, Step } from '../../program/program.ts';
import { sourcesOf, type Variable } from '../../program/variables.ts';
import { ONE, over, toNumber, ZERO } from '../../scaled.ts';
import { Gains, type Norms } from '../norms/gains.ts';
import { rangesOf } from '../rules/nonlinearity.ts';

export interface Skip {
  /** Rows, before the step, of the variables that later join the nonlinearity's branch. */
  readonly ranges: readonly [number, number][];
  /** a/g: gain of the skipped variables up to the join over that of the branch. */
  readonly ratio: number;
  /** The next step is the join. */
  readonly direct: boolean;
  /** The join comes later: scale D by a short line search. */
  readonly search: boolean;
}

const LARGEST_RATIO = 2 ** 20;

/** Whether anything lives on beside a nonlinearity: then rules need norms. */
export function hasSkips(program: Program): boolean {
  const steps = program.segments.flatMap((s) => s.steps);
  const parts = partsOfSorted(steps);
  return steps.some((step) => step.kind === 'nonlinearity' && besideOf(step, parts).length > 0);
}

/** For everything that sorted groups are put together of, the other part. */
function partsOfSorted(steps: readonly Step[]): ReadonlyMap<Variable, Variable> {
  const parts = new Map<Variable, Variable>();
  for (const { variable } of steps.flatMap(({ after }) => after)) {
    if (variable.origin.kind !== 'linear' || !variable.origin.sorted) continue;
    const [sums, image] = sourcesOf(variable);
    parts.set(sums!, image!);
    parts.set(image!, sums!);
  }
  return parts;
}

/** One entry for every nonlinearity whose output later joins something that lives beside it. */
export function skipsOf(program: Program, norms: Norms): Map<Step, Skip> {
  const steps = program.segments.flatMap((s) => s.steps);
  const parts = partsOfSorted(steps);
  const skips = new Map<Step, Skip>();
  steps.forEach((step, k) => {
    if (step.kind !== 'nonlinearity') return;
    const beside = besideOf(step, parts);
    if (beside.length === 0) return;
    const skip = skipOf(step, beside, steps.slice(k + 1), norms);
    if (skip) skips.set(step, skip);
  });
  return skips;
}

/** What lives on beside a nonlinearity. Sums and differences of sorted groups count as one: the image of these is not correlated with those. */
function besideOf({ kept, sums, target }: NonlinearityStep, parts: ReadonlyMap<Variable, Variable>): Live[] {
  return kept.filter((live) => live !== sums?.live && live.variable !== parts.get(target.variable));
}

function skipOf(
  step: NonlinearityStep,
  beside: readonly Live[],
  later: readonly Step[],
  norms: Norms,
): Skip | undefined {
  const branch = step.target.variable;
  const kept = beside.map((l) => l.variable);
  const from = (bases: readonly Variable[]) => {
    const map = new Map([...kept, branch].map((v) => [v, ZERO]));
    for (const v of bases) map.set(v, ONE);
    return new Gains(map, norms);
  };
  const ofBranch = from([branch]);
  const ofKept = from(kept);
  /** What depends on the branch: steps are in order, so that sources come first. */
  const dependents = new Set<Variable>([branch]);
  const seen = new Set<Variable>([...kept, branch]);
  for (const [distance, next] of later.entries()) {
    for (const { variable } of next.after) {
      if (seen.has(variable)) continue;
      seen.add(variable);
      if (sourcesOf(variable).some((source) => dependents.has(source))) dependents.add(variable);
      if (variable.origin.kind !== 'linear') continue;
      const own = ofBranch.of(variable);
      const skipped = ofKept.of(variable);
      if (skipped.mantissa === 0 || !dependents.has(variable)) continue;
      const joining: Live[] = beside.filter((l) => from([l.variable]).of(variable).mantissa !== 0);
      // A branch of gain 0 (a residual block as it is initialised) wants D as large as can be.
      const ratio = own.mantissa === 0 ? LARGEST_RATIO : (toNumber(over(skipped, own)) ?? LARGEST_RATIO);
      return {
        ranges: rangesOf(joining),
        ratio: Math.min(ratio, LARGEST_RATIO),
        direct: distance === 0,
        search: distance > 0,
      };
    }
  }
  return undefined;
}
