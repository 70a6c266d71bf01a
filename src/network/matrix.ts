/** Linear operators as dense matrices on flattened tensors, entry by entry. */
import { evaluateOperator } from './evaluation/evaluate.ts';
import { entrySources } from './evaluation/gather.ts';
import {
  averagePoolWindows,
  convolutionWindows,
  padWindows,
  transposedWindows,
} from './evaluation/geometry.ts';
import { tapTable } from './evaluation/windows.ts';
import { merged } from './exact.ts';
import type { LinearOperator } from './linearOperator.ts';
import type { Numbers } from './numbers.ts';
import type { AveragePool, Convolution, Pad, TransposedConvolution, Weighted } from './operator.ts';
import { outputShape, unknownOperator } from './shape.ts';
import { product, sharing } from './size.ts';

type Shape = readonly number[];

/** Row-major [rows, columns]. */
export interface DenseMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** The matrix of an operator, and how exact its entries are (see `Weighted` and `Affine`). */
export interface OperatorMatrix extends Omit<DenseMatrix, 'data'>, Weighted {
  readonly data: Numbers;
  readonly magnitude?: Float64Array;
}

/** The matrix of the operator without its constant term: [entries of the output, entries of the input]. */
export function linearMatrix(operator: LinearOperator, input: Shape): OperatorMatrix {
  let roundings = ('roundings' in operator && operator.roundings) || 0;
  if (operator.kind === 'affine') {
    const { outputs, inputs, weight, magnitude } = operator;
    return { rows: outputs, columns: inputs, data: weight, ...exactness(roundings, magnitude) };
  }
  const output = outputShape('linear matrix', operator, [input]);
  const rows = product(output);
  const columns = product(input);
  const data = new Float64Array(rows * columns);
  let magnitude: Float64Array | undefined;
  const add: AddEntry = (row, column, value) => {
    data[row * columns + column] = value;
  };
  switch (operator.kind) {
    case 'convolution': {
      const sums: { at: number; magnitude: number }[] = [];
      const each = roundings;
      convolutionEntries(operator, input, output, add, (row, column, terms) => {
        const sum = merged(terms, each);
        add(row, column, sum.value);
        roundings = Math.max(roundings, sum.roundings);
        if (sum.magnitude > Math.abs(sum.value)) {
          sums.push({ at: row * columns + column, magnitude: sum.magnitude });
        }
      });
      if (sums.length > 0) {
        magnitude = data.map(Math.abs);
        for (const sum of sums) magnitude[sum.at] = sum.magnitude;
      }
      break;
    }
    case 'transposed-convolution':
      transposedEntries(operator, input, output, add);
      break;
    case 'average-pool':
      averagePoolEntries(operator, input, output, add);
      roundings = 1;
      break;
    case 'pad':
      padEntries(operator, input, output, add);
      break;
    case 'global-average-pool': {
      const image = columns / rows;
      for (let i = 0; i < columns; i++) add(Math.floor(i / image), i, operator.sum ? 1 : 1 / image);
      roundings = 1;
      break;
    }
    case 'scale': {
      const alike = sharing(operator.scale.length, input);
      for (let i = 0; i < columns; i++) add(i, i, operator.scale[Math.floor(i / alike)]!);
      break;
    }
    case 'reindex':
    case 'gather':
      for (const [row, column] of entrySources(operator, input).entries())
        if (column >= 0) add(row, column, 1);
      break;
    default:
      throw unknownOperator(operator);
  }
  return { rows, columns, data, ...exactness(roundings, magnitude) };
}

/** From the gradient of the matrix of a convolution to that of its kernel, in the kernel's layout: the adjoint of `linearMatrix`. */
export function kernelGradient(
  operator: Omit<Convolution, 'weight'> | Omit<TransposedConvolution, 'weight'>,
  input: Shape,
  gradient: Float64Array,
): Float64Array {
  const { outputs, inputs, groups, kernel } = operator;
  const sum = new Float64Array((outputs * inputs * product(kernel)) / groups);
  // Each weight is its own index.
  const numbered = { ...operator, weight: Float64Array.from(sum.keys()) };
  const output = outputShape('kernel gradient', numbered, [input]);
  const columns = product(input);
  const add: AddEntry = (row, column, index) => {
    sum[index]! += gradient[row * columns + column]!;
  };
  if (numbered.kind === 'convolution') {
    convolutionEntries(numbered, input, output, add, (row, column, indices) => {
      for (const index of indices) add(row, column, index);
    });
  } else transposedEntries(numbered, input, output, add);
  return sum;
}

function exactness(roundings: number, magnitude: Float64Array | undefined) {
  return { ...(roundings > 0 && { roundings }), ...(magnitude && { magnitude }) };
}

/** The constant term, flattened: the operator's value at zero. */
export function linearOffset(operator: LinearOperator, input: Shape): Float64Array {
  const output = outputShape('linear offset', operator, [input]);
  return evaluateOperator(operator, [new Float64Array(product(input))], [input], output);
}

/** The operator without its constant term. */
export function linearPart<O extends LinearOperator>(operator: O): O {
  const { bias: _bias, shift: _shift, ...rest } = operator as O & { bias?: unknown; shift?: unknown };
  return rest as unknown as O;
}

/** Takes every entry once. */
type AddEntry = (row: number, column: number, value: number) => void;

/** @param addSum takes entries that are sums of weights: several taps of one window can read one sample of an image that is circular,
 *  reflected or replicated */
function convolutionEntries(
  operator: Convolution,
  input: Shape,
  output: Shape,
  add: AddEntry,
  addSum: (row: number, column: number, terms: readonly number[]) => void,
): void {
  const { outputs, inputs, groups, weight } = operator;
  const { windows, taps, source } = tapTable(convolutionWindows(operator, input, output));
  const image = product(input) / inputs;
  const perGroup = inputs / groups;
  for (let j = 0; j < windows; j++) {
    /** The taps that read each sample. */
    const samples = new Map<number, number[]>();
    for (let t = 0; t < taps; t++) {
      const at = source[j * taps + t]!;
      const others = samples.get(at);
      if (others) others.push(t);
      else if (at >= 0) samples.set(at, [t]);
    }
    for (const [at, own] of samples) {
      for (let o = 0; o < outputs; o++) {
        const firstInput = Math.floor(o / (outputs / groups)) * perGroup;
        for (let i = 0; i < perGroup; i++) {
          const [row, column] = [o * windows + j, (firstInput + i) * image + at];
          const first = (o * perGroup + i) * taps;
          if (own.length === 1) add(row, column, weight[first + own[0]!]!);
          else
            addSum(
              row,
              column,
              own.map((t) => weight[first + t]!),
            );
        }
      }
    }
  }
}

function transposedEntries(
  operator: TransposedConvolution,
  input: Shape,
  output: Shape,
  add: AddEntry,
): void {
  const { outputs, inputs, groups, weight } = operator;
  const { windows, taps, source } = tapTable(transposedWindows(operator, input, output));
  const image = product(output) / outputs;
  const perGroup = outputs / groups;
  for (let i = 0; i < inputs; i++) {
    const firstOutput = Math.floor(i / (inputs / groups)) * perGroup;
    for (let o = 0; o < perGroup; o++) {
      for (let j = 0; j < windows; j++) {
        for (let t = 0; t < taps; t++) {
          const at = source[j * taps + t]!;
          if (at < 0) continue;
          add((firstOutput + o) * image + at, i * windows + j, weight[(i * perGroup + o) * taps + t]!);
        }
      }
    }
  }
}

function averagePoolEntries(operator: AveragePool, input: Shape, output: Shape, add: AddEntry): void {
  const { windows, taps, source } = tapTable(averagePoolWindows(operator, input, output));
  const image = product(input) / input[0]!;
  for (let j = 0; j < windows; j++) {
    const read = source.subarray(j * taps, (j + 1) * taps).filter((at) => at >= 0);
    const divisor = operator.countIncludesPadding ? taps : read.length;
    const counts = new Map<number, number>();
    for (const at of read) counts.set(at, (counts.get(at) ?? 0) + 1);
    for (const [at, count] of counts) {
      for (let c = 0; c < input[0]!; c++) add(c * windows + j, c * image + at, count / divisor);
    }
  }
}

function padEntries(operator: Pad, input: Shape, output: Shape, add: AddEntry): void {
  const { windows, source } = tapTable(padWindows(operator, input, output));
  const image = product(input) / input[0]!;
  for (let c = 0; c < input[0]!; c++) {
    for (const [j, at] of source.entries()) if (at >= 0) add(c * windows + j, c * image + at, 1);
  }
}
