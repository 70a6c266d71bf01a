/** Linear operators as summands of a linear part, with fast ways for many vectors at once. */
import { convolutionWindows } from '../../network/evaluation/geometry.ts';
import { type AffineMap, constantTerm, linearMap, magnitude } from '../../network/evaluation/linearMap.ts';
import { type TapTable, tapTable } from '../../network/evaluation/windows.ts';
import type { LinearOperator } from '../../network/linearOperator.ts';
import { inDouble } from '../../network/numbers.ts';
import type { Convolution } from '../../network/operator.ts';
import { perEntry, product } from '../../network/size.ts';
import type { Term } from './linearPart.ts';

type Shape = readonly number[];

/** Entries of the patches of a convolution that are held at a time. */
const MOST_PATCH_ENTRIES = 2 ** 22;

export function termOf(operator: LinearOperator, source: number, input: Shape, output: Shape): Term {
  const term = {
    source,
    map: linearMap(operator, input, output),
    absolute: linearMap(magnitude(operator), input, output),
    foldings: ('roundings' in operator && operator.roundings) || 0,
  };
  if (operator.kind === 'affine') {
    const { outputs } = operator;
    const weight = inDouble(operator.weight);
    return {
      ...term,
      matrix: weight,
      rows: (algebra, x, rows) => algebra.timesTransposed(x, rows, weight, outputs),
    };
  }
  if (operator.kind === 'convolution') return { ...term, rows: convolvedRows(operator, input, output) };
  return term;
}

/** The constant term, one entry per entry of the output. */
export function constantOf(operator: LinearOperator, output: Shape): Float64Array | undefined {
  const constant = constantTerm(operator);
  if (!constant) return undefined;
  const entries = perEntry(constant, output);
  return entries.length === product(output) ? entries : new Float64Array(product(output)).fill(entries[0]!);
}

/** What errors of the constant term are relative to, where that is not itself. */
export function constantSizeOf(operator: LinearOperator, output: Shape): Float64Array | undefined {
  if (operator.kind !== 'scale' || !operator.shiftMagnitude) return undefined;
  return constantOf({ ...operator, shift: operator.shiftMagnitude }, output);
}

/** `factor` times the entries of the source, from `first` on in a tensor of `size` entries. */
export function placed(source: number, factor: number, count: number, first: number, size: number): Term {
  const map = (by: number): AffineMap => ({
    apply: (x) => {
      const y = new Float64Array(size);
      for (let n = 0; n < count; n++) y[first + n] = by * x[n]!;
      return y;
    },
    transpose: (y) => y.slice(first, first + count).map((value) => by * value),
    work: count,
    roundings: by === 1 ? 0 : 1,
  });
  const rows: Term['rows'] = async (_, x, many) => {
    const y = new Float64Array(many * size);
    for (let r = 0, from = 0; r < many; r++)
      for (let n = r * size + first, end = n + count; n < end; n++, from++) y[n] = factor * x[from]!;
    return y;
  };
  return { source, map: map(factor), absolute: map(Math.abs(factor)), foldings: 0, rows };
}

/** Σ_k signs[k] · x[entries[k][n]]; −1 stands for no entry. */
export function selected(
  source: number,
  count: number,
  entries: readonly Int32Array[],
  signs: readonly number[],
): Term {
  const map = (by: readonly number[]): AffineMap => ({
    apply: (x) => {
      const y = new Float64Array(entries[0]!.length);
      for (const [k, where] of entries.entries())
        for (let n = 0; n < y.length; n++) if (where[n]! >= 0) y[n]! += by[k]! * x[where[n]!]!;
      return y;
    },
    transpose: (y) => {
      const x = new Float64Array(count);
      for (const [k, where] of entries.entries())
        for (let n = 0; n < y.length; n++) if (where[n]! >= 0) x[where[n]!]! += by[k]! * y[n]!;
      return x;
    },
    work: entries.length * entries[0]!.length,
    roundings: entries.length - 1,
  });
  const rows: Term['rows'] = async (_, x, many) => {
    const width = entries[0]!.length;
    const y = new Float64Array(many * width);
    for (const [k, where] of entries.entries()) {
      const sign = signs[k]!;
      for (let r = 0, to = 0; r < many; r++) {
        const from = r * count;
        for (let n = 0; n < width; n++, to++) if (where[n]! >= 0) y[to]! += sign * x[from + where[n]!]!;
      }
    }
    return y;
  };
  return { source, map: map(signs), absolute: map(signs.map(Math.abs)), foldings: 0, rows };
}

/** Patches of all rows of X and all windows, times the kernels. */
function convolvedRows(operator: Convolution, input: Shape, output: Shape): NonNullable<Term['rows']> {
  const table = tapTable(convolutionWindows(operator, input, output));
  const { groups, inputs, outputs } = operator;
  const weight = inDouble(operator.weight);
  const channels = inputs / groups;
  const filters = outputs / groups;
  const size = channels * table.taps;
  const image = product(input.slice(1));
  return async (algebra, x, rows) => {
    const width = inputs * image;
    const out = new Float64Array(rows * outputs * table.windows);
    const band = Math.max(1, Math.floor(MOST_PATCH_ENTRIES / (size * table.windows)));
    for (let first = 0; first < rows; first += band) {
      const count = Math.min(band, rows - first);
      for (let group = 0; group < groups; group++) {
        const kernels = weight.subarray(group * filters * size, (group + 1) * filters * size);
        const patches = patchesOf(x, first, count, width, group * channels * image, image, channels, table);
        const products = await algebra.timesTransposed(patches, count * table.windows, kernels, filters);
        for (let r = 0, n = 0; r < count; r++) {
          const row = ((first + r) * outputs + group * filters) * table.windows;
          for (let window = 0; window < table.windows; window++)
            for (let f = 0; f < filters; f++) out[row + f * table.windows + window] = products[n++]!;
        }
      }
    }
    return out;
  };
}

/**
 * The patches of `count` rows of X [… × width] from `first` on, of the channels from `offset` on: [count · windows × channels · taps].
 */
export function patchesOf(
  x: Float64Array,
  first: number,
  count: number,
  width: number,
  offset: number,
  image: number,
  channels: number,
  { windows, taps, source }: TapTable,
): Float64Array {
  const patches = new Float64Array(count * windows * channels * taps);
  let n = 0;
  for (let r = first; r < first + count; r++) {
    for (let window = 0; window < windows; window++) {
      for (let channel = 0; channel < channels; channel++) {
        const from = r * width + offset + channel * image;
        for (let tap = window * taps; tap < (window + 1) * taps; tap++, n++) {
          const at = source[tap]!;
          if (at >= 0) patches[n] = x[from + at]!;
        }
      }
    }
  }
  return patches;
}
