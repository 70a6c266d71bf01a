/** Evaluations at many points side by side: a linear map is one product of matrices for all of them. */
import { Algebra, transposed } from '../../ellipsoid/region/algebra.ts';
import { patchesOf } from '../../ellipsoid/region/terms.ts';
import type { Engine } from '../../engine/engine.ts';
import type { AffineMap, Filters, Patches } from '../../network/evaluation/linearMap.ts';
import { workAsMatrices } from '../../network/evaluation/needs.ts';
import { atOnce, plainProduct, type Steps } from '../../network/evaluation/steps.ts';
import { inDouble } from '../../network/numbers.ts';

/** Entries of a matrix that is made for products, at most: 32 MB. */
const MOST_ENTRIES = 2 ** 22;
/** Pairs of operations of a product that is worth being asked for alone. */
const WORTH_ASKING = 1e6;
/** Points of a product, which may be fewer: a matrix times few vectors takes as long as times these. */
const MOST_POINTS = 16;
const LEAST_POINTS = 8;

export interface Evaluator {
  /**
   * What comes of all of them; products are sums of the same terms as in the maps' own loops, in float64 and in whatever order. What comes of
   * one does not depend on the others, to the last digit.
   */
  all<T>(steps: readonly Steps<T>[]): Promise<T[]>;
}

/** One by one, in plain loops. */
export const oneByOne: Evaluator = {
  all: async (steps) => steps.map(atOnce),
};

/**
 * @param engine computes in float64
 * @param isWorth whether products of a map with so many points are left to it
 */
export function sideBySide(
  engine: Engine,
  signal?: AbortSignal,
  isWorth: (map: AffineMap, points: number) => boolean = isWorthMatrices,
): Evaluator {
  const products = new Products(new Algebra(engine, signal), isWorth);
  return {
    async all<T>(steps: readonly Steps<T>[]): Promise<T[]> {
      const results = new Array<T>(steps.length);
      let waiting = steps.map((step, k) => ({ step, k, next: step.next() }));
      for (;;) {
        const open: typeof waiting = [];
        for (const one of waiting) {
          if (one.next.done) results[one.k] = one.next.value;
          else open.push(one);
        }
        const [first] = open;
        if (!first || first.next.done) return results;
        // Points at which numbers leave the range of float64 end before the others, and nothing else does.
        const { map, adjoint } = first.next.value;
        const asked = open.flatMap((one) => (one.next.done ? [] : [one.next.value]));
        if (asked.some((one) => one.map !== map || one.adjoint !== adjoint))
          throw new Error('side by side: one network alone');
        const made = await products.of(
          map,
          asked.map(({ x }) => x),
          adjoint,
        );
        waiting = open.map((one, n) => ({ ...one, next: one.step.next(made[n]!) }));
      }
    },
  };
}

class Products {
  readonly #algebra: Algebra;
  readonly #isWorth: (map: AffineMap, points: number) => boolean;
  /** Matrices as products take them, by their maps. */
  readonly #transposes = new WeakMap<AffineMap, readonly Float64Array[]>();

  constructor(algebra: Algebra, isWorth: (map: AffineMap, points: number) => boolean) {
    this.#algebra = algebra;
    this.#isWorth = isWorth;
  }

  /** A x, or Aᵀ x, of each. */
  async of(map: AffineMap, xs: readonly Float64Array[], adjoint: boolean): Promise<Float64Array[]> {
    const { matrix, patches } = map;
    if ((!matrix && !patches) || !this.#isWorth(map, LEAST_POINTS))
      return xs.map((x) => plainProduct({ map, x, adjoint }));
    const band = pointsAtOnce(map);
    const all: Float64Array[] = [];
    for (let first = 0; first < xs.length; first += band) {
      const some = xs.slice(first, first + band);
      const count = some.length;
      // Kernels differ by the number of rows, and round differently.
      while (some.length < band) some.push(new Float64Array(xs[0]!.length));
      const made = matrix
        ? await this.#dense(map, some, adjoint)
        : patches!.transposed === adjoint
          ? await this.#applied(patches!, some)
          : await this.#gathered(map, patches!, some);
      all.push(...made.slice(0, count));
    }
    return all;
  }

  async #dense(map: AffineMap, xs: readonly Float64Array[], adjoint: boolean): Promise<Float64Array[]> {
    const { data, start, rows, columns } = map.matrix!;
    const weight = inDouble(data.subarray(start, start + rows * columns));
    const [right] = adjoint ? this.#transposed(map, () => [transposed(weight, rows, columns)]) : [weight];
    const outputs = adjoint ? columns : rows;
    const y = await this.#algebra.timesTransposed(joined(xs), xs.length, right!, outputs);
    return xs.map((_, n) => y.slice(n * outputs, (n + 1) * outputs));
  }

  /** Filters on the patches that windows see. */
  async #applied(patches: Patches, xs: readonly Float64Array[]): Promise<Float64Array[]> {
    const { filters, table, image } = patches;
    const { groups, rows, channels } = filters;
    const { windows } = table;
    const x = joined(xs);
    const ys = xs.map(() => new Float64Array(groups * rows * windows));
    const width = groups * channels * image;
    for (let group = 0; group < groups; group++) {
      const seen = patchesOf(x, 0, xs.length, width, group * channels * image, image, channels, table);
      const made = await this.#algebra.timesTransposed(
        seen,
        xs.length * windows,
        filterOf(filters, table.taps, group),
        rows,
      );
      for (const [n, y] of ys.entries()) {
        for (let window = 0, at = n * windows * rows; window < windows; window++)
          for (let r = 0; r < rows; r++) y[(group * rows + r) * windows + window] = made[at++]!;
      }
    }
    return ys;
  }

  /** The transpose: each window adds to the samples of its patch. */
  async #gathered(map: AffineMap, patches: Patches, ys: readonly Float64Array[]): Promise<Float64Array[]> {
    const { filters, table, image } = patches;
    const { groups, rows, channels } = filters;
    const { windows, taps, source } = table;
    const size = channels * taps;
    const turned = this.#transposed(map, () =>
      Array.from({ length: groups }, (_, group) => transposed(filterOf(filters, taps, group), rows, size)),
    );
    const xs = ys.map(() => new Float64Array(groups * channels * image));
    const own = new Float64Array(ys.length * windows * rows);
    for (let group = 0; group < groups; group++) {
      for (const [n, y] of ys.entries()) {
        for (let window = 0, at = n * windows * rows; window < windows; window++)
          for (let r = 0; r < rows; r++) own[at++] = y[(group * rows + r) * windows + window]!;
      }
      const made = await this.#algebra.timesTransposed(own, ys.length * windows, turned[group]!, size);
      for (const [n, x] of xs.entries()) {
        for (let window = 0, at = n * windows * size; window < windows; window++) {
          for (let channel = 0; channel < channels; channel++) {
            const to = (group * channels + channel) * image;
            for (let tap = window * taps; tap < (window + 1) * taps; tap++, at++) {
              const sample = source[tap]!;
              if (sample >= 0) x[to + sample]! += made[at]!;
            }
          }
        }
      }
    }
    return xs;
  }

  #transposed(map: AffineMap, make: () => readonly Float64Array[]): readonly Float64Array[] {
    let made = this.#transposes.get(map);
    if (!made) {
      made = make();
      this.#transposes.set(map, made);
    }
    return made;
  }
}

/** How many points a product is of, always the same for a map. */
function pointsAtOnce({ matrix, patches, work }: AffineMap): number {
  const width = matrix
    ? Math.max(matrix.rows, matrix.columns)
    : patches!.table.windows *
      Math.max(patches!.filters.rows, patches!.filters.channels * patches!.table.taps);
  const fitting = Math.floor(MOST_ENTRIES / Math.max(1, width));
  const wanted = Math.max(matrix ? LEAST_POINTS : 1, Math.ceil(WORTH_ASKING / work));
  return Math.max(1, Math.min(MOST_POINTS, wanted, fitting));
}

/** Whether asking the engine, and putting together what it is asked, takes less than loops do. */
function isWorthMatrices({ matrix, patches, work }: AffineMap, points: number): boolean {
  const all = points * work;
  if (matrix) return workAsMatrices(matrix.rows, 1, all) < all;
  return patches !== undefined && workAsMatrices(patches.filters.rows, patches.filters.groups, all) < all;
}

/** Of a group of channels, [rows × channels · taps]. */
function filterOf({ rows, channels, weight }: Filters, taps: number, group: number): Float64Array {
  const size = rows * channels * taps;
  return inDouble(weight.subarray(group * size, (group + 1) * size));
}

function joined(xs: readonly Float64Array[]): Float64Array {
  const width = xs[0]!.length;
  const all = new Float64Array(xs.length * width);
  for (const [n, x] of xs.entries()) all.set(x, n * width);
  return all;
}
