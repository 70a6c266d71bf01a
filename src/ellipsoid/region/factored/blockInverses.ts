/** (D − B_UU)⁻¹ for a matrix B of blocks. */
import { U } from '../../../network/evaluation/elementwiseEnclosure.ts';
import { errorOfInverse, inverseFromAbove, type Sectors } from '../covariance.ts';
import type { Partition } from './partition.ts';
import { placesOf } from './sparseRows.ts';

/** Of all blocks: matrices of the partition that are 0 but between uncertain entries. */
export interface Eliminated {
  /** Where an entry is among those that are uncertain; −1 where it is not. */
  readonly among: Int32Array;
  /** How many entries of a block are uncertain. */
  readonly counts: Uint8Array;
  /** (D − B_UU)⁻¹ */
  readonly inverse: Float64Array;
  /** At least (D − B_UU)⁻¹. */
  readonly above: Float64Array;
  /** How far entries of `inverse` may be from the real one. */
  readonly doubt: Float64Array;
}

/** Block by block; undefined where one of them is not dominated. */
export function eliminate(
  { blocks, starts, size, length }: Partition,
  b: Float64Array,
  { uncertain, multipliers }: Sectors,
): Eliminated | undefined {
  const among = placesOf(uncertain, size);
  const counts = new Uint8Array(blocks.length);
  const [inverse, above, doubt] = [
    new Float64Array(length),
    new Float64Array(length),
    new Float64Array(length),
  ];
  for (let block = 0; block < blocks.length; block++) {
    const entries = blocks[block]!;
    const width = entries.length;
    const at = starts[block]!;
    let [count, last] = [0, 0];
    for (let k = 0; k < width; k++) {
      if (among[entries[k]!]! < 0) continue;
      count++;
      last = k;
    }
    counts[block] = count;
    if (count === 1) {
      // Most often; the difference is rounded once.
      const place = at + last * (width + 1);
      const rest = multipliers[among[entries[last]!]!]! - b[place]!;
      if (!(rest > 0 && rest < Infinity)) return undefined;
      const value = 1 / rest;
      if (!(value < Infinity)) return undefined;
      inverse[place] = value;
      above[place] = value * (1 + 8 * U) + 2 ** -1000;
      doubt[place] = value * 8 * U + 2 ** -1000;
    } else if (count > 1) {
      const places = [...entries.keys()].filter((k) => among[entries[k]!]! >= 0);
      const d = Float64Array.from(places, (k) => multipliers[among[entries[k]!]!]!);
      const entry = (p: number, q: number) => b[at + places[p]! * width + places[q]!]!;
      const one = inverseOfSeveral(d, entry);
      if (!one) return undefined;
      for (let p = 0, from = 0; p < count; p++) {
        for (let q = 0; q < count; q++, from++) {
          const to = at + places[p]! * width + places[q]!;
          inverse[to] = one.inverse[from]!;
          above[to] = one.above[from]!;
          doubt[to] = one.doubt[from]!;
        }
      }
    }
  }
  return { among, counts, inverse, above, doubt };
}

/** (diag D − B)⁻¹, by Cholesky; undefined where that does not run through. */
function inverseOfSeveral(
  d: Float64Array,
  b: (p: number, q: number) => number,
): Pick<Eliminated, 'inverse' | 'above' | 'doubt'> | undefined {
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
