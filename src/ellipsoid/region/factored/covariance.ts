/** Behind the last stage that is local: all of it as one covariance, for those that are not. */
import type { Ball } from '../../../network/evaluation/enclosure.ts';
import { SLACK } from '../../rounding/rounding.ts';
import { type Algebra, absoluteTimes, transposed } from '../algebra.ts';
import { addToDiagonal, gamma } from '../covariance.ts';
import type { LinearPart } from '../linearPart.ts';
import { type State, stateAround } from '../state.ts';
import type { Exit, Partition } from './partition.ts';
import { denseColumns } from './sparseRows.ts';
import type { Core, Passed } from './step.ts';

/** By matrices of all entries. */
export async function dense(
  algebra: Algebra,
  linear: LinearPart,
  partition: Partition,
  { level, moved, core, inner, rounding }: Passed,
  reached: Ball,
): Promise<State> {
  const m = linear.outputs;
  const inputs = Math.sqrt(core.inverse.length);
  const images = new Float64Array(partition.size * m);
  const [index, to, factors]: [number[], number[], number[]] = [[], [], []];
  for (const [block, entries] of partition.blocks.entries()) {
    let at = partition.starts[block]!;
    for (const i of entries) {
      for (const j of entries) {
        const factor = inner[at++]!;
        if (factor === 0) continue;
        index.push(j);
        to.push(i);
        factors.push(factor);
      }
    }
  }
  await linear.addColumns(
    algebra,
    images,
    Int32Array.from(index),
    Float64Array.from(factors),
    Int32Array.from(to),
  );
  const ofBlocks = await linear.rows(algebra, transposed(images, partition.size, m), m);
  const through = await linear.rows(algebra, denseColumns(moved, inputs), inputs);
  return together(algebra, transposed(through, inputs, m), ofBlocks, core, level, rounding(0), reached);
}

/** The same where few entries of the linear part differ from 0: block by block. */
export async function gathering(
  algebra: Algebra,
  m: number,
  { blocks, starts }: Partition,
  { rows: lists, matrices, most }: Exit,
  { level, moved, core, inner, rounding }: Passed,
  reached: Ball,
): Promise<State> {
  const inputs = Math.sqrt(core.inverse.length);
  const rows = new Float64Array(m * inputs);
  const ofBlocks = new Float64Array(m * m);
  for (let b = 0; b < blocks.length; b++) {
    const entries = blocks[b]!;
    const size = entries.length;
    const list = lists[b]!;
    const matrix = matrices[b]!;
    const width = list.length;
    const first = moved.starts[entries[0]!]!;
    const seen = moved.starts[entries[0]! + 1]! - first;
    for (let r = 0; r < width; r++) {
      const row = list[r]! * inputs;
      const line = list[r]! * m;
      for (let p = 0; p < size; p++) {
        const factor = matrix[p * width + r]!;
        const own = moved.starts[entries[p]!]!;
        for (let g = 0; g < seen; g++)
          rows[row + moved.columns[first + g]!]! += factor * moved.values[own + g]!;
        // A column of the product with the block: the lower half of what comes of it.
        let image = 0;
        for (let q = 0; q < size; q++) image += matrix[q * width + r]! * inner[starts[b]! + q * size + p]!;
        for (let l = 0, at = p * width; l <= r; l++, at++) ofBlocks[line + list[l]!]! += image * matrix[at]!;
      }
    }
  }
  return together(algebra, rows, ofBlocks, core, level, rounding(most), reached);
}

/**
 * G (I − K)⁻¹ Gᵀ + B and what it is off by, for all entries.
 * @param b its lower half
 * @param more to be added to the diagonal
 */
async function together(
  algebra: Algebra,
  rows: Float64Array,
  b: Float64Array,
  core: Core,
  level: number,
  more: Float64Array,
  reached: Ball,
): Promise<State> {
  const m = more.length;
  const inputs = rows.length / m;
  const covariance = await algebra.congruence(rows, m, core.inverse);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j <= i; j++) {
      const value = covariance[i * m + j]! + b[i * m + j]!;
      covariance[i * m + j] = value;
      covariance[j * m + i] = value;
    }
  }
  // |G| |X| |G|ᵀ 1
  const sums = new Float64Array(inputs);
  for (let at = 0; at < rows.length; at++) sums[at % inputs]! += Math.abs(rows[at]!);
  const reach = absoluteTimes(rows, absoluteTimes(core.inverse, sums));
  const factor = SLACK * gamma(2 * inputs + 16);
  addToDiagonal(
    covariance,
    reach.map((value, i) => factor * value + more[i]! + 2 ** -960),
  );
  return stateAround(reached, covariance, level);
}
