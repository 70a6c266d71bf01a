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

/** One norm takes a factorisation for every frequency, and estimates for some: of its matrices, and of all its work, in units of a run. */
const MATRICES_PER_NORM = 10;
const WORK_PER_NORM = 2;
/** What a gradient takes in units of a run: it goes forward and back through many small operations. */
const STEPS_PER_GRADIENT = 6;
const MATRICES_PER_GRADIENT = 12;
const ARITHMETIC_PER_GRADIENT = 1.5;

/** Of one closed-form run of a program, and of the norm of its last covariance. */
export function secondsOf(program: Program): number {
  const { steps, matrices, arithmetic } = partsOf(program);
  return steps + matrices + arithmetic;
}

/** Of one evaluation of a search. */
export function secondsOfGradient(program: Program): number {
  const { steps, matrices, arithmetic } = partsOf(program);
  return STEPS_PER_GRADIENT * steps + MATRICES_PER_GRADIENT * matrices + ARITHMETIC_PER_GRADIENT * arithmetic;
}

/** Seconds for calls of every step, for every matrix, and for arithmetic. */
function partsOf(program: Program) {
  const { steps, visits, terms } = needsOf(program, 8);
  const operations = stepsOf(program).reduce(
    (sum, { segment, k }) => sum + perOperation(segment) * stepCost(segment, k),
    0,
  );
  return {
    steps: PER_STEP * steps,
    matrices: PER_MATRIX * visits,
    arithmetic: PER_TERM * terms + operations + secondsOfRadius(program),
  };
}

function secondsOfRadius({ segments }: Program): number {
  const last = segments.at(-1);
  // A network that is nothing but its factor.
  if (!last) return 0;
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
  const calls = MATRICES_PER_NORM * PER_MATRIX * frequencies;
  return calls + WORK_PER_NORM * (PER_TERM * terms + PER_OPERATION * operations);
}
