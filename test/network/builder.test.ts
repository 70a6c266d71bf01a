import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Affine, AveragePool, Convolution, MaxPool, Operator } from '../../src/network/operator.ts';

function shapeAfter(operator: Operator, ...inputs: number[][]): readonly number[] {
  const builder = new NetworkBuilder('one');
  const x = builder.input('x', inputs[0]!);
  const flat = { kind: 'reindex' as const, permutation: inputs[0]!.map((_, axis) => axis) };
  const others = inputs.slice(1).map((shape) => builder.add('other', { ...flat, shape }, [x]));
  return builder.shape(builder.add('node', operator, [x, ...others]));
}

const zero = { mode: 'zero' as const, before: [0, 0], after: [0, 0] };
const convolution: Convolution = {
  kind: 'convolution',
  outputs: 4,
  inputs: 2,
  groups: 2,
  kernel: [3, 2],
  stride: [2, 1],
  dilation: [1, 2],
  padding: { mode: 'zero', before: [1, 0], after: [0, 2] },
  weight: new Float64Array(4 * 1 * 6),
  bias: new Float64Array(4),
};
const affine: Affine = { kind: 'affine', outputs: 2, inputs: 6, weight: new Float64Array(12) };
const average: AveragePool = {
  kind: 'average-pool',
  kernel: [2, 2],
  stride: [2, 2],
  padding: zero,
  countIncludesPadding: false,
};
const maximum: MaxPool = {
  kind: 'max-pool',
  kernel: [2, 2],
  stride: [2, 2],
  dilation: [1, 1],
  before: [0, 0],
  after: [0, 0],
};

describe('shapes', () => {
  test.each<[string, Operator, number[][], number[]]>([
    ['convolution', convolution, [[2, 7, 5]], [4, 3, 5]],
    ['affine on an image', affine, [[1, 2, 3]], [2]],
    ['max pool', maximum, [[3, 5, 6]], [3, 2, 3]],
    ['global pool', { kind: 'global-max-pool' }, [[3, 5, 6]], [3]],
    [
      '3-D pool',
      {
        ...average,
        kernel: [2, 2, 2],
        stride: [1, 2, 3],
        padding: { mode: 'zero', before: [0, 0, 0], after: [0, 0, 1] },
      },
      [[3, 4, 4, 4]],
      [3, 3, 2, 2],
    ],
    ['pad', { kind: 'pad', padding: { mode: 'reflect', before: [1], after: [2] } }, [[2, 3]], [2, 6]],
    [
      'concat',
      { kind: 'concat' },
      [
        [2, 3],
        [2, 3],
      ],
      [4, 3],
    ],
    [
      'transposed convolution',
      {
        kind: 'transposed-convolution',
        outputs: 3,
        inputs: 2,
        groups: 1,
        kernel: [3],
        stride: [2],
        dilation: [1],
        before: [1],
        after: [1],
        outputPadding: [1],
        weight: new Float64Array(18),
      },
      [[2, 5]],
      [3, 10],
    ],
  ])('%s', (_, operator, inputs, shape) => {
    expect(shapeAfter(operator, ...inputs)).toEqual(shape);
  });
});

const nan = Float64Array.of(Number.NaN);
describe('refuses with the name of the node', () => {
  test.each<[string, Operator, number[][], string]>([
    ['wrong channels', convolution, [[3, 7, 5]], 'the input must have 2 channels, got [3, 7, 5]'],
    ['groups', { ...convolution, groups: 3 }, [[2, 7, 5]], 'groups must divide 2 and 4, got 3'],
    [
      'kernel beyond padding',
      convolution,
      [[2, 1, 5]],
      'the kernel must fit the 2 padded samples of axis 0, got 3',
    ],
    ['rank', convolution, [[2, 7]], 'kernel must have one entry per spatial axis (1), got [3, 2]'],
    [
      'weights',
      { ...convolution, weight: new Float64Array(23) },
      [[2, 7, 5]],
      'the weight must have 4 · 1 · 3 · 2 entries, got 23',
    ],
    [
      'bias',
      { ...convolution, bias: new Float64Array(3) },
      [[2, 7, 5]],
      'the bias must have 4 entries, got 3',
    ],
    ['stride', { ...convolution, stride: [0, 1] }, [[2, 7, 5]], 'stride must be integers'],
    ['NaN stride', { ...convolution, stride: [Number.NaN, 1] }, [[2, 7, 5]], 'stride must be integers'],
    [
      'negative padding',
      { ...convolution, padding: { ...zero, before: [-1, 0] } },
      [[2, 7, 5]],
      'padding before must be',
    ],
    [
      'reflect',
      { ...convolution, padding: { mode: 'reflect', before: [0, 5], after: [0, 0] } },
      [[2, 7, 5]],
      'reflect padding must be below the 5 samples',
    ],
    ['a vector', maximum, [[4]], 'the input must be [channels, …] with 1 to 3 spatial axes, got [4]'],
    [
      'non-finite weight',
      { ...affine, weight: new Float64Array(12).fill(Number.NaN, 5) },
      [[6]],
      'weight must be finite, got NaN at 5',
    ],
    [
      'non-finite bias',
      { ...affine, bias: Float64Array.of(0, Number.POSITIVE_INFINITY) },
      [[6]],
      'bias must be finite, got Infinity at 1',
    ],
    ['affine inputs', affine, [[7]], 'the input must have 6 entries, got [7]'],
    [
      'scale length',
      { kind: 'scale', scale: new Float64Array(2) },
      [[3]],
      'scale must have 1, 3 or 3 entries, got 2',
    ],
    [
      'shift length',
      { kind: 'scale', scale: new Float64Array(3), shift: new Float64Array(2) },
      [[3]],
      'shift must have 1, 3 or 3',
    ],
    ['NaN scale', { kind: 'scale', scale: nan }, [[3]], 'scale must be finite'],
    ['NaN coefficient', { kind: 'add', coefficients: [Number.NaN] }, [[3]], 'coefficients must be finite'],
    ['coefficients', { kind: 'add', coefficients: [1] }, [[3], [3]], 'needs 2 coefficients, got 1'],
    [
      'add',
      { kind: 'add', coefficients: [1, 1] },
      [
        [2, 3],
        [3, 2],
      ],
      'inputs must be [2, 3], got [3, 2]',
    ],
    [
      'concat',
      { kind: 'concat' },
      [
        [2, 3],
        [3, 2],
      ],
      'inputs must agree beyond the first axis with [2, 3], got [3, 2]',
    ],
    [
      'elementwise',
      { kind: 'nonlinearity', function: { name: 'clip', min: 1, max: 0 } },
      [[3]],
      'clip: max must be above min',
    ],
    [
      'permutation',
      { kind: 'reindex', permutation: [0, 0], shape: [6] },
      [[2, 3]],
      'permutation must hold each of the 2 axes once',
    ],
    [
      'reshape',
      { kind: 'reindex', permutation: [0, 1], shape: [5] },
      [[2, 3]],
      'shape must have the 6 entries',
    ],
    [
      'empty axis',
      { kind: 'reindex', permutation: [0, 1], shape: [6, 0] },
      [[2, 3]],
      'must have the 6 entries',
    ],
    [
      'fractional axis',
      { kind: 'reindex', permutation: [0, 1], shape: [4, 1.5] },
      [[2, 3]],
      'positive integers',
    ],
    ['empty gather', { kind: 'max-gather', windows: [] }, [[3]], 'positive integers'],
    ['empty window', { kind: 'max-gather', windows: [new Int32Array()] }, [[3]], 'windows must not be empty'],
    [
      'gather',
      { kind: 'max-gather', windows: [Int32Array.of(3)] },
      [[3]],
      'indices must lie in [0, 3), got 3',
    ],
    [
      'mean of nothing',
      { ...average, padding: { mode: 'zero', before: [2, 0], after: [0, 0] } },
      [[1, 4, 4]],
      'every window of axis 0',
    ],
    ['maximum of nothing', { ...maximum, after: [0, 4] }, [[1, 4, 4]], 'every window of axis 1'],
    [
      'over-dilated',
      { ...maximum, dilation: [3, 1], before: [3, 0] },
      [[1, 2, 4]],
      'the dilation of axis 0 must be at most 2',
    ],
    [
      'uncounted copies',
      { ...average, padding: { ...zero, mode: 'circular' } },
      [[1, 4, 4]],
      'must be zero padding, got circular',
    ],
  ])('%s', (_, operator, inputs, message) => {
    expect(() => shapeAfter(operator, ...inputs)).toThrow(InputError);
    expect(() => shapeAfter(operator, ...inputs)).toThrow(message);
    expect(() => shapeAfter(operator, ...inputs)).toThrow(/^node: /);
  });

  test('more entries than an Int32 can tell apart, without allocating them', () => {
    const builder = new NetworkBuilder('huge');
    expect(() => builder.input('x', [2 ** 30, 2 ** 30])).toThrow('x: input: must have at most');
    const x = builder.input('x', [2 ** 20, 2 ** 5, 2 ** 5]);
    const pad: Operator = { kind: 'pad', padding: { ...zero, after: [2 ** 30, 2 ** 30] } };
    expect(() => builder.add('pad', pad, [x])).toThrow('pad: pad: output: must have at most');
  });

  test.each([[[]], [[0]], [[2, -1]], [[1.5]], [[Number.NaN]]])('input shape %j', (shape) => {
    expect(() => new NetworkBuilder('n').input('x', shape)).toThrow(InputError);
  });

  test('a second input, an unknown tensor, no input', () => {
    const builder = new NetworkBuilder('n');
    expect(() => builder.build(0)).toThrow('n: a network has one input, got none');
    const x = builder.input('x', [3]);
    expect(() => builder.input('y', [3])).toThrow('y: a network has one input, got a second besides x');
    expect(() => builder.add('node', { kind: 'concat' }, [x, 7])).toThrow(
      'node: tensors are numbered up to 0, got 7',
    );
    expect(() => builder.add('node', { kind: 'concat' }, [])).toThrow(
      'node: concat: takes at least one input, got 0',
    );
    expect(() => builder.add('node', { kind: 'global-max-pool' }, [x, x])).toThrow('takes one input, got 2');
  });
});

test('build drops what the output does not depend on and makes up names', () => {
  const builder = new NetworkBuilder('n');
  const x = builder.input('x', [3]);
  const relu: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };
  builder.add('dead', relu, [x]);
  const y = builder.add('', relu, [x], 'y');
  builder.add('dead too', { kind: 'add', coefficients: [1, 1] }, [x, y]);
  const source = { file: 'n.onnx', sha256: '00', bytes: 100 };
  const network = builder.build(y, source);
  expect(network).toEqual({
    name: 'n',
    source,
    tensors: [
      { name: 'x', shape: [3] },
      { name: 'y', shape: [3] },
    ],
    nodes: [{ name: 'nonlinearity_1', operator: relu, inputs: [0], output: 1 }],
    input: 0,
    output: 1,
  });
  expect(builder.build(x).nodes).toEqual([]);
});

test('a softmax is an operator of its own as the last step, reindexes aside, and a function of a group before', () => {
  const builder = new NetworkBuilder('n');
  const x = builder.input('x', [3]);
  const softmax: Operator = { kind: 'softmax', logarithm: true };
  const early = builder.add('attention', softmax, [x]);
  const late = builder.add('scores', softmax, [early]);
  const end = builder.add('row', { kind: 'reindex', permutation: [0], shape: [1, 3] }, [late]);
  const [first, second] = builder.build(end).nodes.map(({ operator }) => operator);
  expect(first).toEqual({
    kind: 'grouped',
    function: { name: 'softmax', logarithm: true },
    groups: [Int32Array.of(0, 1, 2)],
    wide: false,
  });
  expect(second).toEqual(softmax);
});
