/** The frequencies that a search sees of a segment: all of them, or some that are evenly spread. */
import { gridSides, type Segment } from '../../program/program.ts';
import { aliasesOf, type Frequencies, halfTorus } from '../../spectrum/frequencies.ts';

export interface SegmentFrequencies {
  /** Frequencies of the working grid before step k, and after the last: one entry more than steps. */
  readonly frequencies: readonly Frequencies[];
}

/** The frequencies of every working grid of the segment, from those of its coarsest. */
function chain(segment: Segment, coarsest: Frequencies): Frequencies[] {
  const list: Frequencies[] = [coarsest];
  for (let k = segment.grids.length - 2; k >= 0; k--) {
    const ratio = segment.grids[k + 1]!.map((g, a) => g / segment.grids[k]![a]!);
    const finer = list[0]!;
    list.unshift(ratio.every((r) => r === 1) ? finer : aliasesOf(finer, ratio));
  }
  return list;
}

/** `count` evenly spread frequencies of a segment, with weights that add up to all. */
export function evenlySpread(segment: Segment, count: number): SegmentFrequencies {
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
