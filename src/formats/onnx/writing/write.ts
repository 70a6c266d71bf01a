/** From a network to an ONNX model. */
import type { Network, Node } from '../../../network/network.ts';
import type {
  Convolution,
  Gather,
  Padding,
  Reindex,
  Scale,
  TransposedConvolution,
} from '../../../network/operator.ts';
import { everyAxis, product, sameShape } from '../../../network/size.ts';
import { elementwiseNode } from '../elementwise/table.ts';
import { DataType } from '../values/tensors.ts';
import { groupedNode } from './groups.ts';
import { parameterArrays } from './parameterArrays.ts';
import { GraphWriter, perChannel } from './writer.ts';

/**
 * A model of operator set 20 that computes the network for any batch size, weights inside. In float32 if that holds
 * every number of the network exactly, else in float64. `readOnnx` gives the same function back.
 * @throws InputError for parameters that ONNX holds in float32 alone and that float32 does not hold
 */
export function writeOnnx(network: Network): Uint8Array {
  const exact = network.nodes.every(({ operator }) => parameterArrays(operator).every(isFloat32));
  const writer = new GraphWriter(exact ? DataType.FLOAT : DataType.DOUBLE);
  const input = writer.name(network.tensors[network.input]!.name);
  const values = new Map([[network.input, input]]);
  for (const node of network.nodes) {
    const output = writer.name(network.tensors[node.output]!.name);
    const inputs = node.inputs.map((id) => values.get(id)!);
    const shape = network.tensors[node.inputs[0]!]!.shape;
    writer.within(node.name, output);
    writeNode(writer, node, inputs, shape, network.tensors[node.output]!.shape);
    values.set(node.output, output);
  }
  if (network.output === network.input) {
    const output = writer.name('output');
    writer.within('identity', output);
    writer.last('Identity', [values.get(network.input)!]);
    values.set(network.output, output);
  }
  const rim = (name: string, id: number) => ({ name, shape: network.tensors[id]!.shape });
  return writer.model(
    network.name,
    rim(input, network.input),
    rim(values.get(network.output)!, network.output),
  );
}

/** NaN would be written as it is; networks hold none. */
function isFloat32(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (Math.fround(values[i]!) !== values[i]) return false;
  return true;
}

/** The ONNX nodes of one operator; `shape` is that of the first input, without the batch. */
function writeNode(
  writer: GraphWriter,
  { name, operator }: Node,
  inputs: readonly string[],
  shape: readonly number[],
  outputShape: readonly number[],
): void {
  const x = inputs[0]!;
  const spatial = shape.length - 1;
  switch (operator.kind) {
    case 'affine': {
      const { outputs, weight, bias } = operator;
      const flat = shape.length === 1 ? x : writer.node('flatten', 'Flatten', [x]);
      const w = writer.constant('weight', [outputs, operator.inputs], weight);
      const b = bias ? [writer.constant('bias', [outputs], bias)] : [];
      writer.last('Gemm', [flat, w, ...b], { transB: 1 });
      return;
    }
    case 'convolution': {
      const { before, after } = operator.padding;
      const own = operator.padding.mode === 'zero';
      const padded = own ? x : padNode(writer, x, operator.padding);
      const pads = own ? [...before, ...after] : everyAxis(2 * spatial, 0);
      const attributes = { ...windowAttributes(operator), group: operator.groups, pads };
      const side = operator.inputs / operator.groups;
      writer.last('Conv', [padded, ...weights(writer, operator, [operator.outputs, side])], attributes);
      return;
    }
    case 'transposed-convolution': {
      const { before, after, outputPadding, groups } = operator;
      const pads = { pads: [...before, ...after], output_padding: [...outputPadding] };
      const side = operator.outputs / groups;
      const attributes = { ...windowAttributes(operator), group: groups, ...pads };
      writer.last('ConvTranspose', [x, ...weights(writer, operator, [operator.inputs, side])], attributes);
      return;
    }
    case 'scale':
      scaleNodes(writer, operator, x, shape);
      return;
    case 'nonlinearity':
      writer.last(...elementwiseNode(writer, name, operator.function, x, spatial));
      return;
    case 'average-pool': {
      const { mode, before, after } = operator.padding;
      const own = mode === 'zero';
      const padded = own ? x : padNode(writer, x, operator.padding);
      const pads = own ? [...before, ...after] : everyAxis(2 * spatial, 0);
      const counted = { count_include_pad: operator.countIncludesPadding ? 1 : 0 };
      writer.last('AveragePool', [padded], { ...poolAttributes(operator), pads, ...counted });
      return;
    }
    case 'max-pool': {
      const { before, after, dilation } = operator;
      const pads = [...before, ...after];
      writer.last('MaxPool', [x], { ...poolAttributes(operator), dilations: [...dilation], pads });
      return;
    }
    case 'max-gather': {
      const flat = shape.length === 1 ? x : writer.node('flatten', 'Flatten', [x]);
      const longest = operator.windows.reduce((most, window) => Math.max(most, window.length), 0);
      // Shorter windows repeat their first entry.
      const indices = operator.windows.flatMap((w) =>
        Array.from({ length: longest }, (_, k) => w[k] ?? w[0]!),
      );
      const table = writer.integers('windows', [operator.windows.length, longest], indices);
      const gathered = writer.node('gather', 'Gather', [flat, table], { axis: 1 });
      writer.last('ReduceMax', [gathered, writer.integers('axes', [1], [2])], { keepdims: 0 });
      return;
    }
    case 'global-average-pool':
      spatialReduction(writer, operator.sum ? 'ReduceSum' : 'ReduceMean', x, spatial);
      return;
    case 'global-max-pool':
      spatialReduction(writer, 'ReduceMax', x, spatial);
      return;
    case 'pad':
      writer.last('Pad', padInputs(writer, x, operator.padding), { mode: PAD_MODES[operator.padding.mode] });
      return;
    case 'reindex':
      reindexNodes(writer, operator, x, shape, outputShape);
      return;
    case 'gather':
      gatherNodes(writer, operator, x, shape, outputShape);
      return;
    case 'add':
      writer.last(
        'Sum',
        inputs.map((input, k) => multiplied(writer, input, operator.coefficients[k]!)),
      );
      return;
    case 'concat':
      writer.last('Concat', inputs, { axis: 1 });
      return;
    case 'grouped':
      groupedNode(writer, name, operator, x);
      return;
    case 'softmax':
      writer.last(operator.logarithm ? 'LogSoftmax' : 'Softmax', [x], { axis: 1 });
      return;
    default:
      operator satisfies never;
  }
}

function windowAttributes(operator: Convolution | TransposedConvolution) {
  const { kernel, stride, dilation } = operator;
  return { kernel_shape: [...kernel], strides: [...stride], dilations: [...dilation] };
}

function poolAttributes({ kernel, stride }: { kernel: readonly number[]; stride: readonly number[] }) {
  return { kernel_shape: [...kernel], strides: [...stride] };
}

function weights(
  writer: GraphWriter,
  { weight, bias, kernel, outputs }: Convolution | TransposedConvolution,
  channels: readonly number[],
): string[] {
  const names = [writer.constant('weight', [...channels, ...kernel], weight)];
  if (bias) names.push(writer.constant('bias', [outputs], bias));
  return names;
}

function scaleNodes(writer: GraphWriter, { scale, shift }: Scale, x: string, shape: readonly number[]): void {
  const constant = (what: string, values: Float64Array) =>
    values.length > shape[0]!
      ? writer.constant(what, shape, values)
      : perChannel(writer, what, values, shape.length - 1);
  const factor = constant('scale', scale);
  if (!shift) {
    writer.last('Mul', [x, factor]);
    return;
  }
  const scaled = writer.node('scale', 'Mul', [x, factor]);
  writer.last('Add', [scaled, constant('shift', shift)]);
}

const PAD_MODES = { zero: 'constant', circular: 'wrap', reflect: 'reflect', replicate: 'edge' } as const;

function padNode(writer: GraphWriter, x: string, padding: Padding): string {
  return writer.node('pad', 'Pad', padInputs(writer, x, padding), { mode: PAD_MODES[padding.mode] });
}

function padInputs(writer: GraphWriter, x: string, { before, after }: Padding): string[] {
  const pads = [0, 0, ...before, 0, 0, ...after];
  return [x, writer.integers('pads', [pads.length], pads)];
}

function spatialReduction(writer: GraphWriter, opType: string, x: string, spatial: number): void {
  const axes = Array.from({ length: spatial }, (_, a) => a + 2);
  writer.last(opType, [x, writer.integers('axes', [spatial], axes)], { keepdims: 0 });
}

function reindexNodes(
  writer: GraphWriter,
  { permutation }: Reindex,
  x: string,
  shape: readonly number[],
  outputShape: readonly number[],
): void {
  const moved = permutation.map((axis) => shape[axis]!);
  const perm = [0, ...permutation.map((axis) => axis + 1)];
  const inOrder = permutation.every((axis, i) => axis === i);
  if (sameShape(moved, outputShape)) {
    writer.last('Transpose', [x], { perm });
    return;
  }
  const transposed = inOrder ? x : writer.node('transpose', 'Transpose', [x], { perm });
  // 0: as many samples as there are.
  const target = writer.integers('shape', [outputShape.length + 1], [0, ...outputShape]);
  writer.last('Reshape', [transposed, target]);
}

function gatherNodes(
  writer: GraphWriter,
  { sources, shape: target }: Gather,
  x: string,
  shape: readonly number[],
  outputShape: readonly number[],
): void {
  const flat = !target || shape.length === 1 ? x : writer.node('flatten', 'Flatten', [x]);
  const entries = target ? product(shape) : shape[0]!;
  // A zero behind all entries is what −1 stands for.
  const none = everyAxis(target ? 1 : shape.length, 0);
  const pads = [0, ...none, 0, 1, ...none.slice(1)];
  const zero = sources.includes(-1);
  const from = zero ? writer.node('pad', 'Pad', [flat, writer.integers('pads', [pads.length], pads)]) : flat;
  const indices = Array.from(sources, (source) => (source < 0 ? entries : source));
  const table = writer.integers('sources', [indices.length], indices);
  if (!target || outputShape.length === 1) {
    writer.last('Gather', [from, table], { axis: 1 });
    return;
  }
  const gathered = writer.node('gather', 'Gather', [from, table], { axis: 1 });
  const to = writer.integers('shape', [outputShape.length + 1], [0, ...outputShape]);
  writer.last('Reshape', [gathered, to]);
}

function multiplied(writer: GraphWriter, x: string, coefficient: number): string {
  if (coefficient === 1) return x;
  const factor = writer.constant('coefficient', [], Float64Array.of(coefficient));
  return writer.node('scale', 'Mul', [x, factor]);
}
