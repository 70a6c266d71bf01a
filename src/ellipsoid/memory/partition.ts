/**
 * The frequencies of a segment in pieces that fit a memory budget, grid by grid, and whether covariances are kept or recomputed.
 *
 * A piece of a coarser grid holds what aliases to it from one piece of the grid before; or, where even one frequency's aliases do
 * not fit together, from several.
 */

import { largest } from '../../network/extremes.ts';
import { gridSides, type Program, type Segment, totalRows } from '../../program/program.ts';
import { aliasesOf, type Frequencies, halfTorus, NO_FREQUENCIES, slice } from '../../spectrum/frequencies.ts';
import { entries, goesByColumns, tapCount, type Workspace, workspace } from './workspace.ts';

export interface Piece {
  readonly frequencies: Frequencies;
  /** The pieces before the step before that this one is made from: first … end − 1. Each holds equally many of the frequencies that
   *  alias to one of this piece's, next to each other. */
  readonly parts: readonly [first: number, end: number];
}

export interface Partition {
  /** The pieces before each step and after the last, at least one each. */
  readonly pieces: readonly (readonly Piece[])[];
  /** False where the covariances of all pieces do not fit the budget: they are then recomputed from the segment's start for
   *  every step, slower but in bounded memory. */
  readonly kept: boolean;
  /** Runs (rules) that fit side by side. */
  readonly runs: number;
  /** What the taps of linear steps and slices of dense matrices may take on the engine. */
  readonly uploads: Uploads;
}

export interface Uploads {
  /** Numbers in one upload. */
  readonly slice: number;
  /** Numbers at hand at one time. */
  readonly room: number;
}

export interface Budget {
  /** In bytes. */
  readonly memory: number;
  readonly bytesPerNumber: number;
  readonly wantedRuns: number;
}

/** Numbers of one upload at most: in float32 half of what every WebGPU device can bind at once. */
export const MOST_UPLOADED = 2 ** 24;

/** Cuts a segment's frequencies for a budget. */
export function partition(segment: Segment, { memory, bytesPerNumber, wantedRuns }: Budget): Partition {
  const budget = memory / bytesPerNumber;
  const width = segment.axes === 0 ? 1 : 2;
  const least = leastNumbers(segment, bytesPerNumber);
  const uploadSlice = Math.max(
    leastSlice(segment),
    Math.min(MOST_UPLOADED, Math.floor(Math.min(budget / 16, budget - least))),
  );
  const spaces = workspaces(segment, uploadSlice, bytesPerNumber);
  const taps = segment.steps.map((step) =>
    step.kind === 'linear' || step.kind === 'read' ? tapCount(segment, step) * entries(step) : 0,
  );
  const roomForTaps = (kept: boolean) => {
    const all = taps.reduce((sum, t) => (kept ? Math.max(sum, t) : sum + t), 0);
    return Math.max(0, Math.min(all, largestTap(segment) + Math.min(budget / 4, budget - least)));
  };
  const coarsest = segment.axes === 0 ? NO_FREQUENCIES : halfTorus(gridSides(segment, segment.steps.length));

  // Covariances of one run that lie between steps, and what is at work if all frequencies are in one piece.
  let stored = 0;
  let atOnce = 0;
  spaces.forEach(({ each, fixed }, k) => {
    const frequencies = (coarsest.count * product(gridSides(segment, k))) / product(coarsest.torus);
    stored = Math.max(stored, frequencies * width * rowsBefore(segment, k) ** 2);
    atOnce = Math.max(atOnce, frequencies * width * each + fixed);
  });
  const free = budget - roomForTaps(true);
  // Vectors cannot be cut, and frequencies no further than to one. Runs side by side get what one alone leaves.
  const working = segment.axes === 0 ? atOnce : Math.min(atOnce, Math.max(free - stored, budget / 4, least));
  const runsThatFit = Math.floor((free - working) / Math.max(1, stored));
  const kept = segment.axes === 0 || runsThatFit >= 1;
  const runs = kept ? Math.max(1, Math.min(wantedRuns, runsThatFit)) : 1;
  const uploads = { slice: uploadSlice, room: roomForTaps(kept) };
  if (segment.axes === 0) {
    const pieces = segment.grids.map(() => [{ frequencies: NO_FREQUENCIES, parts: [0, 1] as const }]);
    return { pieces, kept, runs, uploads };
  }
  const room = kept ? free - runs * stored : budget - uploads.room;
  const held = beside(spaces);
  const most = spaces.map(({ each, fixed }, k) => {
    // Kept covariances are counted already; others are recomputed while later steps hold their sums.
    const perFrequency = width * (kept ? each : each + rowsBefore(segment, k) ** 2);
    return Math.floor((room - (kept ? fixed : held[k]!)) / Math.max(1, perFrequency));
  });
  return { pieces: piecesOf(segment, coarsest, most), kept, runs, uploads };
}

/** Bytes that a sweep needs for its matrices however finely frequencies are cut: one of the finest grid at a time, with one tap. */
export function leastBytes(program: Program, bytesPerNumber: number): number {
  return bytesPerNumber * largest(program.segments.map((s) => leastNumbers(s, bytesPerNumber)));
}

/** Numbers that a segment needs on the engine however finely its frequencies are cut. */
export function leastNumbers(segment: Segment, bytesPerNumber: number): number {
  const width = segment.axes === 0 ? 1 : 2;
  const spaces = workspaces(segment, leastSlice(segment), bytesPerNumber);
  const held = beside(spaces);
  const each = spaces.map((s, k) => width * (s.each + rowsBefore(segment, k) ** 2) + held[k]!);
  return largest(each) + largestTap(segment);
}

/** Numbers of an upload at least: cut finer than into squares, a wide dense matrix takes more additions of what its slices give, for room
 *  that the nonlinearity behind it needs anyway. */
function leastSlice(segment: Segment): number {
  const [first] = segment.steps;
  if (!first || !goesByColumns(segment, 0)) return 1;
  return Math.max(1, Math.min(MOST_UPLOADED, totalRows(first.after) ** 2, entries(first)));
}

function workspaces(segment: Segment, slice: number, bytesPerNumber: number): Workspace[] {
  return [...segment.steps.keys(), segment.steps.length].map((k) =>
    workspace(segment, k, slice, bytesPerNumber),
  );
}

/** Numbers beside the frequencies of each step, where its pieces are made for steps behind it that hold sums of their own. */
function beside(spaces: readonly Workspace[]): number[] {
  let behind = 0;
  const result: number[] = [];
  for (const { fixed, held } of spaces.toReversed()) {
    result.push(fixed + behind);
    behind += held;
  }
  return result.reverse();
}

/** Numbers of the largest tap; a dense matrix is none. */
function largestTap(segment: Segment): number {
  return segment.axes === 0 ? 0 : segment.steps.reduce((most, step) => Math.max(most, entries(step)), 0);
}

/** Rows of the covariance before a step; none where it is white. */
function rowsBefore(segment: Segment, k: number): number {
  if (k === 0) return segment.white ? 0 : totalRows(segment.start);
  return totalRows(segment.steps[k - 1]!.after);
}

/** @param most frequencies in a piece before each step and after the last */
function piecesOf(segment: Segment, coarsest: Frequencies, most: readonly number[]): Piece[][] {
  const last = segment.steps.length;
  const ratios = segment.steps.map((_, k) => segment.grids[k + 1]!.map((g, a) => g / segment.grids[k]![a]!));
  // So many that their aliases fit all the way down, or one.
  const sizes: number[] = [];
  most.forEach((limit, k) => {
    const before = k === 0 ? limit : Math.floor(sizes[k - 1]! / product(ratios[k - 1]!));
    sizes.push(Math.max(1, Math.min(limit, before)));
  });
  const result: Piece[][] = segment.grids.map(() => []);
  /** Adds a piece before step k, and first those that alias to it. */
  const add = (k: number, frequencies: Frequencies) => {
    const first = k === 0 ? 0 : result[k - 1]!.length;
    if (k > 0) {
      const copies = product(ratios[k - 1]!);
      const finer = copies === 1 ? frequencies : aliasesOf(frequencies, ratios[k - 1]!);
      const parts = finer.count <= sizes[k - 1]! ? 1 : copies / largestDivisor(copies, sizes[k - 1]!);
      // More than one only where a single frequency is too much.
      const size = finer.count / parts;
      for (let start = 0; start < finer.count; start += size)
        add(k - 1, parts === 1 ? finer : slice(finer, start, start + size));
    }
    result[k]!.push({ frequencies, parts: [first, k === 0 ? 0 : result[k - 1]!.length] });
  };
  for (let start = 0; start < coarsest.count; start += sizes[last]!)
    add(last, slice(coarsest, start, Math.min(coarsest.count, start + sizes[last]!)));
  return result;
}

function largestDivisor(n: number, limit: number): number {
  for (let divisor = Math.min(n, limit); divisor > 1; divisor--) if (n % divisor === 0) return divisor;
  return 1;
}

function product(sides: readonly number[]): number {
  return sides.reduce((p, n) => p * n, 1);
}
