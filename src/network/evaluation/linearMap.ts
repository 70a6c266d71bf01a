/** Linear operators as products with them and with their transposes; none builds the matrix of a convolution. */

import type { LinearOperator } from '../linearOperator.ts';
import { moduli, type Numbers } from '../numbers.ts';
import { unknownOperator } from '../shape.ts';
import { product, sharing } from '../size.ts';
import { entrySources, padSources } from './gather.ts';
import { averagePoolWindows, convolutionWindows, transposedWindows } from './geometry.ts';
import { addProduct, addTransposedProduct, type Rows } from './products.ts';
import { type TapTable, tapTable } from './windows.ts';

type Shape = readonly number[];

/** A matrix A that is only known by what it does to vectors. */
export interface AffineMap {
  /** A x */
  readonly apply: (x: Float64Array) => Float64Array;
  /** Aᵀ y */
  readonly transpose: (y: Float64Array) => Float64Array;
  /** Multiplications and additions of one product, in pairs. */
  readonly work: number;
  /** Most rounding errors that one summand of an entry of A x meets; 0 where entries are only moved. */
  readonly roundings: number;
  /** Set where it is a product of matrices with the patches of an image, or its transpose: what it is a product of. */
  readonly patches?: Patches;
  /** Set where it is a product with a matrix. */
  readonly matrix?: Rows;
}

/** How a map acts on patches of images. */
export interface Patches {
  readonly filters: Filters;
  readonly table: TapTable;
  /** Samples of one channel of the image that the taps read. */
  readonly image: number;
  /** Whether `apply` puts patches together rather than takes them apart. */
  readonly transposed: boolean;
}

/** The operator without its constant term, on tensors of these shapes. */
export function linearMap(operator: LinearOperator, input: Shape, output: Shape): AffineMap {
  switch (operator.kind) {
    case 'affine': {
      const { outputs: rows, inputs: columns, weight: data } = operator;
      return dense({ data, start: 0, rows, columns });
    }
    case 'convolution': {
      const { groups, inputs, outputs, weight } = operator;
      const table = tapTable(convolutionWindows(operator, input, output));
      const sizes = { groups, rows: outputs / groups, channels: inputs / groups, weight };
      return filtered(sizes, table, product(input.slice(1)));
    }
    case 'transposed-convolution': {
      const { groups, inputs, outputs, weight } = operator;
      const table = tapTable(transposedWindows(operator, input, output));
      const sizes = { groups, rows: inputs / groups, channels: outputs / groups, weight };
      return transposed(filtered(sizes, table, product(output.slice(1))), (inputs / groups) * table.taps);
    }
    case 'scale':
      return diagonal(operator.scale, input);
    case 'average-pool': {
      const table = tapTable(averagePoolWindows(operator, input, output));
      return means(table, input[0]!, product(input.slice(1)), operator.countIncludesPadding);
    }
    case 'global-average-pool':
      return channelSums(input[0]!, product(input.slice(1)), operator.sum);
    case 'pad':
      return copies(padSources(operator, input, output), product(input));
    case 'reindex':
    case 'gather':
      return copies(entrySources(operator, input), product(input));
    default:
      throw unknownOperator(operator);
  }
}

/** The constant term, one for each entry of the first axis of the output, or one for each of all, or one; undefined where there is none. */
export function constantTerm(operator: LinearOperator): Float64Array | undefined {
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution':
      return operator.bias;
    case 'scale':
      return operator.shift;
    case 'average-pool':
    case 'global-average-pool':
    case 'pad':
    case 'reindex':
    case 'gather':
      return undefined;
    default:
      throw unknownOperator(operator);
  }
}

/** The operator whose matrix has the absolute values of this one's entries, without a constant term. */
export function magnitude(operator: LinearOperator): LinearOperator {
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution': {
      const { bias: _, ...rest } = operator;
      return { ...rest, weight: moduli(operator.weight) };
    }
    case 'scale':
      return { kind: 'scale', scale: operator.scale.map(Math.abs) };
    case 'average-pool':
    case 'global-average-pool':
    case 'pad':
    case 'reindex':
    case 'gather':
      return operator;
    default:
      throw unknownOperator(operator);
  }
}

function dense(matrix: Rows): AffineMap {
  return {
    apply: (x) => {
      const y = new Float64Array(matrix.rows);
      addProduct(matrix, x, y, 0, 1);
      return y;
    },
    transpose: (y) => {
      const x = new Float64Array(matrix.columns);
      addTransposedProduct(matrix, y, 0, 1, x);
      return x;
    },
    work: matrix.rows * matrix.columns,
    roundings: matrix.columns + 1,
    matrix,
  };
}

/** What a convolution is made of: one [rows, channels · taps] matrix per group, applied to the patch that each window sees. */
export interface Filters {
  readonly groups: number;
  /** Outputs per group. */
  readonly rows: number;
  /** Inputs per group. */
  readonly channels: number;
  /** [groups · rows, channels · taps] */
  readonly weight: Numbers;
}

/** @param image samples of the image that the taps read */
function filtered(filters: Filters, table: TapTable, image: number): AffineMap {
  const { windows, taps, source } = table;
  const { groups, rows, channels, weight } = filters;
  const columns = channels * taps;
  const matrices = Array.from({ length: groups }, (_, group): Rows => {
    return { data: weight, start: group * rows * columns, rows, columns };
  });
  const patch = new Float64Array(columns);
  return {
    apply: (x) => {
      const y = new Float64Array(groups * rows * windows);
      for (let group = 0; group < groups; group++) {
        for (let window = 0; window < windows; window++) {
          for (let n = 0, channel = 0; channel < channels; channel++) {
            const from = (group * channels + channel) * image;
            for (let tap = window * taps; tap < (window + 1) * taps; tap++) {
              const at = source[tap]!;
              patch[n++] = at < 0 ? 0 : x[from + at]!;
            }
          }
          addProduct(matrices[group]!, patch, y, group * rows * windows + window, windows);
        }
      }
      return y;
    },
    transpose: (y) => {
      const x = new Float64Array(groups * channels * image);
      for (let group = 0; group < groups; group++) {
        for (let window = 0; window < windows; window++) {
          patch.fill(0);
          addTransposedProduct(matrices[group]!, y, group * rows * windows + window, windows, patch);
          for (let n = 0, channel = 0; channel < channels; channel++) {
            const to = (group * channels + channel) * image;
            for (let tap = window * taps; tap < (window + 1) * taps; tap++, n++) {
              const at = source[tap]!;
              if (at >= 0) x[to + at]! += patch[n]!;
            }
          }
        }
      }
      return x;
    },
    work: windows * groups * rows * columns,
    roundings: columns + 1,
    patches: { filters, table, image, transposed: false },
  };
}

/** @param summands of an entry of Aᵀ y, at most */
function transposed({ apply, transpose, work, patches }: AffineMap, summands: number): AffineMap {
  return {
    ...{ apply: transpose, transpose: apply, work, roundings: summands + 1 },
    ...(patches && { patches: { ...patches, transposed: true } }),
  };
}

/** `factors`: one per channel, per entry, or one for all. */
function diagonal(factors: Float64Array, shape: Shape): AffineMap {
  const alike = sharing(factors.length, shape);
  const apply = (x: Float64Array) => x.map((value, n) => factors[Math.floor(n / alike)]! * value);
  return { apply, transpose: apply, work: product(shape), roundings: 1 };
}

/** The mean over each window, channel by channel. */
function means(table: TapTable, channels: number, image: number, countPadding: boolean): AffineMap {
  const { windows, taps, source } = table;
  const counts = Float64Array.from({ length: windows }, (_, window) =>
    countPadding ? taps : source.subarray(window * taps, (window + 1) * taps).filter((at) => at >= 0).length,
  );
  return {
    apply: (x) => {
      const y = new Float64Array(channels * windows);
      for (let n = 0; n < y.length; n++) {
        const window = n % windows;
        const from = Math.floor(n / windows) * image;
        let sum = 0;
        for (let tap = window * taps; tap < (window + 1) * taps; tap++) {
          const at = source[tap]!;
          if (at >= 0) sum += x[from + at]!;
        }
        y[n] = sum / counts[window]!;
      }
      return y;
    },
    transpose: (y) => {
      const x = new Float64Array(channels * image);
      for (let n = 0; n < y.length; n++) {
        const window = n % windows;
        const to = Math.floor(n / windows) * image;
        const share = y[n]! / counts[window]!;
        for (let tap = window * taps; tap < (window + 1) * taps; tap++) {
          const at = source[tap]!;
          if (at >= 0) x[to + at]! += share;
        }
      }
      return x;
    },
    work: channels * windows * taps,
    roundings: taps + 1,
  };
}

/** The sum over the image of each channel, or the mean. */
function channelSums(channels: number, image: number, sumOnly: boolean): AffineMap {
  const divisor = sumOnly ? 1 : image;
  return {
    apply: (x) => {
      const y = new Float64Array(channels);
      for (let n = 0; n < x.length; n++) y[Math.floor(n / image)]! += x[n]!;
      return y.map((sum) => sum / divisor);
    },
    transpose: (y) => new Float64Array(channels * image).map((_, n) => y[Math.floor(n / image)]! / divisor),
    work: channels * image,
    roundings: image + 1,
  };
}

/** y[n] = x[sources[n]], 0 for −1. */
function copies(sources: Int32Array, entries: number): AffineMap {
  return {
    apply: (x) => {
      const y = new Float64Array(sources.length);
      for (let n = 0; n < y.length; n++) if (sources[n]! >= 0) y[n] = x[sources[n]!]!;
      return y;
    },
    transpose: (y) => {
      const x = new Float64Array(entries);
      for (let n = 0; n < y.length; n++) if (sources[n]! >= 0) x[sources[n]!]! += y[n]!;
      return x;
    },
    work: sources.length,
    roundings: 0,
  };
}
