/** One stage of a pass by factors, and what it rounds (docs/soundness.md, "Regions"). */
import { U } from '../../../network/evaluation/elementwiseEnclosure.ts';
import { largestModulus } from '../../../network/extremes.ts';
import { SLACK } from '../../rounding/rounding.ts';
import { type Algebra, absoluteTimes } from '../algebra.ts';
import {
  errorOfInverse,
  errorOfPropagation,
  gamma,
  inverseFromAbove,
  omegaOf,
  type Sectors,
} from '../covariance.ts';
import type { LinearPart } from '../linearPart.ts';
import { SHARE_OF_CENTRE } from '../state.ts';
import { type Eliminated, eliminate } from './blockInverses.ts';
import type { Partition } from './partition.ts';
import type { SparseRows } from './sparseRows.ts';

/** In front of a stage: for every direction c, cᵀ (y − anchor) ≤ √(level · cᵀ S c), S = B + G (I − K)⁻¹ Gᵀ. */
export interface Factored {
  readonly anchor: Float64Array;
  readonly level: number;
  /** G, [arguments × inputs] */
  readonly rows: SparseRows;
  /** B */
  readonly blocks: Float64Array;
  /** Undefined: K = 0. */
  readonly core: Core | undefined;
}

export interface Core {
  /** K, [inputs × inputs] */
  readonly taken: Float64Array;
  /** At least (I − K)⁻¹. */
  readonly inverse: Float64Array;
  /** Of that, at least. */
  readonly norm: number;
}

/** By how much the level grows so that rows may be off. */
export const TAU = SHARE_OF_CENTRE;

/** What is behind the functions of a stage; the linear part that follows is still to come, but for what it rounds. */
export interface Passed {
  readonly level: number;
  /** M (I + B_:U (D − B_UU)⁻¹ E_Uᵀ) G */
  readonly moved: SparseRows;
  readonly core: Core;
  /** M B̃ M + e² D */
  readonly inner: Float64Array;
  /** To be added to the diagonal behind C, sums of so many products being added up there. */
  readonly rounding: (most: number) => Float64Array;
}

/**
 * @param summands that rows behind the linear part are sums of, beyond those that it adds up itself
 * @returns undefined where multipliers do not dominate, or rounding hides whether they do
 */
export async function passedThrough(
  algebra: Algebra,
  linear: LinearPart,
  partition: Partition,
  { rows, blocks, core, level }: Factored,
  sectors: Sectors,
  inputs: number,
  summands: number,
): Promise<Passed | undefined> {
  const { middle } = sectors;
  const eliminated = eliminate(partition, blocks, sectors);
  if (!eliminated) return undefined;
  const before = core?.taken ?? new Float64Array(inputs * inputs);
  const next = await coreOf(algebra, coreBehind(rows, partition, eliminated, before));
  if (!next) return undefined;
  const moved = movedRows(partition, blocks, rows, eliminated, sectors);
  const inner = innerOf(partition, blocks, eliminated, sectors);
  const { above } = eliminated;
  const sumOfInverses = above.reduce((sum, value) => sum + Math.abs(value), 0);
  const doubt = doubtOfRows(linear, partition, blocks, rows, eliminated, middle, inputs, summands);
  const ofRows = doubt.map((value) => (2 * (1 + 1 / TAU) * next.norm * value + 2 ** -960) * SLACK);
  const rounding = (most: number) => {
    const all = errorOfPropagation(
      linear,
      { times: (x) => partition.absoluteTimes(blocks, x), largest: largestModulus(blocks) },
      sectors,
      { times: (x) => partition.absoluteTimes(above, x), sum: sumOfInverses },
      // Twice, products with a block on both sides are sums of so many.
      2 * partition.largest ** 2 + most,
    );
    for (let i = 0; i < all.length; i++) all[i]! += ofRows[i]!;
    return all;
  };
  return { level: level * (1 + TAU) * (1 + 4 * U), moved, core: next, inner, rounding };
}

/** M B̃ M + e² D, B̃ = B + B_:U (D − B_UU)⁻¹ B_U: from above but for rounding. */
function innerOf(
  { blocks: lists, starts, diagonal }: Partition,
  b: Float64Array,
  { counts, above }: Eliminated,
  { middle, uncertain, spread }: Sectors,
): Float64Array {
  const inner = b.slice();
  for (let block = 0; block < lists.length; block++) {
    const entries = lists[block]!;
    const size = entries.length;
    const at = starts[block]!;
    for (let k = 0; k < size; k++) {
      for (let l = 0; l <= k; l++) {
        let sum = 0;
        if (counts[block]! > 0) {
          for (let p = 0; p < size; p++) {
            for (let q = 0; q < size; q++)
              sum += b[at + k * size + p]! * above[at + p * size + q]! * b[at + l * size + q]!;
          }
        }
        const slopes = middle[entries[k]!]! * middle[entries[l]!]!;
        const value = (inner[at + k * size + l]! + sum) * slopes;
        inner[at + k * size + l] = value;
        inner[at + l * size + k] = value;
      }
    }
  }
  for (let k = 0; k < uncertain.length; k++) inner[diagonal[uncertain[k]!]!]! += spread[k]!;
  return inner;
}

/** K + G_Uᵀ (D − B_UU)⁻¹ G_U, from above. */
function coreBehind(
  { starts, columns, values }: SparseRows,
  { blocks: lists, starts: places }: Partition,
  { among, counts, above }: Eliminated,
  before: Float64Array,
): Float64Array {
  const inputs = Math.sqrt(before.length);
  const taken = before.slice();
  /** |G_U|ᵀ |above| |G_U| 1 */
  const reach = new Float64Array(inputs);
  let [count, largest] = [0, 0];
  for (let block = 0; block < lists.length; block++) {
    if (counts[block] === 0) continue;
    count += counts[block]! ** 2;
    const entries = lists[block]!;
    const size = entries.length;
    for (let q = 0; q < size; q++) {
      const j = entries[q]!;
      if (among[j]! < 0) continue;
      const [first, end] = [starts[j]!, starts[j + 1]!];
      let length = 0;
      for (let at = first; at < end; at++) length += Math.abs(values[at]!);
      for (let p = 0; p < size; p++) {
        const i = entries[p]!;
        const factor = above[places[block]! + p * size + q]!;
        if (among[i]! < 0) continue;
        const reached = Math.abs(factor) * length;
        const from = starts[i]!;
        for (let n = 0; n < end - first; n++) {
          const modulus = Math.abs(values[from + n]!);
          const value = factor * values[from + n]!;
          const column = columns[first + n]!;
          const row = column * inputs;
          reach[column]! += modulus * reached;
          largest = Math.max(largest, modulus);
          // Entries of a block have the same columns, in order; what is left of the diagonal is set below.
          for (let at = first + n; at < end; at++) taken[row + columns[at]!]! += value * values[at]!;
        }
      }
    }
  }
  const factor = SLACK * gamma(count + 16);
  const lost = inputs * (count + 1) * 2 ** -1060 * (1 + largest);
  for (let g = 0; g < inputs; g++) {
    let size = 0;
    for (let h = 0; h < inputs; h++) {
      const at = g * inputs + h;
      // Exactly symmetric, whatever the order of sums.
      if (h < g) taken[at] = taken[h * inputs + g]!;
      size += Math.abs(before[at]!);
    }
    taken[g * (inputs + 1)]! += factor * (reach[g]! + size) + lost + 2 ** -960;
  }
  return taken;
}

/** Undefined where K is not below I, or rounding hides whether it is. */
async function coreOf(algebra: Algebra, taken: Float64Array): Promise<Core | undefined> {
  const ones = new Float64Array(Math.sqrt(taken.length)).fill(1);
  const inverse = await algebra.inverse(ones, taken);
  const error = inverse && errorOfInverse(ones, inverse);
  if (!error) return undefined;
  const above = inverseFromAbove(ones, inverse, error);
  const norm = largestModulus(absoluteTimes(above, ones)) * SLACK;
  return norm < Infinity ? { taken, inverse: above, norm } : undefined;
}

/** M (I + B_:U (D − B_UU)⁻¹ E_Uᵀ) G; all entries of a block have the same columns. */
function movedRows(
  { blocks: lists, starts }: Partition,
  b: Float64Array,
  rows: SparseRows,
  { among, counts, inverse }: Eliminated,
  { middle }: Sectors,
): SparseRows {
  const before = rows.values;
  const values = before.slice();
  for (let block = 0; block < lists.length; block++) {
    const entries = lists[block]!;
    const size = entries.length;
    const at = starts[block]!;
    const width = rows.starts[entries[0]! + 1]! - rows.starts[entries[0]!]!;
    for (let k = 0; k < size; k++) {
      const to = rows.starts[entries[k]!]!;
      for (let l = 0; l < size && counts[block]! > 0; l++) {
        if (among[entries[l]!]! < 0) continue;
        let factor = 0;
        for (let p = 0; p < size; p++) factor += b[at + k * size + p]! * inverse[at + p * size + l]!;
        const from = rows.starts[entries[l]!]!;
        for (let g = 0; g < width; g++) values[to + g]! += factor * before[from + g]!;
      }
      const slope = middle[entries[k]!]!;
      for (let g = 0; g < width; g++) values[to + g]! *= slope;
    }
  }
  return { ...rows, values };
}

/**
 * E Eᵀ 1 for what rows behind a linear part are off by, |E| ≤ N |G| with N = |C||M| (γ (I + |B||X|) + |B| ΔX), X = (D − B_UU)⁻¹ on U, beside
 * what is too small for float64.
 */
function doubtOfRows(
  linear: LinearPart,
  partition: Partition,
  b: Float64Array,
  rows: SparseRows,
  { inverse, doubt }: Eliminated,
  middle: Float64Array,
  inputs: number,
  summands: number,
): Float64Array {
  const n = partition.size;
  const factor = SLACK * gamma(linear.roundings + summands + 4 * partition.largest + 16);
  /** γ |X| + ΔX, symmetric. */
  const both = inverse.map((value, at) => factor * Math.abs(value) + doubt[at]!);
  const inverses = (x: Float64Array) => partition.absoluteTimes(both, x);
  const left = linear.columnSums().map((value, i) => value * Math.abs(middle[i]!));
  const through = inverses(partition.absoluteTimes(b, left));
  const t = left.map((value, i) => factor * value + through[i]!);
  const w = new Float64Array(inputs);
  let largest = 0;
  const { starts, columns, values } = rows;
  for (let i = 0; i < n; i++) {
    for (let at = starts[i]!; at < starts[i + 1]!; at++) {
      const size = Math.abs(values[at]!);
      w[columns[at]!]! += t[i]! * size;
      largest = Math.max(largest, size);
    }
  }
  const h = new Float64Array(n);
  for (let i = 0; i < n; i++)
    for (let at = starts[i]!; at < starts[i + 1]!; at++) h[i]! += Math.abs(values[at]!) * w[columns[at]!]!;
  const around = partition.absoluteTimes(b, inverses(h));
  const p = h.map((value, i) => (factor * value + around[i]!) * Math.abs(middle[i]!));
  const omega = omegaOf(linear) * (1 + largest * (1 + largestModulus(b)) * partition.largest);
  const lost = linear.outputs * inputs * omega * omega;
  return linear.absolute(p).map((value) => value * SLACK + lost);
}
