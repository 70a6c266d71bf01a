/** What frequencies a differentiable pass sees, and what it needs for each. */

import { gridSides, type Segment, totalRows } from '../../program/program.ts';
import { type Frequencies, halfTorus, refine } from '../../spectrum/frequencies.ts';

export interface Chunk {
  /** Frequencies of the working grid before step k, and after the last: one entry more than steps. */
  readonly frequencies: readonly Frequencies[];
}

/** The one "frequency" of vectors. */
export const NO_FREQUENCIES: Frequencies = {
  torus: [],
  count: 1,
  indices: new Int32Array(0),
  weights: Float64Array.of(1),
};

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

/** The frequencies of every working grid of the segment, from those of its coarsest. */
function chain(segment: Segment, coarsest: Frequencies): Frequencies[] {
  const list: Frequencies[] = [coarsest];
  for (let k = segment.grids.length - 2; k >= 0; k--) {
    const ratio = segment.grids[k + 1]!.map((g, a) => g / segment.grids[k]![a]!);
    const finer = list[0]!;
    list.unshift(ratio.every((r) => r === 1) ? finer : refine(finer, ratio));
  }
  return list;
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

/** `count` evenly spread frequencies of a segment, with weights that add up to all. */
export function spread(segment: Segment, count: number): Chunk {
  const all = halfTorus(gridSides(segment, segment.steps.length));
  if (count >= all.count) return { frequencies: chain(segment, all) };
  const axes = all.torus.length;
  const chosen = Array.from({ length: count }, (_, k) => Math.floor((k * all.count) / count));
  const weights = Float64Array.from(chosen, (k) => all.weights[k]!);
  const total = all.torus.reduce((p, n) => p * n, 1);
  const factor = total / weights.reduce((a, b) => a + b, 0);
  const subset: Frequencies = {
    torus: all.torus,
    count,
    indices: Int32Array.from(chosen.flatMap((k) => [...all.indices.subarray(k * axes, (k + 1) * axes)])),
    weights: weights.map((w) => w * factor),
  };
  return { frequencies: chain(segment, subset) };
}
