/**
 * The linear operators of a network as explicit sparse matrices, entry by entry from their definitions in
 * `operator.ts`. Independent of `src/network/evaluation/evaluate.ts` and of every symbol: this is what those are tested against.
 */

import type { Network, Node } from '../../src/network/network.ts';
import { inDouble } from '../../src/network/numbers.ts';
import type {
  AveragePool,
  Convolution,
  PaddingMode,
  TransposedConvolution,
} from '../../src/network/operator.ts';
import { offsetOf, positions, volume } from './grid.ts';
import { SparseBuilder, type SparseMatrix } from './sparse.ts';

/** y = Σ_k matrices[k] · input_k + offset */
export interface LinearNode {
  readonly matrices: readonly SparseMatrix[];
  readonly offset: Float64Array;
}

/** The matrices of a node, one per input, or undefined where the node is not linear. */
export function linearNode(network: Network, node: Node): LinearNode | undefined {
  const shapes = node.inputs.map((id) => network.tensors[id]!.shape);
  const input = shapes[0]!;
  const output = network.tensors[node.output]!.shape;
  const { operator } = node;
  switch (operator.kind) {
    case 'affine':
      return {
        matrices: [denseEntries(operator.outputs, operator.inputs, inDouble(operator.weight))],
        offset: operator.bias ?? new Float64Array(operator.outputs),
      };
    case 'convolution':
      return { matrices: [convolution(operator, input, output)], offset: perChannel(operator.bias, output) };
    case 'transposed-convolution':
      return {
        matrices: [transposedConvolution(operator, input, output)],
        offset: perChannel(operator.bias, output),
      };
    case 'scale':
      return {
        matrices: [diagonal(perChannel(operator.scale, output))],
        offset: perChannel(operator.shift, output),
      };
    case 'average-pool':
      return { matrices: [averagePool(operator, input, output)], offset: new Float64Array(volume(output)) };
    case 'global-average-pool':
      return { matrices: [globalSum(input, operator.sum)], offset: new Float64Array(volume(output)) };
    case 'pad': {
      const { padding } = operator;
      const builder = new SparseBuilder(volume(output), volume(input));
      for (const at of positions(output)) {
        const from = at.map((index, axis) =>
          axis === 0 ? index : source(index - padding.before[axis - 1]!, input[axis]!, padding.mode),
        );
        if (from.every((index) => index >= 0)) builder.put(offsetOf(at, output), offsetOf(from, input), 1);
      }
      return { matrices: [builder.build()], offset: new Float64Array(volume(output)) };
    }
    case 'reindex': {
      const { permutation } = operator;
      const permuted = permutation.map((axis) => input[axis]!);
      const builder = new SparseBuilder(volume(output), volume(input));
      positions(permuted).forEach((at, row) => {
        const from = input.map((_, axis) => at[permutation.indexOf(axis)]!);
        builder.put(row, offsetOf(from, input), 1);
      });
      return { matrices: [builder.build()], offset: new Float64Array(volume(output)) };
    }
    case 'gather': {
      const builder = new SparseBuilder(volume(output), volume(input));
      const image = volume(input.slice(1));
      for (let row = 0; row < volume(output); row++) {
        const whole = operator.shape !== undefined;
        const from = operator.sources[whole ? row : Math.floor(row / image)]!;
        if (from >= 0) builder.put(row, whole ? from : from * image + (row % image), 1);
      }
      return { matrices: [builder.build()], offset: new Float64Array(volume(output)) };
    }
    case 'add':
      return {
        matrices: operator.coefficients.map((c) => diagonal(new Float64Array(volume(output)).fill(c))),
        offset: new Float64Array(volume(output)),
      };
    case 'concat': {
      let start = 0;
      const matrices = shapes.map((shape) => {
        const builder = new SparseBuilder(volume(output), volume(shape));
        for (let i = 0; i < volume(shape); i++) builder.put(start + i, i, 1);
        start += volume(shape);
        return builder.build();
      });
      return { matrices, offset: new Float64Array(volume(output)) };
    }
    case 'nonlinearity':
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool':
    case 'grouped':
    case 'softmax':
      return undefined;
    default:
      return operator satisfies never;
  }
}

/** The sample that a padded index reads, or −1 for a zero. */
function source(index: number, side: number, mode: PaddingMode): number {
  switch (mode) {
    case 'zero':
      return index >= 0 && index < side ? index : -1;
    case 'circular':
      return ((index % side) + side) % side;
    case 'reflect': {
      const period = Math.max(1, 2 * (side - 1));
      const folded = ((index % period) + period) % period;
      return folded < side ? folded : period - folded;
    }
    case 'replicate':
      return Math.min(side - 1, Math.max(0, index));
    default:
      return mode satisfies never;
  }
}

/** One value per channel (or one for all, or one per entry) spread over the positions. */
function perChannel(values: Float64Array | undefined, shape: readonly number[]): Float64Array {
  const samples = volume(shape.slice(1));
  if (values?.length === volume(shape)) return values;
  return Float64Array.from({ length: volume(shape) }, (_, i) =>
    values === undefined ? 0 : values[values.length === 1 ? 0 : Math.floor(i / samples)]!,
  );
}

function diagonal(values: Float64Array): SparseMatrix {
  const builder = new SparseBuilder(values.length, values.length);
  values.forEach((value, i) => {
    builder.put(i, i, value);
  });
  return builder.build();
}

function denseEntries(rows: number, columns: number, weight: Float64Array): SparseMatrix {
  const builder = new SparseBuilder(rows, columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) builder.put(i, j, weight[i * columns + j]!);
  }
  return builder.build();
}

function convolution(op: Convolution, input: readonly number[], output: readonly number[]): SparseMatrix {
  const builder = new SparseBuilder(volume(output), volume(input));
  const inputsPerGroup = op.inputs / op.groups;
  const outputsPerGroup = op.outputs / op.groups;
  const taps = positions(op.kernel);
  for (const [channel, ...at] of positions(output)) {
    const row = offsetOf([channel!, ...at], output);
    const firstInput = Math.floor(channel! / outputsPerGroup) * inputsPerGroup;
    taps.forEach((tap, t) => {
      const from = tap.map((k, axis) =>
        source(
          op.stride[axis]! * at[axis]! + op.dilation[axis]! * k - op.padding.before[axis]!,
          input[axis + 1]!,
          op.padding.mode,
        ),
      );
      if (from.some((index) => index < 0)) return;
      for (let i = 0; i < inputsPerGroup; i++) {
        const value = op.weight[(channel! * inputsPerGroup + i) * taps.length + t]!;
        builder.put(row, offsetOf([firstInput + i, ...from], input), value);
      }
    });
  }
  return builder.build();
}

function transposedConvolution(
  op: TransposedConvolution,
  input: readonly number[],
  output: readonly number[],
): SparseMatrix {
  const builder = new SparseBuilder(volume(output), volume(input));
  const inputsPerGroup = op.inputs / op.groups;
  const outputsPerGroup = op.outputs / op.groups;
  const taps = positions(op.kernel);
  for (const [channel, ...at] of positions(input)) {
    const column = offsetOf([channel!, ...at], input);
    const firstOutput = Math.floor(channel! / inputsPerGroup) * outputsPerGroup;
    taps.forEach((tap, t) => {
      const to = tap.map(
        (k, axis) => op.stride[axis]! * at[axis]! + op.dilation[axis]! * k - op.before[axis]!,
      );
      if (to.some((index, axis) => index < 0 || index >= output[axis + 1]!)) return;
      for (let o = 0; o < outputsPerGroup; o++) {
        const value = op.weight[(channel! * outputsPerGroup + o) * taps.length + t]!;
        builder.put(offsetOf([firstOutput + o, ...to], output), column, value);
      }
    });
  }
  return builder.build();
}

function averagePool(op: AveragePool, input: readonly number[], output: readonly number[]): SparseMatrix {
  const builder = new SparseBuilder(volume(output), volume(input));
  for (const [channel, ...at] of positions(output)) {
    const window = positions(op.kernel)
      .map((tap) =>
        tap.map((k, axis) =>
          source(
            op.stride[axis]! * at[axis]! + k - op.padding.before[axis]!,
            input[axis + 1]!,
            op.padding.mode,
          ),
        ),
      )
      .filter((from) => from.every((index) => index >= 0));
    const divisor = op.countIncludesPadding ? volume(op.kernel) : window.length;
    for (const from of window) {
      builder.put(offsetOf([channel!, ...at], output), offsetOf([channel!, ...from], input), 1 / divisor);
    }
  }
  return builder.build();
}

function globalSum(input: readonly number[], sum: boolean): SparseMatrix {
  const samples = volume(input.slice(1));
  const builder = new SparseBuilder(input[0]!, volume(input));
  for (let i = 0; i < volume(input); i++) builder.put(Math.floor(i / samples), i, sum ? 1 : 1 / samples);
  return builder.build();
}
