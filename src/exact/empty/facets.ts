/** The convex hull of the graph of a unit between two arguments: half-planes sign · (z − slope · y − offset) ≥ 0. */
import type { Pieces } from '../form/pieces.ts';

export interface Facet {
  readonly sign: 1 | -1;
  readonly slope: number;
  readonly offset: number;
}

/** Beyond these an end is no help. */
const FAR = 1e12;

/**
 * Not rounded outward: what is proven with them is checked without them.
 * @param first, last pieces that the unit may lie on
 * @param low, high where its argument may lie; infinite where nothing is known
 */
export function facetsOf(
  { breaks, slopes, offsets }: Pieces,
  first: number,
  last: number,
  low: number,
  high: number,
): Facet[] {
  const from = low > -FAR ? low : -Infinity;
  const to = high < FAR ? high : Infinity;
  const y: number[] = [];
  const z: number[] = [];
  const add = (at: number, piece: number) => {
    y.push(at);
    z.push(slopes[piece]! * at + offsets[piece]!);
  };
  if (from > -Infinity) add(from, first);
  for (let k = first; k < last; k++) if (breaks[k]! > from && breaks[k]! < to) add(breaks[k]!, k);
  if (to < Infinity) add(to, last);
  const left = from > -Infinity ? undefined : slopes[first]!;
  const right = to < Infinity ? undefined : slopes[last]!;
  return [
    ...below(y, z, left, right, 1),
    ...below(
      y,
      z.map((v) => -v),
      left === undefined ? undefined : -left,
      right === undefined ? undefined : -right,
      -1,
    ),
  ];
}

/** Tangents from below to points, and to rays of given slopes at both ends; `sign` −1: the points have been turned upside down. */
function below(
  y: readonly number[],
  z: readonly number[],
  left: number | undefined,
  right: number | undefined,
  sign: 1 | -1,
): Facet[] {
  if (left !== undefined && right !== undefined && left > right) return [];
  const slopes = new Set<number>();
  if (left !== undefined) slopes.add(left);
  if (right !== undefined) slopes.add(right);
  for (const slope of hullSlopes(y, z)) {
    if ((left === undefined || slope > left) && (right === undefined || slope < right)) slopes.add(slope);
  }
  return [...slopes].map((slope) => {
    const offset = y.reduce((least, at, k) => Math.min(least, z[k]! - slope * at), Infinity);
    // − 0 would be another number in lists of proofs.
    return { sign, slope: sign * slope || 0, offset: sign * offset || 0 };
  });
}

/** Slopes of the lower convex hull, points being in ascending order. */
function hullSlopes(y: readonly number[], z: readonly number[]): number[] {
  const hull: number[] = [];
  const slope = (a: number, b: number) => (z[b]! - z[a]!) / (y[b]! - y[a]!);
  for (let k = 0; k < y.length; k++) {
    while (hull.length > 1 && slope(hull.at(-2)!, hull.at(-1)!) >= slope(hull.at(-1)!, k)) hull.pop();
    hull.push(k);
  }
  return hull.slice(1).map((k, n) => slope(hull[n]!, k));
}
