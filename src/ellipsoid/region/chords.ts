/** Functions between two lines parallel to their chords, where arguments are known to lie in an interval (docs/mathematics.md §8). */
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import type { Ball } from '../../network/evaluation/enclosure.ts';
import type { PreparedChain } from './anchoredPass.ts';
import type { Ranges } from './ranges.ts';
import type { SlopesOfStage } from './sectors.ts';

/** φ(y) is within `value.radius` + `addition` · [−1, 1] of `value.middle` + `slope` · (y − where forms are when all of ξ is 0). */
export interface Lines {
  readonly slope: Float64Array;
  readonly value: Ball;
  /** 0 where the function is linear. */
  readonly addition: Float64Array;
  /** All values. */
  readonly image: Ball;
}

/** Lines for the functions of a stage whose arguments keep to `ranges`, and are within the radius of `where`'s middle + Σ ξ g. */
export type LinesOf = (prepared: PreparedChain, k: number, ranges: Ranges, where: Ball) => Lines;

/** More than what is too small for float64 can lose in a few operations. */
const UNDERFLOW = 2 ** -1000;

/** Secants from one end, entry by entry. */
interface Secants {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Of stage k, whose arguments keep to `ranges` and are within `radius` of `middle` + Σ ξ g. */
export function linesAlongChords(
  prepared: PreparedChain,
  k: number,
  { low, high }: Ranges,
  { middle, radius }: Ball,
): Lines {
  const n = low.length;
  const none = new Float64Array(n);
  const functions = prepared.functions[k]!;
  const fromLow = secantsOf(functions.anchored(low, undefined, low, high));
  const fromHigh = secantsOf(functions.anchored(high, undefined, low, high));
  const atLow = prepared.values(k, { middle: low, radius: none });
  const atHigh = prepared.values(k, { middle: high, radius: none });
  const lines = {
    slope: new Float64Array(n),
    value: { middle: new Float64Array(n), radius: new Float64Array(n) },
    addition: new Float64Array(n),
    image: { middle: new Float64Array(n), radius: new Float64Array(n) },
  };
  for (let i = 0; i < n; i++) {
    const width = (high[i]! - low[i]!) * (1 + 2 * U);
    const [first, last] = [atLow.middle[i]!, atHigh.middle[i]!];
    const errors = atLow.radius[i]! + atHigh.radius[i]!;
    const least = fromLow.lower[i]!;
    const most = fromLow.upper[i]!;
    const certain = least === most && fromHigh.lower[i] === fromHigh.upper[i];
    const chord = (last - first) / width;
    const slope = chord > least ? Math.min(chord, most) : least;
    let [above, below] = [0, 0];
    if (!certain) {
      // By how much the line along the chord misses the upper end.
      const rise = slope * width;
      const missed =
        (Math.abs(last - first - rise) + errors) * (1 + 4 * U) +
        8 * U * (Math.abs(first) + Math.abs(last) + Math.abs(rise));
      above = peak(most - slope, slope - fromHigh.lower[i]!, width) + missed;
      below = peak(slope - least, fromHigh.upper[i]! - slope, width) + missed;
    }
    lines.slope[i] = slope;
    lines.addition[i] = (above / 2 + below / 2) * (1 + 4 * U);
    const offset = middle[i]! - low[i]!;
    const by = slope * offset;
    lines.value.middle[i] = first + by + (above - below) / 2;
    lines.value.radius[i] =
      Math.abs(slope) * radius[i]! * (1 + 4 * U) +
      atLow.radius[i]! +
      8 * U * (Math.abs(first) + Math.abs(by) + above + below) +
      UNDERFLOW;
    const top = Math.min(first + Math.max(0, most) * width, last - Math.min(0, fromHigh.lower[i]!) * width);
    const bottom = Math.max(
      first + Math.min(0, least) * width,
      last - Math.max(0, fromHigh.upper[i]!) * width,
    );
    const steepest = Math.max(
      Math.abs(least),
      Math.abs(most),
      Math.abs(fromHigh.lower[i]!),
      Math.abs(fromHigh.upper[i]!),
    );
    lines.image.middle[i] = top / 2 + bottom / 2;
    lines.image.radius[i] =
      (top / 2 - bottom / 2) * (1 + 4 * U) +
      errors +
      8 * U * (Math.abs(first) + Math.abs(last) + steepest * width) +
      UNDERFLOW;
  }
  return lines;
}

/** The highest point of two lines that start at 0 at either end of an interval and rise with p and q towards the other. */
function peak(p: number, q: number, width: number): number {
  if (!(p > 0 && q > 0)) return 0;
  // w p q / (p + q), where p q, and a half of p, may be too small for float64.
  const least = Math.min(p, q);
  return ((least * width) / (1 + least / Math.max(p, q))) * (1 + 16 * U) + UNDERFLOW;
}

/** Ends rounded outward. */
function secantsOf({ middle, uncertain, half }: SlopesOfStage): Secants {
  const [lower, upper] = [middle.slice(), middle.slice()];
  for (const [k, i] of uncertain.entries()) {
    const slack = 2 * U * (Math.abs(middle[i]!) + half[k]!);
    lower[i] = middle[i]! - half[k]! - slack;
    upper[i] = middle[i]! + half[k]! + slack;
  }
  return { lower, upper };
}
