/** The frequencies of one segment that a search sees: those at which something is near its maximum (docs/mathematics.md §5). */
import type { Frequencies } from '../../../spectrum/frequencies.ts';
import type { Seen } from './seen.ts';

/** Of the ends that are a maximum, so many maxima at first and at a time. */
const MAXIMA = 6;
/** Of what is summed up, the part that is seen at least. */
const PART_OF_SUM = 0.99;
/** An end is near the maximum from here on, as a part of it; a multiplier near its S. */
const NEAR_END = 0.9;
const NEAR_BOUNDARY = 0.95;
const MAXIMA_PER_STEP = 2;
const LEFT_PER_STEP = 4;

export class ActiveSet {
  readonly #all: Frequencies;
  readonly #fits: (size: number) => boolean;
  readonly #chosen = new Set<number>();
  #full = false;

  /** @param all of the segment's coarsest grid @param fits whether there is room for so many */
  constructor(all: Frequencies, fits: (size: number) => boolean) {
    this.#all = all;
    this.#fits = fits;
  }

  /** Whether some had no room. */
  get full(): boolean {
    return this.#full;
  }

  /** Indices into all, in rising order. */
  get chosen(): number[] {
    return [...this.#chosen].sort((a, b) => a - b);
  }

  get size(): number {
    return this.#chosen.size;
  }

  /** The first frequencies: maxima of the end, and the tightest of every nonlinear step. */
  begin({ share, end, tightness }: Seen): void {
    if (end === 'sum') this.#add(covering(share, PART_OF_SUM));
    else this.#add(this.#maxima(share, 0, MAXIMA, false));
    for (const t of tightness) this.#add(this.#maxima(t, 0, 1, false));
    // Shares of an end that is zero, or beyond all numbers, are none.
    if (this.#chosen.size === 0) this.#add([0]);
  }

  /** Takes in what a pass over all frequencies has shown. */
  grow({ share, end, tightness, left }: Seen): void {
    const reached = this.chosen.reduce((most, k) => Math.max(most, left[k]! < 0 ? share[k]! : 0), 0);
    if (end === 'sum') {
      this.#add(
        covering(share, PART_OF_SUM)
          .filter((k) => !this.#chosen.has(k))
          .slice(0, MAXIMA),
      );
    } else this.#add(this.#maxima(share, NEAR_END * reached, MAXIMA, true));
    tightness.forEach((t, step) => {
      this.#add(
        this.#maxima(
          t.map((x, k) => (left[k] === step ? 0 : x)),
          NEAR_BOUNDARY,
          MAXIMA_PER_STEP,
          true,
        ),
      );
      this.#add(
        this.#maxima(
          t.map((x, k) => (left[k] === step ? x : 0)),
          Number.MIN_VALUE,
          LEFT_PER_STEP,
          true,
        ),
      );
    });
  }

  #add(indices: readonly number[]): void {
    for (const k of indices) {
      if (this.#chosen.has(k)) continue;
      if (this.#chosen.size === 0 || this.#fits(this.#chosen.size + 1)) this.#chosen.add(k);
      else this.#full = true;
    }
  }

  /** The largest values of at least `least`, at most `count`, no two of them neighbours. @param others whether only those not in the set count */
  #maxima(values: Float64Array, least: number, count: number, others: boolean): number[] {
    const found: number[] = [];
    const order = [...values.keys()]
      .filter((k) => values[k]! >= least && !(others && this.#chosen.has(k)))
      .sort((a, b) => values[b]! - values[a]!);
    for (const k of order) {
      if (found.length >= count) break;
      if (!found.some((other) => this.#neighbours(k, other))) found.push(k);
    }
    return found;
  }

  /** Whether two frequencies, or one and the opposite of the other, are next to each other. */
  #neighbours(a: number, b: number): boolean {
    const { torus, indices } = this.#all;
    const axes = torus.length;
    return [1, -1].some((sign) =>
      torus.every((side, axis) => {
        const x = indices[a * axes + axis]!;
        const y = sign * indices[b * axes + axis]!;
        const distance = (((x - y) % side) + side) % side;
        return Math.min(distance, side - distance) <= 1;
      }),
    );
  }
}

/** The largest parts of a sum, so many that they come to `part` of it. */
function covering(share: Float64Array, part: number): number[] {
  const order = [...share.keys()].sort((a, b) => share[b]! - share[a]!);
  const found: number[] = [];
  let sum = 0;
  for (const k of order) {
    if (sum >= part) break;
    sum += share[k]!;
    found.push(k);
  }
  return found;
}
