/** Estimates, in floating-point operations, of what steps cost: for progress and before anything starts. */

import {
  gridSides,
  type PlacedTerm,
  type Program,
  type Segment,
  type Step,
  totalRows,
} from '../../program/program.ts';
import { bytesPerFrequency } from './passBytes.ts';

/** Frequencies of the working grid before step k, of which conjugate pairs need one. */
function frequencies(segment: Segment, k: number): number {
  const all = gridSides(segment, k).reduce((p, n) => p * n, 1);
  return segment.axes === 0 ? 1 : (all + 1) / 2;
}

/** Operations of one run of a step: W Σ Wᴴ, or Cholesky, inverse and what the multipliers need of S. */
export function stepCost(segment: Segment, k: number): number {
  const step = segment.steps[k]!;
  const perProduct = segment.axes === 0 ? 2 : 8;
  const before = totalRows(step.before);
  const after = totalRows(step.after);
  const each =
    step.kind === 'linear' || step.kind === 'read'
      ? perProduct * after * before * (before + after)
      : perProduct *
        (3 * step.source.rows ** 3 + 2 * (before - step.source.rows) * step.source.rows * before);
  return frequencies(segment, k) * each;
}

/** Operations of the norm of one map. */
export function normCost(segment: Segment, k: number, placed: PlacedTerm): number {
  const perProduct = segment.axes === 0 ? 2 : 8;
  const rows = placed.term.channels;
  return (
    frequencies(segment, k) * perProduct * (rows * rows * placed.source.variable.channels + 2 * rows ** 3)
  );
}

export function stepsOf(program: Program): { segment: Segment; k: number; step: Step }[] {
  return program.segments.flatMap((segment) => segment.steps.map((step, k) => ({ segment, k, step })));
}

/** Operations of one run of a whole program. */
export function programCost(program: Program): number {
  return stepsOf(program).reduce((sum, { segment, k }) => sum + stepCost(segment, k), 0);
}

/** Bytes of the largest covariance of a program, at all frequencies, in float64. */
export function programBytes(program: Program): number {
  return program.segments.reduce((most, segment) => {
    const coarsest = gridSides(segment, segment.steps.length).reduce((p, n) => p * n, 1);
    return Math.max(most, bytesPerFrequency(segment, 8) * (segment.axes === 0 ? 1 : (coarsest + 1) / 2));
  }, 0);
}
