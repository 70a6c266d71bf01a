/** (D − B_UU)⁻¹ for a matrix B of blocks. */
import { U } from '../../../network/evaluation/elementwiseEnclosure.ts';
import { errorOfInverse, inverseFromAbove, type Sectors } from '../covariance.ts';
import type { Partition } from './partition.ts';
import { placesOf } from './sparseRows.ts';

/** Of one block: (D − B_UU)⁻¹. */
export interface Eliminated {
  /** Uncertain entries, as they are numbered in the block, and among all that are uncertain. */
  readonly places: readonly number[];
  readonly among: readonly number[];
  readonly inverse: Float64Array;
  /** At least (D − B_UU)⁻¹. */
  readonly above: Float64Array;
  /** How far entries of `inverse` may be from the real one. */
  readonly doubt: Float64Array;
}

/** Block by block, undefined for one without uncertain entries; undefined altogether where one of them is not dominated. */
export function eliminate(
  { blocks: lists, starts, size: n }: Partition,
  b: Float64Array,
  { uncertain, multipliers }: Sectors,
): (Eliminated | undefined)[] | undefined {
  const among = placesOf(uncertain, n);
  const all: (Eliminated | undefined)[] = [];
  for (const [block, entries] of lists.entries()) {
    const places: number[] = [];
    for (let k = 0; k < entries.length; k++) if (among[entries[k]!]! >= 0) places.push(k);
    if (places.length === 0) {
      all.push(undefined);
      continue;
    }
    const own = places.map((k) => among[entries[k]!]!);
    const entry = (k: number, l: number) => b[starts[block]! + k * entries.length + l]!;
    const d = Float64Array.from(own, (k) => multipliers[k]!);
    const one =
      places.length === 1
        ? inverseOfOne(d[0]! - entry(places[0]!, places[0]!))
        : inverseOfSeveral(d, (p, q) => entry(places[p]!, places[q]!));
    if (!one) return undefined;
    all.push({ places, among: own, ...one });
  }
  return all;
}

type Inverse = Pick<Eliminated, 'inverse' | 'above' | 'doubt'>;

/** @param rest a difference that was rounded once */
function inverseOfOne(rest: number): Inverse | undefined {
  if (!(rest > 0 && rest < Infinity)) return undefined;
  const value = 1 / rest;
  if (!(value < Infinity)) return undefined;
  const doubt = value * 8 * U + 2 ** -1000;
  return {
    inverse: Float64Array.of(value),
    above: Float64Array.of(value * (1 + 8 * U) + 2 ** -1000),
    doubt: Float64Array.of(doubt),
  };
}

/** (diag D − B)⁻¹, by Cholesky; undefined where that does not run through. */
function inverseOfSeveral(d: Float64Array, b: (p: number, q: number) => number): Inverse | undefined {
  const n = d.length;
  const l = Array.from(d, () => new Float64Array(n));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = i === j ? d[i]! - b(i, i) : -b(i, j);
      for (let k = 0; k < j; k++) sum -= l[i]![k]! * l[j]![k]!;
      if (i > j) l[i]![j] = sum / l[j]![j]!;
      else if (sum > 0) l[i]![i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  // Columns of L⁻¹.
  const columns = Array.from(d, (_, j) => {
    const x = new Float64Array(n);
    for (let i = j; i < n; i++) {
      let sum = i === j ? 1 : 0;
      for (let k = j; k < i; k++) sum -= l[i]![k]! * x[k]!;
      x[i] = sum / l[i]![i]!;
    }
    return x;
  });
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += columns[i]![k]! * columns[j]![k]!;
      inverse[i * n + j] = sum;
      inverse[j * n + i] = sum;
    }
  }
  const error = errorOfInverse(d, inverse);
  if (!error) return undefined;
  const doubt = inverse.map((_, at) => {
    const both = Math.sqrt(d[Math.floor(at / n)]!) * Math.sqrt(d[at % n]!);
    return (2 * error.shift * (1 + 8 * U)) / both + 2 ** -1000;
  });
  return { inverse, above: inverseFromAbove(d, inverse, error), doubt };
}
