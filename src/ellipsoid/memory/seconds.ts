/**
 * Estimates of time on a core or two, in seconds: what is in proportion is decided by them, so that the same file always gets the
 * same answer. The rates were measured on small programs, where calls and frequencies count for more than arithmetic.
 */

import { gridSides, type Program, type Segment, totalRows } from '../../program/program.ts';
import { halfCount } from '../../spectrum/frequencies.ts';
import { stepCost, stepsOf } from './cost.ts';
import { needsOf } from './needs.ts';

const PER_STEP = 1.6e-4;
const PER_MATRIX = 6e-7;
const PER_TERM = 1e-9;
const PER_OPERATION = 5e-11;
/** On one large matrix, not many small ones. */
const PER_DENSE_OPERATION = 2e-11;

/** One norm takes a factorisation for every frequency, and estimates for some. */
const MATRICES_PER_NORM = 10;

/** Of one closed-form run of a program, and of the norm of its last covariance. */
export function secondsOf(program: Program): number {
  const { steps, visits, terms } = needsOf(program, 8);
  const operations = stepsOf(program).reduce(
    (sum, { segment, k }) => sum + perOperation(segment) * stepCost(segment, k),
    0,
  );
  return PER_STEP * steps + PER_MATRIX * visits + PER_TERM * terms + operations + secondsOfRadius(program);
}

function secondsOfRadius({ segments }: Program): number {
  const last = segments.at(-1)!;
  const rows = totalRows(last.steps.at(-1)?.after ?? last.start);
  const [matrices, perProduct] =
    last.axes === 0 ? [1, 2] : [halfCount(gridSides(last, last.steps.length)), 8];
  return matrices * (PER_MATRIX + perOperation(last) * perProduct * rows ** 3);
}

function perOperation({ axes }: Segment): number {
  return axes === 0 ? PER_DENSE_OPERATION : PER_OPERATION;
}

/** Of the norm of one map, without what is the same for all. */
export function secondsOfNorm(frequencies: number, terms: number, operations: number): number {
  return PER_MATRIX * MATRICES_PER_NORM * frequencies + PER_TERM * terms + PER_OPERATION * operations;
}
