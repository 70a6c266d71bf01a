/** The slopes of a stage's functions on a region, and closed-form multipliers for them. */
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import { type LocalSlopes, localSlopes, type Slopes } from '../../network/evaluation/localSlopes.ts';
import { type Algebra, columnsOf, dot, rowsOf } from './algebra.ts';
import type { Stage } from './chain.ts';
import { eliminate, imagesOfRows, type Sectors } from './covariance.ts';
import type { LinearPart } from './linearPart.ts';

/** The slope of every entry is within `half` of `middle`; 0 where it is certain. */
export interface SlopesOfStage {
  /** Every entry's slope is between them, rounded outward, and the same number where it is certain; 1 for what is carried. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly middle: Float64Array;
  readonly uncertain: Int32Array;
  /** Of the uncertain ones. */
  readonly half: Float64Array;
}

/** Functions of a stage with what is looked up once. */
export class StageFunctions {
  readonly #blocks: readonly { start: number; size: number; image: number; local: LocalSlopes | undefined }[];
  /** The entries that a function is applied to. */
  readonly places: Int32Array;

  constructor({ blocks }: Stage) {
    this.#blocks = blocks.map(({ start, size, image, function: f }) => {
      return { start, size, image, local: f && localSlopes(f) };
    });
    this.places = Int32Array.from(
      this.#blocks.flatMap(({ start, size, local }) =>
        local ? Array.from({ length: size }, (_, k) => start + k) : [],
      ),
    );
  }

  /** Secants from anchors within `radius` of `anchor` to arguments between `low` and `high`. */
  anchored(
    anchor: Float64Array,
    radius: Float64Array | undefined,
    low: Float64Array,
    high: Float64Array,
  ): SlopesOfStage {
    return this.#slopes(low.length, (local, i, channel) =>
      local.from({ point: anchor[i]!, radius: radius?.[i] ?? 0 }, low[i]!, high[i]!, channel),
    );
  }

  /** Secants between any two arguments between `low` and `high`. */
  incremental(low: Float64Array, high: Float64Array): SlopesOfStage {
    return this.#slopes(low.length, (local, i, channel) => local.within(low[i]!, high[i]!, channel));
  }

  #slopes(n: number, of: (local: LocalSlopes, i: number, channel: number) => Slopes): SlopesOfStage {
    const lowers = new Float64Array(n).fill(1);
    const uppers = new Float64Array(n).fill(1);
    const middle = new Float64Array(n).fill(1);
    const uncertain: number[] = [];
    const half: number[] = [];
    for (const { start, size, image, local } of this.#blocks) {
      if (!local) continue;
      for (let k = 0; k < size; k++) {
        const { lower, upper } = of(local, start + k, Math.floor(k / image));
        const centre = lower / 2 + upper / 2;
        lowers[start + k] = lower;
        uppers[start + k] = upper;
        middle[start + k] = lower === upper ? lower : centre;
        // Linear only where the slope is one number exactly, never below a tolerance.
        if (lower === upper) continue;
        uncertain.push(start + k);
        half.push(Math.max(upper - centre, centre - lower) * (1 + 2 * U) + Number.MIN_VALUE);
      }
    }
    return {
      lower: lowers,
      upper: uppers,
      middle,
      uncertain: Int32Array.from(uncertain),
      half: Float64Array.from(half),
    };
  }
}

/** Least D in units of row sums; above 1, so that D dominates. */
const LEAST = 1.01;
/** Of (1 + |m|/e): a neuron whose slope hardly varies is nearly linear, and wants a large D. */
const FACTOR = 2 / 3;
/** What FACTOR is multiplied with in a search, by trial. */
const TRIALS = [1, 1.5, 2, 3, 4.5, 7, 11, 17];
/** Trials end where the trace exceeds the least by this factor. */
const WORSE = 1.3;

/**
 * D_i = max(1.01, ⅔ (1 + |m_i|/e_i)) times the row sums of |S_UU|. In a search the factor ⅔ is multiplied with the one of a few numbers that
 * makes the trace of the next covariance least: that gains much beside skips, and elsewhere in regions that are small.
 */
export async function closedFormSectors(
  algebra: Algebra,
  stage: Stage,
  next: LinearPart,
  s: Float64Array,
  slopes: SlopesOfStage,
  search = stage.besideSkip,
): Promise<Sectors> {
  const { middle, uncertain } = slopes;
  const rowSums = rowSumsOf(s, middle.length, uncertain);
  const first = scaledSectors(slopes, rowSums, 1);
  if (!search || uncertain.length === 0) return first;
  const n = middle.length;
  const images = rowsOf(await imagesOfRows(algebra, next, s, middle, uncertain), next.outputs, uncertain);
  const gram = await algebra.timesTransposed(images, uncertain.length, images, uncertain.length);
  const norms = await next.columnNorms(algebra);
  let best = first;
  let least = Infinity;
  for (const trial of TRIALS) {
    const sectors = trial === 1 ? first : scaledSectors(slopes, rowSums, trial);
    const elimination = await eliminate(algebra, s, n, sectors);
    if (!elimination) continue;
    let trace = dot(elimination.inverse, gram);
    for (const [k, i] of uncertain.entries()) trace += sectors.spread[k]! * norms[i]!;
    // What does not depend on D is left out, which only makes a rise look steeper.
    if (trace < least) [best, least] = [sectors, trace];
    else if (trace > WORSE * least) break;
  }
  return best;
}

/** ln of multipliers in units of row sums; 0 where nothing moves. */
export function relativeMultipliers(
  s: Float64Array,
  { middle, uncertain, multipliers }: Sectors,
): Float64Array {
  return rowSumsOf(s, middle.length, uncertain).map((sum, k) =>
    sum > 0 ? Math.log(multipliers[k]! / sum) : 0,
  );
}

function rowSumsOf(s: Float64Array, n: number, uncertain: Int32Array): Float64Array {
  const own = columnsOf(rowsOf(s, n, uncertain), uncertain.length, uncertain);
  const count = uncertain.length;
  return new Float64Array(count).map((_, k) => {
    let sum = 0;
    for (let j = k * count; j < (k + 1) * count; j++) sum += Math.abs(own[j]!);
    return sum;
  });
}

/** @param trial what ⅔ is multiplied with */
export function scaledSectors(
  { middle, uncertain, half }: SlopesOfStage,
  rowSums: Float64Array,
  trial: number,
): Sectors {
  // Where nothing moves any positive number will do.
  const floor = Math.max(2 ** -900, rowSums.reduce((most, sum) => Math.max(most, sum), 0) * 2 ** -60);
  const multipliers = rowSums.map((sum, k) => {
    const wanted = FACTOR * trial * (1 + Math.abs(middle[uncertain[k]!]!) / half[k]!);
    return Math.max(LEAST, wanted) * Math.max(sum, floor);
  });
  const spread = multipliers.map((d, k) => half[k]! * (half[k]! * d) * (1 + 4 * U) + Number.MIN_VALUE);
  return { middle, uncertain, multipliers, spread };
}
