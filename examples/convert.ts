/** From a TensorFlow.js model (channels last) to a Lipsoid network (channels first, as in ONNX). */
import * as tf from '@tensorflow/tfjs';
import { NetworkBuilder } from '../src/network/builder.ts';
import type { Network, TensorId } from '../src/network/network.ts';
import type { AveragePool, Convolution, MaxPool, Operator, Scale } from '../src/network/operator.ts';

/**
 * The network that the model computes at inference. A flattening must be preceded by a permutation to channels
 * first. Models with one input, one output, and the layers of `operatorOf`.
 * @throws Error that names a layer it does not know
 */
export function toNetwork(name: string, model: tf.LayersModel): Network {
  const builder = new NetworkBuilder(name);
  const outputs = new Map<string, TensorId>();
  /** The tensor that a layer gives, after all that it depends on. */
  const outputOf = (layer: tf.layers.Layer): TensorId => {
    const known = outputs.get(layer.name);
    if (known !== undefined) return known;
    const output = append(builder, layer, layer.inboundNodes[0]!.inboundLayers.map(outputOf));
    outputs.set(layer.name, output);
    return output;
  };
  return builder.build(outputOf(model.outputLayers[0]!));
}

function append(builder: NetworkBuilder, layer: tf.layers.Layer, inputs: readonly TensorId[]): TensorId {
  if (layer.getClassName() === 'InputLayer') {
    const shape = (layer.batchInputShape as number[]).slice(1);
    return builder.input('input', [shape.at(-1)!, ...shape.slice(0, -1)]);
  }
  const operator = operatorOf(layer, builder.shape(inputs[0]!));
  return operator === undefined ? inputs[0]! : builder.add(layer.name, operator, inputs);
}

/** The operator of a layer whose input has `shape` ([channels, ...spatial] or [features]); none for a layer
 *  that only changes the layout. */
function operatorOf(layer: tf.layers.Layer, shape: readonly number[]): Operator | undefined {
  const kind = layer.getClassName();
  switch (kind) {
    case 'Dense': {
      const [inputs, outputs] = layer.getWeights()[0]!.shape as [number, number];
      const { weight, bias } = kernelOf(layer, [1, 0]);
      return { kind: 'affine', outputs, inputs, weight, ...(bias && { bias }) };
    }
    case 'Conv1D':
    case 'Conv2D':
      return convolution(layer, shape);
    case 'BatchNormalization':
      return batchNorm(layer);
    case 'ReLU':
      return { kind: 'nonlinearity', function: { name: 'relu' } };
    case 'MaxPooling1D':
    case 'MaxPooling2D':
      return maxPool(layer);
    case 'AveragePooling1D':
      return averagePool(layer);
    case 'GlobalAveragePooling2D':
      return { kind: 'global-average-pool', sum: false };
    case 'Flatten':
      return {
        kind: 'reindex',
        permutation: shape.map((_, axis) => axis),
        shape: [shape.reduce((size, side) => size * side, 1)],
      };
    case 'Add':
      return { kind: 'add', coefficients: [1, 1] };
    case 'Permute':
      return undefined;
    default:
      throw new Error(`${layer.name}: layers known here are those of the examples, got ${kind}`);
  }
}

function convolution(layer: tf.layers.Layer, shape: readonly number[]): Convolution {
  const { strides: stride } = layer.getConfig() as { strides: number[] };
  const sides = layer.getWeights()[0]!.shape;
  const kernel = sides.slice(0, -2);
  const [inputs, outputs] = sides.slice(-2) as [number, number];
  // TensorFlow's 'same': ⌈n / stride⌉ samples, the odd one of the padding after.
  const total = kernel.map((side, axis) => {
    const n = shape[1 + axis]!;
    return Math.max(0, (Math.ceil(n / stride[axis]!) - 1) * stride[axis]! + side - n);
  });
  const before = total.map((samples) => Math.floor(samples / 2));
  const after = total.map((samples, axis) => samples - before[axis]!);
  const { weight, bias } = kernelOf(layer, [sides.length - 1, sides.length - 2, ...kernel.keys()]);
  return {
    kind: 'convolution',
    outputs,
    inputs,
    groups: 1,
    kernel,
    stride,
    dilation: kernel.map(() => 1),
    padding: { mode: 'zero', before, after },
    weight,
    ...(bias && { bias }),
  };
}

function maxPool(layer: tf.layers.Layer): MaxPool {
  const { kernel, stride } = poolingOf(layer);
  const none = kernel.map(() => 0);
  return { kind: 'max-pool', kernel, stride, dilation: kernel.map(() => 1), before: none, after: none };
}

function averagePool(layer: tf.layers.Layer): AveragePool {
  const { kernel, stride } = poolingOf(layer);
  const none = kernel.map(() => 0);
  const padding = { mode: 'zero', before: none, after: none } as const;
  return { kind: 'average-pool', kernel, stride, padding, countIncludesPadding: true };
}

/** Windows without padding. */
function poolingOf(layer: tf.layers.Layer): { kernel: number[]; stride: number[] } {
  const { poolSize: kernel, strides: stride } = layer.getConfig() as {
    poolSize: number[];
    strides: number[];
  };
  return { kernel, stride };
}

/** γ (x − mean) / √(variance + ε) + β as scale and shift. */
function batchNorm(layer: tf.layers.Layer): Scale {
  const { epsilon } = layer.getConfig() as { epsilon: number };
  const [gamma, beta, mean, variance] = layer.getWeights().map((w) => Float64Array.from(w.dataSync()));
  const scale = gamma!.map((g, c) => g / Math.sqrt(variance![c]! + epsilon));
  return { kind: 'scale', scale, shift: beta!.map((b, c) => b - mean![c]! * scale[c]!) };
}

/** Kernel with its axes permuted, and bias, of a dense or convolutional layer. */
function kernelOf(
  layer: tf.layers.Layer,
  permutation: number[],
): { weight: Float64Array; bias: Float64Array | undefined } {
  const [kernel, bias] = layer.getWeights();
  const weight = Float64Array.from(tf.tidy(() => tf.transpose(kernel!, permutation).dataSync()));
  return { weight, bias: bias && Float64Array.from(bias.dataSync()) };
}
