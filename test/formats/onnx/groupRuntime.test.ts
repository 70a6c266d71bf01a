/** Functions of groups, and functions spelt out, as ONNX Runtime computes them; their bounds are above every slope that it shows. */
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bound } from '../../../src/bounds/bound.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { EngineHandle } from '../../../src/engine/engine.ts';
import {
  AttributeProtoSchema,
  type NodeProto,
  type TensorProto,
} from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { AttributeType } from '../../../src/formats/onnx/values/attributes.ts';
import { product } from '../../../src/network/size.ts';
import { Random } from '../../support/random.ts';
import { distance, evaluateBatch, floats, integers, model, node, read } from './build.ts';
import { runOnnx } from './onnxRuntime.ts';

let engine: EngineHandle;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

interface Case {
  readonly nodes: readonly NodeProto[];
  /** Of the input, the batch of one included. */
  readonly dims?: readonly number[];
  readonly opset?: number;
  readonly initializers?: readonly TensorProto[];
}

const random = new Random(11);
const weights = (name: string, ...dims: number[]) => floats(name, dims, [...random.normals(product(dims))]);
const one = (op: string, attributes: Parameters<typeof node>[3] = {}, inputs = 'x') =>
  node(op, inputs, 'y', attributes);
const number = (name: string, value: number) => floats(name, [], [value]);
const image = [1, 4, 3, 2];
const tokens = [1, 3, 4];

const strings = (name: string, values: readonly string[]) =>
  create(AttributeProtoSchema, {
    name,
    type: AttributeType.STRINGS,
    strings: values.map((text) => new TextEncoder().encode(text)),
  });
const withStrings = (plain: NodeProto, name: string, values: readonly string[]): NodeProto => ({
  ...plain,
  attribute: [...plain.attribute, strings(name, values)],
});

const layerNorm = (last: readonly NodeProto[]): NodeProto[] => [
  node('ReduceMean', 'x', 'm', { axes: [-1n] }),
  node('Sub', 'x m', 'd'),
  node('Pow', 'd two', 'q'),
  node('ReduceMean', 'q', 'v', { axes: [-1n] }),
  ...last,
];
const forNorm = [
  number('two', 2),
  number('eps', 0.1),
  number('half', 0.5),
  number('minus', -0.5),
  number('one', 1),
];

const meanOverNoAxes = (opset: number) =>
  opset < 18 ? node('ReduceMean', 'q', 'v', { axes: [] as bigint[] }) : node('ReduceMean', 'q none', 'v');

const CASES: Record<string, Case> = {
  'softmax over the last axis of an image': { nodes: [one('Softmax', { axis: 3n })], dims: image },
  'softmax over channels, then more': {
    nodes: [node('Softmax', 'x', 's', { axis: 1n }), one('Relu', {}, 's')],
    dims: image,
  },
  'softmax of all axes, operator set 11': { nodes: [one('Softmax', { axis: 1n })], dims: image, opset: 11 },
  'log-softmax of tokens, then more': {
    nodes: [node('LogSoftmax', 'x', 's', { axis: -1n }), one('Tanh', {}, 's')],
    dims: tokens,
  },
  'softmax spelt out': {
    nodes: [
      ...[node('Exp', 'x', 'e'), node('ReduceSum', 'e axes', 't'), node('Div', 'e t', 's')],
      one('Relu', {}, 's'),
    ],
    dims: image,
    initializers: [integers('axes', [1], [1])],
  },
  'softmax spelt out, below the largest': {
    nodes: [
      ...[node('ReduceMax', 'x', 'm', { axes: [-1n] }), node('Sub', 'x m', 'd'), node('Exp', 'd', 'e')],
      ...[node('ReduceSum', 'e axes', 't'), one('Div', {}, 'e t')],
    ],
    dims: tokens,
    initializers: [integers('axes', [1], [-1])],
  },
  'softmax spelt out, operator set 11': {
    nodes: [
      ...[node('ReduceMax', 'x', 'm', { axes: [1n] }), node('Sub', 'x m', 'd'), node('Exp', 'd', 'e')],
      ...[node('ReduceSum', 'e', 't', { axes: [1n] }), one('Div', {}, 'e t')],
    ],
    opset: 11,
  },
  'log-softmax spelt out': {
    nodes: [
      ...[node('ReduceMax', 'x', 'm', { axes: [-1n] }), node('Sub', 'x m', 'd'), node('Exp', 'd', 'e')],
      ...[node('ReduceSum', 'e axes', 't'), node('Log', 't', 'l'), one('Sub', {}, 'd l')],
    ],
    dims: tokens,
    initializers: [integers('axes', [1], [-1])],
  },
  'the logarithm of a softmax': {
    nodes: [node('Softmax', 'x', 's', { axis: 1n }), one('Log', {}, 's')],
    dims: image,
  },
  'ln Σ e^x spelt out': {
    nodes: [
      ...[node('ReduceMax', 'x', 'm', { axes: [1n] }), node('Sub', 'x m', 'd'), node('Exp', 'd', 'e')],
      ...[node('ReduceSum', 'e axes', 't'), node('Log', 't', 'l'), one('Add', {}, 'l m')],
    ],
    initializers: [integers('axes', [1], [1])],
  },
  'ln Σ e^x without its axis': {
    nodes: [
      ...[node('Exp', 'x', 'e'), node('ReduceSum', 'e axes', 't', { keepdims: 0n }), one('Log', {}, 't')],
    ],
    dims: image,
    initializers: [integers('axes', [1], [1])],
  },
  'a length spelt out': {
    nodes: [
      ...[node('Mul', 'x x', 'q'), node('ReduceSum', 'q axes', 't', { keepdims: 0n }), one('Sqrt', {}, 't')],
    ],
    dims: tokens,
    initializers: [integers('axes', [1], [-1])],
  },
  ReduceMax: { nodes: [one('ReduceMax', { axes: [1n] })] },
  'ReduceMax over channels': { nodes: [one('ReduceMax', { axes: [1n], keepdims: 0n })], dims: image },
  'ReduceMin over channels': { nodes: [one('ReduceMin', { axes: [1n] })], dims: image },
  'ReduceMin of all': { nodes: [one('ReduceMin', { axes: [1n], keepdims: 0n })] },
  ReduceL1: { nodes: [one('ReduceL1', { axes: [1n] })] },
  'ReduceL2 over tokens': { nodes: [one('ReduceL2', { axes: [1n], keepdims: 0n })], dims: tokens },
  'ReduceL2 over two axes': { nodes: [one('ReduceL2', { axes: [1n, 2n] })], dims: image },
  ReduceLogSumExp: { nodes: [one('ReduceLogSumExp', { axes: [-1n] })], dims: tokens },
  'LpPool with overlap and padding': {
    nodes: [one('LpPool', { kernel_shape: [2n, 2n], pads: [1n, 0n, 0n, 1n] })],
    dims: image,
  },
  'LpPool of p = 1': {
    nodes: [one('LpPool', { kernel_shape: [3n, 1n], strides: [1n, 2n], p: 1n })],
    dims: image,
  },
  GlobalLpPool: { nodes: [one('GlobalLpPool', { p: 3n })], dims: image },
  TopK: {
    nodes: [node('TopK', 'x k', 'y i', { axis: -1n, largest: 0n })],
    initializers: [integers('k', [1], [4])],
  },
  'TopK of channels': {
    nodes: [node('TopK', 'x k', 'y i', { axis: 1n })],
    dims: image,
    initializers: [integers('k', [1], [4])],
  },
  'Max of two': { nodes: [node('Tanh', 'x', 't'), node('Neg', 'x', 'n'), one('Max', {}, 't n x')] },
  ...Object.fromEntries(
    ['max', 'min'].map((reduction) => [
      `scattered updates, the ${reduction} of which stays`,
      {
        nodes: [node('Neg', 'x', 'n'), one('ScatterElements', { axis: 1n, reduction }, 'x i n')],
        opset: 18,
        initializers: [integers('i', [1, 4], [2, 0, 2, 2])],
      },
    ]),
  ),
  'what is scattered into known numbers, the largest of which stays': {
    nodes: [one('ScatterElements', { axis: 1n, reduction: 'max' }, 'c i x')],
    opset: 18,
    initializers: [floats('c', [1, 4], [0.5, -0.5, 0.25, 0]), integers('i', [1, 4], [2, 0, 2, 2])],
    dims: [1, 4],
  },
  'Min of two and a vector': {
    nodes: [node('Tanh', 'x', 't'), one('Min', {}, 'w x t')],
    initializers: [floats('w', [4], [1, -0.5, 0.25, 0])],
  },
  'Max with a vector and a scalar': {
    nodes: [one('Max', {}, 'x w c')],
    initializers: [floats('w', [4], [1, -0.5, 0.25, 0]), number('c', -0.25)],
  },
  LayerNormalization: {
    nodes: [one('LayerNormalization', { epsilon: 0.1 }, 'x g b')],
    dims: tokens,
    opset: 17,
    initializers: [weights('g', 4), weights('b', 4)],
  },
  'LayerNormalization of two axes': {
    nodes: [one('LayerNormalization', { epsilon: 0.1, axis: 1n }, 'x g')],
    dims: tokens,
    opset: 17,
    initializers: [number('g', 0.7)],
  },
  'the means of LayerNormalization': {
    nodes: [node('LayerNormalization', 'x g', 'z y', { epsilon: 0.1, axis: 1n })],
    dims: tokens,
    opset: 17,
    initializers: [number('g', 0.7)],
  },
  'the reciprocal deviations of LayerNormalization': {
    nodes: [node('LayerNormalization', 'x g', 'z  y', { epsilon: 0.1 })],
    dims: tokens,
    opset: 17,
    initializers: [weights('g', 4)],
  },
  'reciprocal deviations spelt out': {
    nodes: layerNorm([node('Add', 'v eps', 'e'), node('Sqrt', 'e', 's'), one('Reciprocal', {}, 's')]),
    dims: tokens,
    initializers: forNorm,
  },
  'reciprocals of a root of mean squares': {
    nodes: [
      ...[node('Mul', 'x x', 'q'), node('ReduceMean', 'q', 'v', { axes: [1n] }), node('Add', 'v eps', 'e')],
      ...[node('Sqrt', 'e', 's'), one('Div', {}, 'one s')],
    ],
    initializers: forNorm,
  },
  ...Object.fromEntries(
    ['NegativeLogLikelihoodLoss', 'SoftmaxCrossEntropyLoss'].flatMap((op) =>
      ['none', 'sum', 'mean'].map((reduction, k) => [
        `${op}, ${reduction}`,
        {
          nodes: [one(op, { reduction, ...(k > 0 && { ignore_index: 3n }) }, `x t${k === 1 ? '' : ' w'}`)],
          dims: [2, 4, 3],
          initializers: [integers('t', [2, 3], [1, 3, 0, 2, 1, 1]), floats('w', [4], [0.5, 2, 0.25, 9])],
        },
      ]),
    ),
  ),
  'the logarithms of SoftmaxCrossEntropyLoss': {
    nodes: [node('SoftmaxCrossEntropyLoss', 'x t', 'l y')],
    dims: [1, 4],
    initializers: [integers('t', [1], [2])],
  },
  InstanceNormalization: {
    nodes: [one('InstanceNormalization', { epsilon: 0.1 }, 'x g b')],
    dims: image,
    initializers: [weights('g', 4), weights('b', 4)],
  },
  GroupNormalization: {
    nodes: [one('GroupNormalization', { epsilon: 0.1, num_groups: 2n }, 'x g b')],
    dims: image,
    opset: 18,
    initializers: [weights('g', 2), weights('b', 2)],
  },
  'GroupNormalization, scales by channel': {
    nodes: [one('GroupNormalization', { epsilon: 0.1, num_groups: 2n }, 'x g b')],
    dims: image,
    opset: 21,
    initializers: [weights('g', 4), weights('b', 4)],
  },
  LRN: { nodes: [one('LRN', { size: 3n, alpha: 0.9, bias: 0.5, beta: 0.75 })], dims: image },
  'layer normalisation spelt out': {
    nodes: layerNorm([node('Add', 'v eps', 'e'), node('Sqrt', 'e', 's'), one('Div', {}, 'd s')]),
    dims: tokens,
    initializers: forNorm,
  },
  'layer normalisation by a power': {
    nodes: layerNorm([node('Add', 'eps v', 'e'), node('Pow', 'e minus', 's'), one('Mul', {}, 's d')]),
    initializers: forNorm,
  },
  'by a deviation with an epsilon': {
    nodes: layerNorm([node('Sqrt', 'v', 's'), node('Add', 's eps', 'e'), one('Div', {}, 'd e')]),
    initializers: forNorm,
  },
  'layer normalisation by mean x² − (mean x)²': {
    nodes: [
      ...[node('ReduceMean', 'x', 'm', { axes: [-1n] }), node('Mul', 'x x', 'q'), node('Mul', 'm m', 'mm')],
      ...[node('ReduceMean', 'q', 'u', { axes: [-1n] }), node('Sub', 'u mm', 'v'), node('Add', 'v eps', 'e')],
      ...[node('Sqrt', 'e', 's'), node('Sub', 'x m', 'd'), one('Div', {}, 'd s')],
    ],
    dims: tokens,
    initializers: forNorm,
  },
  'layer normalisation as Keras has it': {
    nodes: [
      ...[node('ReduceMean', 'x', 'm', { axes: [-1n] }), node('Sub', 'x m', 'd'), node('Mul', 'd d', 'q')],
      ...[node('ReduceMean', 'q', 'v', { axes: [-1n] }), node('Add', 'v eps', 'e'), node('Sqrt', 'e', 's')],
      ...[node('Reciprocal', 's', 'i'), node('Mul', 'i g', 'r'), node('Mul', 'x r', 'xr')],
      ...[node('Mul', 'm r', 'mr'), node('Sub', 'b mr', 'rest'), one('Add', {}, 'xr rest')],
    ],
    dims: tokens,
    initializers: [...forNorm, weights('g', 4), weights('b', 4)],
  },
  'root-mean-square normalisation': {
    nodes: [
      ...[node('Mul', 'x x', 'q'), node('ReduceMean', 'q', 'v', { axes: [1n] }), node('Add', 'v eps', 'e')],
      ...[node('Sqrt', 'e', 's'), node('Div', 'one s', 'r'), one('Mul', {}, 'x r')],
    ],
    initializers: forNorm,
  },
  'ℓ2 normalisation': {
    nodes: [
      ...[
        node('ReduceL2', 'x', 'n', { axes: [1n] }),
        node('Clip', 'n eps', 'c'),
        node('Shape', 'x', 'shape'),
      ],
      ...[node('Expand', 'c shape', 'e'), one('Div', {}, 'x e')],
    ],
    initializers: forNorm,
  },
  'ℓ2 normalisation over channels': {
    nodes: [
      ...[node('Mul', 'x x', 'q'), node('ReduceSum', 'q axes', 'n'), node('Max', 'n eps', 'c')],
      ...[node('Sqrt', 'c', 's'), one('Div', {}, 'x s')],
    ],
    dims: image,
    initializers: [...forNorm, integers('axes', [1], [1])],
  },
  // The other way round, entry by entry, its bound would be 1.
  ...Object.fromEntries(
    [13, 18].map((opset) => [
      `root-mean-square normalisation by an empty list of axes, operator set ${opset}`,
      {
        nodes: [
          ...[node('MatMul', 'x stretch', 'h'), node('Mul', 'h h', 'q'), meanOverNoAxes(opset)],
          ...[node('Add', 'v one', 'e'), node('Sqrt', 'e', 's')],
          ...[node('Div', 'h s', 'n'), one('MatMul', {}, 'n second')],
        ],
        dims: [1, 2],
        opset,
        initializers: [
          ...[...forNorm, floats('stretch', [2, 2], [100, 0, 0, 1]), floats('second', [2, 1], [0, 1])],
          ...[integers('none', [0], [])],
        ],
      },
    ]),
  ),
  Softsign: {
    nodes: [node('Abs', 'x', 'a'), node('Add', 'one a', 'd'), one('Div', {}, 'x d')],
    initializers: forNorm,
  },
  'softplus spelt out': {
    nodes: [node('Exp', 'x', 'e'), node('Add', 'one e', 'p'), one('Log', {}, 'p')],
    initializers: [number('one', 1)],
  },
  'a sigmoid spelt out': {
    nodes: [
      ...[node('Neg', 'x', 'n'), node('Exp', 'n', 'e'), node('Add', 'e one', 'p'), one('Div', {}, 'one p')],
    ],
    initializers: [number('one', 1)],
  },
  'leaky ReLU by a comparison': {
    nodes: [node('Mul', 'x k', 'l'), node('LessOrEqual', 'x zero', 'c'), one('Where', {}, 'c l x')],
    opset: 16,
    initializers: [number('k', 0.3), number('zero', 0)],
  },
  'ELU by a comparison': {
    nodes: [
      ...[node('Exp', 'x', 'e'), node('Sub', 'e one', 'm'), node('Mul', 'k m', 'l')],
      ...[node('Greater', 'x zero', 'c'), one('Where', {}, 'c x l')],
    ],
    initializers: [number('k', 0.3), number('zero', 0), number('one', 1)],
  },
  LogSigmoid: { nodes: [node('Sigmoid', 'x', 's'), one('Log', {}, 's')] },
  'tanh²': { nodes: [node('Tanh', 'x', 't'), one('Pow', {}, 't two')], initializers: forNorm },
  'σ²': { nodes: [node('Sigmoid', 'x', 't'), one('Mul', {}, 't t')] },
  'σ(x) tanh(x), a gate': {
    nodes: [node('Tanh', 'x', 't'), node('Sigmoid', 'x', 's'), one('Mul', {}, 's t')],
  },
  'a Gaussian spelt out': {
    nodes: [
      ...[node('Pow', 'x two', 'q'), node('Neg', 'q', 'n'), node('Div', 'n eps', 'd'), one('Exp', {}, 'd')],
    ],
    initializers: forNorm,
  },
  squareplus: {
    nodes: [
      ...[
        node('Mul', 'x x', 'q'),
        node('Add', 'q two', 'a'),
        node('Sqrt', 'a', 'r'),
        node('Add', 'x r', 's'),
      ],
      one('Mul', {}, 's half'),
    ],
    initializers: forNorm,
  },
  'a gated convolution': {
    nodes: [
      ...[
        node('Conv', 'x k', 'p'),
        node('Conv', 'x l', 'q'),
        node('Tanh', 'p', 't'),
        node('Sigmoid', 'q', 's'),
      ],
      one('Mul', {}, 't s'),
    ],
    dims: image,
    initializers: [weights('k', 3, 4, 2, 1), weights('l', 3, 4, 2, 1)],
  },
  'a product that broadcasts, of bounded sums': {
    nodes: [
      ...[node('Tanh', 'x', 't'), node('ReduceSum', 't axes', 's'), node('Clip', 'x low high', 'c')],
      one('Mul', {}, 'c s'),
    ],
    dims: tokens,
    initializers: [integers('axes', [1], [-1]), number('low', -0.5), number('high', 2)],
  },
  Shrink: { nodes: [one('Shrink', { lambd: 0.25, bias: 0.25 })] },
  Softshrink: {
    nodes: [
      ...[node('Greater', 'x half', 'above'), node('Less', 'x low', 'below')],
      ...[node('Sub', 'x half', 'p'), node('Add', 'x half', 'q')],
      ...[node('Where', 'below q zero', 'w'), one('Where', {}, 'above p w')],
    ],
    initializers: [...forNorm, number('low', -0.5), number('zero', 0)],
  },
  'ThresholdedRelu at 0': { nodes: [one('ThresholdedRelu', { alpha: 0 })] },
  RNN: {
    nodes: [node('RNN', 'x w r b', 'y', { hidden_size: 2n })],
    dims: [5, 1, 3],
    initializers: [weights('w', 1, 2, 3), weights('r', 1, 2, 2), weights('b', 1, 4)],
  },
  'RNN in both directions from a state': {
    nodes: [
      withStrings(
        node('RNN', 'x w r b  h', 'all y', { hidden_size: 2n, direction: 'bidirectional' }),
        'activations',
        ['Relu', 'Sigmoid'],
      ),
    ],
    dims: [3, 1, 3],
    initializers: [weights('w', 2, 2, 3), weights('r', 2, 2, 2), weights('b', 2, 4), weights('h', 2, 1, 2)],
  },
  'RNN of several sequences': {
    nodes: [node('RNN', 'x w r b', 'y', { hidden_size: 2n })],
    dims: [3, 2, 3],
    initializers: [weights('w', 1, 2, 3), weights('r', 1, 2, 2), weights('b', 1, 4)],
  },
  LSTM: {
    nodes: [node('LSTM', 'x w r b', 'y', { hidden_size: 2n })],
    dims: [3, 1, 3],
    initializers: [weights('w', 1, 8, 3), weights('r', 1, 8, 2), weights('b', 1, 16)],
  },
  'the cell of LSTM in both directions from states, with peepholes, of several sequences': {
    nodes: [node('LSTM', 'x w r b  h c p', 'all h1 y', { hidden_size: 2n, direction: 'bidirectional' })],
    dims: [2, 2, 3],
    initializers: [
      ...[weights('w', 2, 8, 3), weights('r', 2, 8, 2), weights('b', 2, 16), weights('p', 2, 6)],
      ...[weights('h', 2, 2, 2), weights('c', 2, 2, 2)],
    ],
  },
  GRU: {
    nodes: [node('GRU', 'x w r b', 'y', { hidden_size: 2n })],
    dims: [3, 1, 3],
    initializers: [weights('w', 1, 6, 3), weights('r', 1, 6, 2), weights('b', 1, 12)],
  },
  'GRU backwards from a state, linear before reset, of several sequences': {
    nodes: [
      node('GRU', 'x w r b  h', 'y', { hidden_size: 2n, linear_before_reset: 1n, direction: 'reverse' }),
    ],
    dims: [2, 2, 3],
    initializers: [weights('w', 1, 6, 3), weights('r', 1, 6, 2), weights('b', 1, 12), weights('h', 1, 2, 2)],
  },
};

const size = (x: ArrayLike<number>) =>
  Math.sqrt(Array.from(x).reduce((sum, value) => sum + value * value, 0));

it.each(Object.entries(CASES))('%s', async (_, { nodes, dims = [1, 4], opset = 13, initializers = [] }) => {
  const bytes = model(nodes, { inputs: { x: dims }, opset, initializers });
  const network = await read(bytes);
  const next = new Random(3);
  const result = await bound(network, { engine, evaluations: 10, lower: false, timeLimit: 4 });
  expect(result.bound).toBeGreaterThan(0);
  for (const scale of [0.01, 0.3, 1, 3]) {
    const x = Float32Array.from(next.normals(product(dims), scale));
    const there = await runOnnx(bytes, x, dims);
    expect(distance(evaluateBatch(network, Float64Array.from(x)), there)).toBeLessThan(2e-5);
    // A secant in float32: steps that are not small against its rounding.
    const y = x.map((value) => value + 0.1 * scale * next.normal());
    const other = await runOnnx(bytes, Float32Array.from(y), dims);
    const secant =
      size(there.map((value, k) => value - other[k]!)) / size(x.map((value, k) => value - y[k]!));
    expect(secant).toBeLessThanOrEqual(result.bound! * (1 + 1e-3));
  }
});
