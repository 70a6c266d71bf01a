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

/** Undefined where multipliers do not dominate, or rounding hides whether they do. */
export async function passedThrough(
  algebra: Algebra,
  linear: LinearPart,
  partition: Partition,
  { rows, blocks, core, level }: Factored,
  sectors: Sectors,
  inputs: number,
): Promise<Passed | undefined> {
  const { middle, spread } = sectors;
  const eliminated = eliminate(partition, blocks, sectors);
  if (!eliminated) return undefined;
  const before = core?.taken ?? new Float64Array(inputs * inputs);
  const next = await coreOf(algebra, coreBehind(rows, partition, eliminated, before));
  if (!next) return undefined;
  const moved = movedRows(partition, blocks, rows, eliminated, sectors);
  const inner = blocks.slice();
  const above = new Float64Array(blocks.length);
  let sumOfInverses = 0;
  for (const [b, entries] of partition.blocks.entries()) {
    const own = eliminated[b];
    const at = partition.starts[b]!;
    const size = entries.length;
    if (own) {
      for (let k = 0; k < own.above.length; k++) sumOfInverses += Math.abs(own.above[k]!);
      addThrough(inner, blocks, at, size, own);
      for (const [p, k] of own.places.entries())
        for (const [q, l] of own.places.entries())
          above[at + k * size + l] = own.above[p * own.places.length + q]!;
    }
    for (let k = 0; k < size; k++)
      for (let l = 0; l < size; l++) inner[at + k * size + l]! *= middle[entries[k]!]! * middle[entries[l]!]!;
    if (own) {
      for (const [p, k] of own.places.entries()) inner[at + k * (size + 1)]! += spread[own.among[p]!]!;
    }
  }
  const doubt = doubtOfRows(linear, partition, blocks, rows, eliminated, middle, inputs);
  const ofRows = doubt.map((value) => (2 * (1 + 1 / TAU) * next.norm * value + 2 ** -960) * SLACK);
  const rounding = (most: number) => {
    const all = errorOfPropagation(
      linear,
      { times: (x) => partition.absoluteTimes(blocks, x), largest: largestModulus(blocks) },
      sectors,
      { times: (x) => partition.absoluteTimes(above, x), sum: sumOfInverses },
      2 * partition.largest + most,
    );
    for (let i = 0; i < all.length; i++) all[i]! += ofRows[i]!;
    return all;
  };
  return { level: level * (1 + TAU) * (1 + 4 * U), moved, core: next, inner, rounding };
}

/** K + G_Uᵀ (D − B_UU)⁻¹ G_U, from above. */
function coreBehind(
  { starts, columns, values }: SparseRows,
  { blocks: lists }: Partition,
  eliminated: readonly (Eliminated | undefined)[],
  before: Float64Array,
): Float64Array {
  const inputs = Math.sqrt(before.length);
  const taken = before.slice();
  /** |G_U|ᵀ |above| |G_U| 1 */
  const reach = new Float64Array(inputs);
  let [count, largest] = [0, 0];
  const lengthOf = (i: number) => {
    let sum = 0;
    for (let at = starts[i]!; at < starts[i + 1]!; at++) sum += Math.abs(values[at]!);
    return sum;
  };
  for (const [block, one] of eliminated.entries()) {
    if (!one) continue;
    const { places, above } = one;
    const own = places.map((k) => lists[block]![k]!);
    const lengths = own.map(lengthOf);
    count += own.length ** 2;
    for (const [p, i] of own.entries()) {
      for (const [q, j] of own.entries()) {
        const factor = above[p * own.length + q]!;
        const size = Math.abs(factor) * lengths[q]!;
        for (let left = starts[i]!; left < starts[i + 1]!; left++) {
          const value = factor * values[left]!;
          const row = columns[left]! * inputs;
          reach[columns[left]!]! += Math.abs(values[left]!) * size;
          largest = Math.max(largest, Math.abs(values[left]!));
          for (let right = starts[j]!; right < starts[j + 1]!; right++)
            taken[row + columns[right]!]! += value * values[right]!;
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
  eliminated: readonly (Eliminated | undefined)[],
  { middle }: Sectors,
): SparseRows {
  const values = rows.values.slice();
  for (const [block, entries] of lists.entries()) {
    const own = eliminated[block];
    const size = entries.length;
    const width = rows.starts[entries[0]! + 1]! - rows.starts[entries[0]!]!;
    for (let k = 0; k < size; k++) {
      const to = rows.starts[entries[k]!]!;
      if (own) {
        const { places, inverse } = own;
        for (const [q, l] of places.entries()) {
          let factor = 0;
          for (const [p, j] of places.entries())
            factor += b[starts[block]! + k * size + j]! * inverse[p * places.length + q]!;
          const from = rows.starts[entries[l]!]!;
          for (let g = 0; g < width; g++) values[to + g]! += factor * rows.values[from + g]!;
        }
      }
      const slope = middle[entries[k]!]!;
      for (let g = 0; g < width; g++) values[to + g]! *= slope;
    }
  }
  return { ...rows, values };
}

/** Adds B_:U (D − B_UU)⁻¹ B_U: of one block, from above but for rounding. */
function addThrough(
  to: Float64Array,
  b: Float64Array,
  at: number,
  size: number,
  { places, above }: Eliminated,
): void {
  const count = places.length;
  for (let k = 0; k < size; k++) {
    for (let l = 0; l <= k; l++) {
      let sum = 0;
      for (let p = 0; p < count; p++)
        for (let q = 0; q < count; q++)
          sum += b[at + k * size + places[p]!]! * above[p * count + q]! * b[at + l * size + places[q]!]!;
      const value = to[at + k * size + l]! + sum;
      to[at + k * size + l] = value;
      to[at + l * size + k] = value;
    }
  }
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
  eliminated: readonly (Eliminated | undefined)[],
  middle: Float64Array,
  inputs: number,
): Float64Array {
  const n = partition.size;
  const factor = SLACK * gamma(linear.roundings + 4 * partition.largest + 16);
  /** γ |X| + ΔX, symmetric. */
  const inverses = (x: Float64Array) => {
    const y = new Float64Array(n);
    for (const [block, entries] of partition.blocks.entries()) {
      const own = eliminated[block];
      if (!own) continue;
      const { places, inverse, doubt } = own;
      for (const [p, k] of places.entries())
        for (const [q, l] of places.entries()) {
          const at = p * places.length + q;
          y[entries[k]!]! += (factor * Math.abs(inverse[at]!) + doubt[at]!) * x[entries[l]!]!;
        }
    }
    return y;
  };
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
