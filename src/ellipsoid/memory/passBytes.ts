/** What frequencies a differentiable pass sees, and what it needs for each. */

import { gridSides, type Segment, totalRows } from '../../program/program.ts';

/** Bytes that one coarsest frequency needs for the largest covariance of the segment, in numbers of so many bytes. */
export function bytesPerFrequency(segment: Segment, bytesPerNumber: number): number {
  let most = 0;
  const coarsest = gridSides(segment, segment.steps.length).reduce((p, n) => p * n, 1);
  segment.steps.forEach((step, k) => {
    const rows = Math.max(totalRows(step.before), totalRows(step.after));
    const frequencies = gridSides(segment, k).reduce((p, n) => p * n, 1) / coarsest;
    most = Math.max(most, frequencies * rows * rows * (segment.axes === 0 ? 1 : 2) * bytesPerNumber);
  });
  return most;
}

/** Matrices that the tape of a nonlinear step holds: the state before, S, R, Σ_kc. */
const TAPE_COPIES = 4;
/** Matrices of the largest step's size that a differentiable pass holds while it works on one step. */
const PASS_COPIES = 12;

/** Bytes of a differentiable pass for each coarsest frequency of a segment (for all of it, if it has no axes). */
export interface PassBytes {
  /** Symbols of all linear steps, kept between evaluations. */
  readonly symbols: number;
  readonly tapes: number;
  /** One state, and what is needed beside it at the largest step. */
  readonly state: number;
  readonly working: number;
}

export function passBytes(segment: Segment, bytesPerNumber: number): PassBytes {
  const sides = (k: number) => gridSides(segment, k).reduce((p, n) => p * n, 1);
  const coarsest = sides(segment.steps.length);
  const number = (segment.axes === 0 ? 1 : 2) * bytesPerNumber;
  let symbols = 0;
  let tapes = 0;
  segment.steps.forEach((step, k) => {
    const share = (sides(k) / coarsest) * number;
    const [before, after] = [totalRows(step.before), totalRows(step.after)];
    const linear = step.kind === 'linear' || step.kind === 'read';
    if (linear) symbols += share * before * after;
    tapes += share * (linear ? 1 : TAPE_COPIES) * before * before;
  });
  const state = bytesPerFrequency(segment, bytesPerNumber);
  return { symbols, tapes, state, working: PASS_COPIES * state };
}
