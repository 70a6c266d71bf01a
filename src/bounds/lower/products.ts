/** Products with convolutions as products of matrices on an engine: of the filters with the patches that the windows see, or their transpose. */
import type { Engine, Matrices } from '../../engine/engine.ts';
import type { AffineMap, Patches } from '../../network/evaluation/linearMap.ts';
import { workAsMatrices } from '../../network/evaluation/needs.ts';
import { type LinearProduct, plainProduct } from '../../network/evaluation/steps.ts';
import type { TapTable } from '../../network/evaluation/windows.ts';
import { inDouble } from '../../network/numbers.ts';

/** Entries of the patches that are there at a time: 8 MB. */
const MOST_ENTRIES = 2 ** 20;

/** Pairs of operations that a product takes the time of, in loops or on an engine. */
export function workOnEngine({ patches, work }: AffineMap): number {
  if (!patches) return work;
  const { rows, groups } = patches.filters;
  return Math.min(work, workAsMatrices(rows, groups, work));
}

/** Windows of one group of channels. */
interface Part {
  readonly group: number;
  readonly first: number;
  readonly end: number;
}

export class MatrixProducts {
  readonly #engine: Engine;
  /** What is written to the engine next, again and again the same memory. */
  #scratch = new Float64Array();
  /** `source[tap · windows + window]` */
  readonly #byTaps = new WeakMap<TapTable, Int32Array>();

  /** @param engine computes in float64 */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * A product, on the engine where that is faster than loops. Every entry is a sum of the same products as in the map's own loops, in
   * whatever order.
   */
  of(product: LinearProduct): Float64Array | Promise<Float64Array> {
    const { map, x, adjoint } = product;
    const { patches } = map;
    if (!patches || workOnEngine(map) >= map.work) return plainProduct(product);
    return patches.transposed === adjoint ? this.#applied(patches, x) : this.#gathered(patches, x);
  }

  /** What the filters make of each window's patch. */
  async #applied(patches: Patches, x: Float64Array): Promise<Float64Array> {
    const { groups, rows, channels } = patches.filters;
    const { windows, taps } = patches.table;
    const y = new Float64Array(groups * rows * windows);
    await this.#each(patches, async (filters, { group, first, end }) => {
      const width = end - first;
      const seen = this.#engine.matrices(
        this.#patchesOf(patches, x, { group, first, end }),
        ...([1, channels * taps, width, false] as const),
      );
      const part = await this.#product(filters, seen, false);
      for (let r = 0; r < rows; r++) {
        y.set(part.subarray(r * width, (r + 1) * width), (group * rows + r) * windows + first);
      }
    });
    return y;
  }

  /** The transpose: each window adds to the samples of its patch. */
  async #gathered(patches: Patches, y: Float64Array): Promise<Float64Array> {
    const { groups, rows, channels } = patches.filters;
    const { windows, taps } = patches.table;
    const source = this.#byTap(patches.table);
    const x = new Float64Array(groups * channels * patches.image);
    await this.#each(patches, async (filters, { group, first, end }) => {
      const width = end - first;
      const own = this.#room(rows * width);
      for (let r = 0; r < rows; r++) {
        const row = (group * rows + r) * windows;
        own.set(y.subarray(row + first, row + end), r * width);
      }
      const part = await this.#product(filters, this.#engine.matrices(own, 1, rows, width, false), true);
      for (let n = 0, channel = 0; channel < channels; channel++) {
        const to = (group * channels + channel) * patches.image;
        for (let tap = 0; tap < taps; tap++) {
          for (let at = tap * windows + first; at < tap * windows + end; at++, n++) {
            const sample = source[at]!;
            if (sample >= 0) x[to + sample]! += part[n]!;
          }
        }
      }
    });
    return x;
  }

  /** For each group of channels and each stretch of windows, with the filters of the group, [rows, channels · taps], on the engine. */
  async #each(
    { filters, table }: Patches,
    work: (filters: Matrices, part: Part) => Promise<void>,
  ): Promise<void> {
    const { groups, rows, channels, weight } = filters;
    const columns = channels * table.taps;
    const width = Math.max(1, Math.floor(MOST_ENTRIES / Math.max(columns, rows)));
    for (let group = 0; group < groups; group++) {
      const own = weight.subarray(group * rows * columns, (group + 1) * rows * columns);
      const held = this.#engine.matrices(inDouble(own), 1, rows, columns, false);
      try {
        for (let first = 0; first < table.windows; first += width) {
          await work(held, { group, first, end: Math.min(table.windows, first + width) });
        }
      } finally {
        this.#engine.release(held);
      }
    }
  }

  /** filters · b, or filtersᵀ · b; gives b back. */
  async #product(filters: Matrices, b: Matrices, adjointA: boolean): Promise<Float64Array> {
    const product = this.#engine.product(filters, b, { adjointA });
    try {
      const [values] = await this.#engine.read(product);
      return values!;
    } finally {
      this.#engine.release(b, product);
    }
  }

  /** The patches of windows first … end − 1 as columns, [channels · taps, end − first]. */
  #patchesOf({ filters, table, image }: Patches, x: Float64Array, { group, first, end }: Part): Float64Array {
    const { taps, windows } = table;
    const source = this.#byTap(table);
    const columns = this.#room(filters.channels * taps * (end - first));
    for (let n = 0, channel = 0; channel < filters.channels; channel++) {
      const from = (group * filters.channels + channel) * image;
      for (let tap = 0; tap < taps; tap++) {
        for (let at = tap * windows + first; at < tap * windows + end; at++, n++) {
          const sample = source[at]!;
          columns[n] = sample >= 0 ? x[from + sample]! : 0;
        }
      }
    }
    return columns;
  }

  #byTap(table: TapTable): Int32Array {
    let turned = this.#byTaps.get(table);
    if (!turned) {
      const { windows, taps, source } = table;
      turned = new Int32Array(source.length);
      for (let window = 0; window < windows; window++) {
        for (let tap = 0; tap < taps; tap++) turned[tap * windows + window] = source[window * taps + tap]!;
      }
      this.#byTaps.set(table, turned);
    }
    return turned;
  }

  #room(length: number): Float64Array {
    if (this.#scratch.length < length) this.#scratch = new Float64Array(length);
    return this.#scratch.subarray(0, length);
  }
}
