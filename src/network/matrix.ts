/** Linear operators as dense matrices on flattened tensors, entry by entry. */
import { evaluateOperator } from './evaluate.ts';
import { reindexSources } from './gather.ts';
import { averagePoolWindows, convolutionWindows, padWindows, transposedWindows } from './geometry.ts';
import type { AveragePool, Convolution, Operator, Pad, TransposedConvolution } from './operator.ts';
import { outputShape, unknownOperator } from './shape.ts';
import { broadcast, product } from './size.ts';
import { tapTable } from './windows.ts';

type Shape = readonly number[];

/** Row-major [rows, columns]. */
export interface DenseMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** Affine operators of one input: all but their constant term is a matrix. */
export type LinearOperator = Extract<
  Operator,
  {
    kind:
      | 'affine'
      | 'convolution'
      | 'transposed-convolution'
      | 'scale'
      | 'average-pool'
      | 'global-average-pool'
      | 'pad'
      | 'reindex';
  }
>;

export function isLinear(operator: Operator): operator is LinearOperator {
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution':
    case 'scale':
    case 'average-pool':
    case 'global-average-pool':
    case 'pad':
    case 'reindex':
      return true;
    case 'nonlinearity':
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool':
    case 'add':
    case 'concat':
    case 'softmax':
      return false;
    default:
      throw unknownOperator(operator);
  }
}

/** The matrix of the operator without its constant term: [entries of the output, entries of the input]. */
export function linearMatrix(operator: LinearOperator, input: Shape): DenseMatrix {
  if (operator.kind === 'affine') {
    return { rows: operator.outputs, columns: operator.inputs, data: operator.weight };
  }
  const output = outputShape('linear matrix', operator, [input]);
  const rows = product(output);
  const columns = product(input);
  const data = new Float64Array(rows * columns);
  // Several taps of one window can read one sample of a circular or replicated image.
  const add = (row: number, column: number, value: number) => {
    data[row * columns + column]! += value;
  };
  switch (operator.kind) {
    case 'convolution':
      convolutionEntries(operator, input, output, add);
      break;
    case 'transposed-convolution':
      transposedEntries(operator, input, output, add);
      break;
    case 'average-pool':
      averagePoolEntries(operator, input, output, add);
      break;
    case 'pad':
      padEntries(operator, input, output, add);
      break;
    case 'global-average-pool': {
      const image = columns / rows;
      for (let i = 0; i < columns; i++) add(Math.floor(i / image), i, operator.sum ? 1 : 1 / image);
      break;
    }
    case 'scale': {
      const image = columns / input[0]!;
      for (let i = 0; i < columns; i++) add(i, i, broadcast(operator.scale, Math.floor(i / image)));
      break;
    }
    case 'reindex':
      for (const [row, column] of reindexSources(operator, input).entries()) add(row, column, 1);
      break;
    default:
      throw unknownOperator(operator);
  }
  return { rows, columns, data };
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

type AddEntry = (row: number, column: number, value: number) => void;

function convolutionEntries(operator: Convolution, input: Shape, output: Shape, add: AddEntry): void {
  const { outputs, inputs, groups, weight } = operator;
  const { windows, taps, source } = tapTable(convolutionWindows(operator, input, output));
  const image = product(input) / inputs;
  const perGroup = inputs / groups;
  for (let o = 0; o < outputs; o++) {
    const firstInput = Math.floor(o / (outputs / groups)) * perGroup;
    for (let i = 0; i < perGroup; i++) {
      for (let j = 0; j < windows; j++) {
        for (let t = 0; t < taps; t++) {
          const at = source[j * taps + t]!;
          if (at < 0) continue;
          add(o * windows + j, (firstInput + i) * image + at, weight[(o * perGroup + i) * taps + t]!);
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
    const share = 1 / (operator.countIncludesPadding ? taps : read.length);
    for (let c = 0; c < input[0]!; c++) for (const at of read) add(c * windows + j, c * image + at, share);
  }
}

function padEntries(operator: Pad, input: Shape, output: Shape, add: AddEntry): void {
  const { windows, source } = tapTable(padWindows(operator, input, output));
  const image = product(input) / input[0]!;
  for (let c = 0; c < input[0]!; c++) {
    for (const [j, at] of source.entries()) if (at >= 0) add(c * windows + j, c * image + at, 1);
  }
}
