/** Plain forward evaluation in float64, for tests, sampling and comparing networks before and after a rewrite. */
import { evaluate as evaluateElementwise } from './elementwise.ts';
import { maximumSources, reindexSources } from './gather.ts';
import { averagePoolWindows, convolutionWindows, padWindows, transposedWindows } from './geometry.ts';
import type { Network, TensorId } from './network.ts';
import type {
  Affine,
  AveragePool,
  Convolution,
  Operator,
  Pad,
  Softmax,
  TransposedConvolution,
} from './operator.ts';
import { unknownOperator } from './shape.ts';
import { broadcast, product } from './size.ts';
import { tapTable } from './windows.ts';

type Shape = readonly number[];

/**
 * The network's output at `x`, both flattened row-major.
 * @throws RangeError if `x` has not the input's number of entries
 */
export function evaluate(network: Network, x: Float64Array): Float64Array {
  return evaluateTensors(network, x)[network.output]!;
}

/** The values of all tensors, by id. */
export function evaluateTensors(network: Network, x: Float64Array): Float64Array[] {
  const entries = product(network.tensors[network.input]!.shape);
  if (x.length !== entries)
    throw new RangeError(`evaluate: the input has ${entries} entries, got ${x.length}`);
  const shape = (id: TensorId) => network.tensors[id]!.shape;
  const values: Float64Array[] = [];
  values[network.input] = x;
  for (const { operator, inputs, output } of network.nodes) {
    const arguments_ = inputs.map((id) => values[id]!);
    values[output] = evaluateOperator(operator, arguments_, inputs.map(shape), shape(output));
  }
  return values;
}

/** One operator on flattened inputs of the given shapes. */
export function evaluateOperator(
  operator: Operator,
  inputs: readonly Float64Array[],
  inputShapes: readonly Shape[],
  outputShape: Shape,
): Float64Array {
  const x = inputs[0]!;
  const shape = inputShapes[0]!;
  switch (operator.kind) {
    case 'affine':
      return affine(operator, x);
    case 'convolution':
      return convolution(operator, x, shape, outputShape);
    case 'transposed-convolution':
      return transposedConvolution(operator, x, shape, outputShape);
    case 'scale': {
      const perChannel = product(shape) / shape[0]!;
      const { scale, shift } = operator;
      return x.map((value, i) => {
        const channel = Math.floor(i / perChannel);
        return broadcast(scale, channel) * value + (shift ? broadcast(shift, channel) : 0);
      });
    }
    case 'nonlinearity': {
      const perChannel = product(shape) / shape[0]!;
      return x.map((value, i) => evaluateElementwise(operator.function, value, Math.floor(i / perChannel)));
    }
    case 'average-pool':
      return averagePool(operator, x, shape, outputShape);
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool':
      return Float64Array.from(maximumSources(operator, x, shape, outputShape), (index) => x[index]!);
    case 'global-average-pool':
      return globalAveragePool(operator.sum, x, shape);
    case 'pad':
      return pad(operator, x, shape, outputShape);
    case 'reindex':
      return Float64Array.from(reindexSources(operator, shape), (index) => x[index]!);
    case 'add':
      return x.map((_, i) =>
        operator.coefficients.reduce((sum, coefficient, k) => sum + coefficient * inputs[k]![i]!, 0),
      );
    case 'concat': {
      const stacked = new Float64Array(product(outputShape));
      let start = 0;
      for (const part of inputs) {
        stacked.set(part, start);
        start += part.length;
      }
      return stacked;
    }
    case 'softmax':
      return softmax(operator, x, shape[0]!);
    default:
      throw unknownOperator(operator);
  }
}

function affine({ outputs, inputs, weight, bias }: Affine, x: Float64Array): Float64Array {
  const y = new Float64Array(outputs);
  for (let o = 0; o < outputs; o++) {
    let sum = bias ? bias[o]! : 0;
    for (let i = 0; i < inputs; i++) sum += weight[o * inputs + i]! * x[i]!;
    y[o] = sum;
  }
  return y;
}

function convolution(operator: Convolution, x: Float64Array, input: Shape, output: Shape): Float64Array {
  const { outputs, inputs, groups, weight, bias } = operator;
  const { windows, taps, source } = tapTable(convolutionWindows(operator, input, output));
  const image = x.length / inputs;
  const perGroup = inputs / groups;
  const y = new Float64Array(outputs * windows);
  for (let o = 0; o < outputs; o++) {
    const firstInput = Math.floor(o / (outputs / groups)) * perGroup;
    for (let j = 0; j < windows; j++) {
      let sum = bias ? bias[o]! : 0;
      for (let i = 0; i < perGroup; i++) {
        for (let t = 0; t < taps; t++) {
          const at = source[j * taps + t]!;
          if (at >= 0) sum += weight[(o * perGroup + i) * taps + t]! * x[(firstInput + i) * image + at]!;
        }
      }
      y[o * windows + j] = sum;
    }
  }
  return y;
}

function transposedConvolution(
  operator: TransposedConvolution,
  x: Float64Array,
  input: Shape,
  output: Shape,
): Float64Array {
  const { outputs, inputs, groups, weight, bias } = operator;
  const { windows, taps, source } = tapTable(transposedWindows(operator, input, output));
  const image = product(output.slice(1));
  const perGroup = outputs / groups;
  const y = new Float64Array(outputs * image);
  if (bias) for (let o = 0; o < outputs; o++) y.fill(bias[o]!, o * image, (o + 1) * image);
  for (let i = 0; i < inputs; i++) {
    const firstOutput = Math.floor(i / (inputs / groups)) * perGroup;
    for (let o = 0; o < perGroup; o++) {
      for (let j = 0; j < windows; j++) {
        for (let t = 0; t < taps; t++) {
          const at = source[j * taps + t]!;
          if (at < 0) continue;
          y[(firstOutput + o) * image + at]! += weight[(i * perGroup + o) * taps + t]! * x[i * windows + j]!;
        }
      }
    }
  }
  return y;
}

function averagePool(operator: AveragePool, x: Float64Array, input: Shape, output: Shape): Float64Array {
  const { windows, taps, source } = tapTable(averagePoolWindows(operator, input, output));
  const image = x.length / input[0]!;
  const y = new Float64Array(input[0]! * windows);
  for (let c = 0; c < input[0]!; c++) {
    for (let j = 0; j < windows; j++) {
      let sum = 0;
      let count = 0;
      for (let t = 0; t < taps; t++) {
        const at = source[j * taps + t]!;
        if (at < 0) continue;
        sum += x[c * image + at]!;
        count++;
      }
      y[c * windows + j] = sum / (operator.countIncludesPadding ? taps : count);
    }
  }
  return y;
}

function globalAveragePool(sumOnly: boolean, x: Float64Array, shape: Shape): Float64Array {
  const image = x.length / shape[0]!;
  const y = new Float64Array(shape[0]!);
  for (let i = 0; i < x.length; i++) y[Math.floor(i / image)]! += x[i]!;
  return sumOnly ? y : y.map((sum) => sum / image);
}

function pad(operator: Pad, x: Float64Array, input: Shape, output: Shape): Float64Array {
  const { windows, source } = tapTable(padWindows(operator, input, output));
  const image = x.length / input[0]!;
  return new Float64Array(input[0]! * windows).map((_, n) => {
    const at = source[n % windows]!;
    return at < 0 ? 0 : x[Math.floor(n / windows) * image + at]!;
  });
}

/** Along the first axis, which has `channels` entries. */
function softmax(operator: Softmax, x: Float64Array, channels: number): Float64Array {
  const positions = x.length / channels;
  const y = new Float64Array(x.length);
  for (let p = 0; p < positions; p++) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < channels; c++) largest = Math.max(largest, x[c * positions + p]!);
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += Math.exp(x[c * positions + p]! - largest);
    for (let c = 0; c < channels; c++) {
      const logit = x[c * positions + p]! - largest;
      y[c * positions + p] = operator.logarithm ? logit - Math.log(sum) : Math.exp(logit) / sum;
    }
  }
  return y;
}
