/**
 * The first stages of a pass where they are many times wider than the input and what functions add stays local, as before and in a pooling:
 * covariances are S = B + G (I − K)⁻¹ Gᵀ, K as small as the input and B a matrix of blocks (docs/mathematics.md §8). The pass is the one of
 * `anchoredPass`, for the work of a fraction.
 */
import { U } from '../../../network/evaluation/elementwiseEnclosure.ts';
import type { Ball } from '../../../network/evaluation/enclosure.ts';
import { SLACK } from '../../rounding/rounding.ts';
import { type Algebra, transposed } from '../algebra.ts';
import type { PreparedChain, StageReport } from '../anchoredPass.ts';
import { gamma, omegaOf } from '../covariance.ts';
import { LinearForms } from '../linearForms.ts';
import type { Ranges } from '../ranges.ts';
import { scaledSectors } from '../sectors.ts';
import { rangeAround, roomForCentre, SHARE_OF_CENTRE, type State } from '../state.ts';
import { dense, gathering } from './covariance.ts';
import { type LocalStage, localStages, type Partition, type Passage } from './partition.ts';
import { rowSumsOf } from './rowSums.ts';
import { gathered, nonzeros, type SparseRows, sumsWithin } from './sparseRows.ts';
import { type Core, type Factored, passedThrough, TAU } from './step.ts';

export class FactoredPass {
  readonly #prepared: PreparedChain;
  readonly #stages: readonly LocalStage[];
  /** C of the first linear part. */
  readonly #rows: SparseRows;
  /** What that is off by. */
  readonly #blocks: Float64Array;
  /** |C Cᵀ| */
  readonly #magnitudes: SparseRows;

  private constructor(
    prepared: PreparedChain,
    stages: readonly LocalStage[],
    rows: SparseRows,
    blocks: Float64Array,
    magnitudes: SparseRows,
  ) {
    this.#prepared = prepared;
    this.#stages = stages;
    this.#rows = rows;
    this.#blocks = blocks;
    this.#magnitudes = magnitudes;
  }

  /**
   * What regions share; undefined where the chain has no stages of that kind.
   * @param covariance C Cᵀ of the first linear part
   */
  static async prepare(
    algebra: Algebra,
    prepared: PreparedChain,
    covariance: Float64Array,
  ): Promise<FactoredPass | undefined> {
    const stages = await localStages(algebra, prepared.chain);
    const [begin] = stages;
    if (!begin) return undefined;
    const { first } = prepared;
    const { inputs, outputs } = first;
    const all = transposed(await LinearForms.rowsOfInputs(algebra, prepared), inputs, outputs);
    // What rows are off by: |E| ≤ γ |C|, so that E Eᵀ is at most γ² times the row sums of |C||C|ᵀ.
    const own = first.absolute(first.columnSums());
    const factor = (SLACK * gamma(first.roundings + 8)) ** 2;
    const omega = omegaOf(first);
    const lost = outputs * inputs * omega * omega;
    const blocks = own.map((value) => (2 * (1 + 1 / TAU) * (factor * value + lost) + 2 ** -960) * SLACK);
    const magnitudes = nonzeros(covariance.map(Math.abs), outputs);
    return new FactoredPass(prepared, stages, gathered(all, inputs, begin.sees), blocks, magnitudes);
  }

  /**
   * From a point to the state in front of the first stage that is not local.
   * @param level r², rounded up
   * @param limits what is known besides of the arguments of the first stage
   * @returns undefined where rounding leaves nothing to say
   */
  async run(
    algebra: Algebra,
    centre: Float64Array,
    level: number,
    limits?: Ranges,
  ): Promise<{ readonly stages: readonly StageReport[]; readonly state: State } | undefined> {
    const prepared = this.#prepared;
    const none = new Float64Array(centre.length);
    let here = settled(this.#stages[0]!.partition, prepared.first.enclose({ middle: centre, radius: none }), {
      level: level * (1 + TAU) * (1 + 4 * U),
      rows: this.#rows,
      blocks: this.#blocks.slice(),
      core: undefined,
    });
    const stages: StageReport[] = [];
    for (const [k, { partition, passage, exit }] of this.#stages.entries()) {
      const report = this.#report(k, here, limits);
      stages.push(report);
      const { anchor } = here;
      const next = prepared.after(k);
      const reached = next.enclose(
        prepared.values(k, { middle: anchor, radius: new Float64Array(anchor.length) }),
      );
      const { inputs } = prepared.chain;
      const summands = (passage ?? exit)?.summands ?? 0;
      const passed = await passedThrough(algebra, next, partition, here, report.sectors, inputs, summands);
      if (!passed) return undefined;
      if (!passage) {
        const state = exit
          ? await gathering(algebra, next.outputs, partition, exit, passed, reached)
          : await dense(algebra, next, partition, passed, reached);
        return { stages, state };
      }
      const { to, most } = passage;
      const blocks = blocksBehind(passage, passed.inner);
      const rounding = passed.rounding(most);
      to.addToDiagonal(blocks, (i, entry) => entry + rounding[i]!);
      const rows = rowsBehind(passage, passed.moved);
      here = settled(to, reached, { ...passed, rows, blocks });
    }
    throw new Error('factored pass: has no end');
  }

  /** Ranges, slopes and multipliers in front of stage k. */
  #report(k: number, here: Factored, limits: Ranges | undefined): StageReport {
    const { anchor, blocks, rows, core, level } = here;
    const { partition } = this.#stages[k]!;
    const n = anchor.length;
    const variances = new Float64Array(n);
    partition.addToDiagonal(blocks, (i, entry) => {
      variances[i] = entry;
      return entry;
    });
    const [low, high] = [new Float64Array(n).fill(-Infinity), new Float64Array(n).fill(Infinity)];
    const functions = this.#prepared.functions[k]!;
    for (const i of functions.places) {
      let [l, u] = rangeAround(anchor[i]!, level, variances[i]! + varianceOfRow(rows, i, core));
      if (k === 0 && limits) [l, u] = [Math.max(l, limits.low[i]!), Math.min(u, limits.high[i]!)];
      low[i] = Math.min(l, anchor[i]!);
      high[i] = Math.max(u, anchor[i]!);
    }
    const slopes = functions.anchored(anchor, undefined, low, high);
    const { uncertain } = slopes;
    const sums = core
      ? rowSumsOf(rows, core, partition, blocks, uncertain)
      : sumsWithin(this.#magnitudes, uncertain);
    return { anchor, low, high, sectors: scaledSectors(slopes, sums, 1) };
  }
}

/** A state with its anchor: what that is uncertain by goes into the blocks. */
function settled(
  partition: Partition,
  { middle, radius }: Ball,
  { level, rows, blocks, core }: Omit<Factored, 'anchor'>,
): Factored {
  const more = roomForCentre(radius, level);
  partition.addToDiagonal(blocks, (i, entry) => (entry + (more?.[i] ?? 0)) * (1 + 8 * U));
  return { anchor: middle, level: level * (1 + SHARE_OF_CENTRE) * (1 + 4 * U), rows, blocks, core };
}

/** g_iᵀ (I − K)⁻¹ g_i, from above. */
function varianceOfRow({ starts, columns, values }: SparseRows, i: number, core: Core | undefined): number {
  const [first, end] = [starts[i]!, starts[i + 1]!];
  let [sum, square] = [0, 0];
  for (let at = first; at < end; at++) square += values[at]! * values[at]!;
  if (!core) sum = square;
  else {
    const inputs = Math.sqrt(core.inverse.length);
    for (let at = first; at < end; at++) {
      const row = columns[at]! * inputs;
      let product = 0;
      for (let to = first; to < end; to++) product += core.inverse[row + columns[to]!]! * values[to]!;
      sum += values[at]! * product;
    }
  }
  const error = SLACK * gamma(2 * (end - first) + 16) * (core?.norm ?? 1) * square;
  return (sum + error) * (1 + 8 * U) + 2 ** -960;
}

/** C (M B̃ M + e² D) Cᵀ, block by block. */
function blocksBehind({ to, parts }: Passage, inner: Float64Array): Float64Array {
  const out = new Float64Array(to.length);
  for (const [block, own] of parts.entries()) {
    const size = to.blocks[block]!.length;
    const at = to.starts[block]!;
    for (const { start, width, matrix } of own) {
      for (let k = 0; k < size; k++) {
        for (let l = 0; l <= k; l++) {
          let sum = 0;
          for (let p = 0; p < width; p++) {
            const left = matrix[k * width + p]!;
            if (left === 0) continue;
            for (let q = 0; q < width; q++)
              sum += left * inner[start + p * width + q]! * matrix[l * width + q]!;
          }
          out[at + k * size + l]! += sum;
          if (k !== l) out[at + l * size + k]! += sum;
        }
      }
    }
  }
  return out;
}

/** C A, of which only what a pattern has may differ from 0. */
function rowsBehind({ columns, targets, sees }: Passage, a: SparseRows): SparseRows {
  const values = new Float64Array(sees.columns.length);
  let t = 0;
  for (let j = 0; j + 1 < a.starts.length; j++) {
    for (let at = columns.starts[j]!; at < columns.starts[j + 1]!; at++) {
      const factor = columns.values[at]!;
      for (let g = a.starts[j]!; g < a.starts[j + 1]!; g++) values[targets[t++]!]! += factor * a.values[g]!;
    }
  }
  return { ...sees, values };
}
