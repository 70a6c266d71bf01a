/** The frequencies that a pass sees of a segment: all of them, or some with all that aliases to them. */
import { gridSides, type Segment } from '../../program/program.ts';
import {
  aliasesOf,
  type Frequencies,
  halfCount,
  halfTorus,
  NO_FREQUENCIES,
  slice,
} from '../../spectrum/frequencies.ts';

export interface SegmentFrequencies {
  /** Frequencies of the working grid before step k, and after the last: one entry more than steps. */
  readonly frequencies: readonly Frequencies[];
}

/** Frequencies of a segment's coarsest grid, of pairs ±ω one; 1 where all is vectors. */
export function coarsestCount(segment: Segment): number {
  return segment.axes === 0 ? 1 : halfCount(gridSides(segment, segment.steps.length));
}

/** All frequencies of a segment's coarsest grid, of pairs ±ω one. */
export function coarsest(segment: Segment): Frequencies {
  return segment.axes === 0 ? NO_FREQUENCIES : halfTorus(gridSides(segment, segment.steps.length));
}

/** Every frequency of a segment. */
export function allFrequencies(segment: Segment): SegmentFrequencies {
  return withAliases(segment, coarsest(segment));
}

/** Some frequencies of a segment's coarsest grid, each with all of every finer grid that alias to it.
 *  @param chosen indices into `coarsest` */
export function chosenFrequencies(
  segment: Segment,
  all: Frequencies,
  chosen: readonly number[],
): SegmentFrequencies {
  const axes = all.torus.length;
  return withAliases(segment, {
    torus: all.torus,
    count: chosen.length,
    indices: Int32Array.from(chosen.flatMap((k) => [...all.indices.subarray(k * axes, (k + 1) * axes)])),
    weights: Float64Array.from(chosen, (k) => all.weights[k]!),
  });
}

/** Every frequency of a segment, in pieces of so many of the coarsest grid. */
export function inPieces(segment: Segment, size: number): SegmentFrequencies[] {
  const all = coarsest(segment);
  const pieces: SegmentFrequencies[] = [];
  for (let start = 0; start < all.count; start += size) {
    pieces.push(withAliases(segment, slice(all, start, Math.min(all.count, start + size))));
  }
  return pieces;
}

/** The frequencies of every working grid of the segment, from those of its coarsest. */
function withAliases(segment: Segment, coarsest: Frequencies): SegmentFrequencies {
  const list: Frequencies[] = [coarsest];
  for (let k = segment.grids.length - 2; k >= 0; k--) {
    const ratio = segment.grids[k + 1]!.map((g, a) => g / segment.grids[k]![a]!);
    const finer = list[0]!;
    list.unshift(ratio.every((r) => r === 1) ? finer : aliasesOf(finer, ratio));
  }
  return { frequencies: list };
}
