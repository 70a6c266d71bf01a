/**
 * What a sweep takes at least, from sizes alone: known before anything is allocated. Held against the memory budget, it is what a
 * network is refused with.
 */

import {
  gridSides,
  type LinearStep,
  type Program,
  type ReadStep,
  type Segment,
} from '../../program/program.ts';
import type { Term } from '../../program/variables.ts';
import { halfCount } from '../../spectrum/frequencies.ts';
import { leastNumbers } from './partition.ts';
import { entries, tapCount } from './workspace.ts';

export interface Needs {
  /** However finely frequencies are cut. */
  readonly bytes: number;
  /** The layer at which most of it is needed. */
  readonly layer: string;
  /** Matrices that one run goes through: frequencies, step by step. */
  readonly visits: number;
  /** Terms of symbols and of phases that are summed up, whatever the number of runs. */
  readonly terms: number;
  /** Steps of the program. */
  readonly steps: number;
}

/** Of the objects that a tap is beside its numbers. */
export const BYTES_PER_TAP = 400;
/** Longer sides of a torus have no exact phases (`phases`). */
export const LONGEST_SIDE = 2 ** 26;

export function needsOf(program: Program, bytesPerNumber: number): Needs {
  let bytes = 0;
  let layer = '';
  let visits = 0;
  let steps = 0;
  let terms = 0;
  for (const segment of program.segments) {
    steps += segment.steps.length;
    visits += segmentVisits(segment);
    terms += segmentTerms(segment);
    const matrices = bytesPerNumber * leastNumbers(segment, bytesPerNumber);
    const lists = frequencyBytes(segment);
    let largest = { bytes: matrices + lists, layer: widest(segment) };
    let taps = 0;
    for (const step of segment.steps) {
      if (step.kind !== 'linear' && step.kind !== 'read') continue;
      const own = tapBytes(segment, step);
      if (own <= taps) continue;
      taps = own;
      if (own > matrices + lists) largest = { ...largest, layer: step.after.at(-1)!.variable.name };
    }
    largest = { ...largest, bytes: largest.bytes + taps };
    if (!(largest.bytes <= bytes)) ({ bytes, layer } = largest);
  }
  return { bytes, layer, visits, terms, steps };
}

function segmentVisits(segment: Segment): number {
  return segment.steps.reduce(
    (sum, _, k) => sum + (segment.axes === 0 ? 1 : halfCount(gridSides(segment, k))),
    0,
  );
}

function segmentTerms(segment: Segment): number {
  if (segment.axes === 0) return 0;
  return segment.steps.reduce((sum, step, k) => {
    if (step.kind !== 'linear' && step.kind !== 'read') return sum;
    const samples = step.terms.reduce((longest, { term }) => Math.max(longest, boxSamples(term)), 0);
    return sum + halfCount(gridSides(segment, k)) * (tapCount(segment, step) * entries(step) + samples);
  }, 0);
}

/** Samples that the phase of a box is a sum of. */
function boxSamples({ map, source }: Term): number {
  if (map.kind === 'total') return source.window.reduce((sum, n) => sum + n, 0);
  return map.kind === 'convolution' && map.box !== undefined
    ? map.kernel.sides.reduce((sum, n) => sum + n, 0)
    : 0;
}

/** The layer with the largest covariance. */
function widest({ steps, start }: Segment): string {
  let most = 0;
  let name = start[0]!.variable.name;
  for (const { after } of steps) {
    const rows = after.reduce((sum, live) => sum + live.rows, 0);
    if (rows <= most) continue;
    most = rows;
    name = after.at(-1)!.variable.name;
  }
  return name;
}

/** Lists of frequencies and their weights: of the coarsest grid and of its pieces, and of each finer grid. */
function frequencyBytes(segment: Segment): number {
  if (segment.axes === 0) return 0;
  if (segment.torus.some((side) => side > LONGEST_SIDE)) return Number.POSITIVE_INFINITY;
  const each = 4 * segment.axes + 8;
  const end = segment.steps.length;
  let count = 2 * halfCount(gridSides(segment, end));
  for (let k = end - 1; k >= 0; k--) {
    const same = segment.grids[k]!.every((spacing, a) => spacing === segment.grids[k + 1]![a]);
    if (!same) count += halfCount(gridSides(segment, k));
  }
  return each * count;
}

/** Matrices of all taps of a step, as they are collected and as they are put together. */
function tapBytes(segment: Segment, step: LinearStep | ReadStep): number {
  if (segment.axes === 0) return 8 * entries(step);
  return tapCount(segment, step) * (2 * 8 * entries(step) + BYTES_PER_TAP);
}
