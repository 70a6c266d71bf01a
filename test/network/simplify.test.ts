import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { evaluate, evaluateOperator } from '../../src/network/evaluation/evaluate.ts';
import type { Operator, OperatorKind, Padding, PaddingMode } from '../../src/network/operator.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { product } from '../../src/network/size.ts';
import { arbitraryNetwork, Random, relativeDifference } from './arbitrary.ts';

describe('simplify', () => {
  test('keeps the function', () => {
    let folded = 0;
    fc.assert(
      fc.property(arbitraryNetwork(10, true), ({ network, x }) => {
        const simplified = simplify(network);
        const before = evaluate(network, x);
        const after = evaluate(simplified, x);
        if (simplified.nodes.length < network.nodes.length) folded++;
        expect(relativeDifference(before, after)).toBeLessThan(1e-9);
      }),
      { numRuns: 3000 },
    );
    expect(folded).toBeGreaterThan(1000);
  });

  test('does nothing the second time', () => {
    fc.assert(
      fc.property(arbitraryNetwork(10, false), ({ network }) => {
        const once = simplify(network);
        expect(simplify(once)).toEqual(once);
      }),
      { numRuns: 300 },
    );
  });
});

/** A chain of the operators on an input of `shape`, simplified: the kinds that are left. */
function simplified(shape: readonly number[], ...operators: Operator[]) {
  const builder = new NetworkBuilder('chain');
  const end = operators.reduce((x, operator) => builder.add('', operator, [x]), builder.input('x', shape));
  const network = builder.build(end);
  const result = simplify(network);
  return { network, result, kinds: result.nodes.map((node) => node.operator.kind) };
}

const random = new Random(1);
const relu: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };
const norm = (channels: number): Operator => ({
  kind: 'scale',
  scale: random.vector(channels),
  shift: random.vector(channels),
});
const flatten = (shape: readonly number[]): Operator => ({
  kind: 'reindex',
  permutation: shape.map((_, axis) => axis),
  shape: [product(shape)],
});
const affine = (outputs: number, inputs: number): Operator => ({
  kind: 'affine',
  outputs,
  inputs,
  weight: random.vector(outputs * inputs),
});
const convolution = (outputs: number, inputs: number, side: number, padding: Padding = valid): Operator => ({
  kind: 'convolution',
  outputs,
  inputs,
  groups: 1,
  kernel: [side, side],
  stride: [1, 1],
  dilation: [1, 1],
  padding,
  weight: random.vector(outputs * inputs * side * side),
});
const around = (mode: PaddingMode, samples: number): Padding => ({
  mode,
  before: [samples, samples],
  after: [samples, samples],
});
const valid = around('zero', 0);
const same = around('zero', 1);
const pad = (padding: Padding): Operator => ({ kind: 'pad', padding });
const transpose = (permutation: number[], shape: readonly number[]): Operator => ({
  kind: 'reindex',
  permutation,
  shape: permutation.map((axis) => shape[axis]!),
});

describe('what becomes of', () => {
  test.each<[string, number[], Operator[], OperatorKind[]]>([
    [
      'batch norm after',
      [2, 4, 4],
      [convolution(3, 2, 3, same), norm(3), relu],
      ['convolution', 'nonlinearity'],
    ],
    ['batch norm before', [2, 4, 4], [relu, norm(2), convolution(3, 2, 3)], ['nonlinearity', 'convolution']],
    [
      'a shift before zero padding',
      [2, 4, 4],
      [relu, norm(2), convolution(3, 2, 3, same)],
      ['nonlinearity', 'scale', 'convolution'],
    ],
    [
      'a shift before circular padding',
      [2, 4, 4],
      [relu, norm(2), convolution(3, 2, 3, around('circular', 1))],
      ['nonlinearity', 'convolution'],
    ],
    [
      'consecutive scales',
      [2, 4, 4],
      [relu, norm(2), norm(2), norm(1), relu],
      ['nonlinearity', 'scale', 'nonlinearity'],
    ],
    ['a scale of ones', [3], [relu, { kind: 'scale', scale: Float64Array.of(1) }], ['nonlinearity']],
    [
      'batch norm after flatten',
      [2, 3, 3],
      [relu, flatten([2, 3, 3]), norm(18), affine(2, 18)],
      ['nonlinearity', 'affine'],
    ],
    [
      'flatten',
      [2, 3, 3],
      [relu, flatten([2, 3, 3]), relu, affine(2, 18)],
      ['nonlinearity', 'nonlinearity', 'affine'],
    ],
    ['flatten at the ends', [2, 3, 3], [flatten([2, 3, 3]), relu, transpose([0], [18])], ['nonlinearity']],
    [
      'channels last',
      [4, 4, 2],
      [
        transpose([2, 0, 1], [4, 4, 2]),
        convolution(3, 2, 3, same),
        transpose([1, 2, 0], [3, 4, 4]),
        relu,
        transpose([2, 0, 1], [4, 4, 3]),
        convolution(2, 3, 3, same),
        transpose([1, 2, 0], [2, 4, 4]),
        relu,
        flatten([4, 4, 2]),
        affine(2, 32),
      ],
      ['convolution', 'nonlinearity', 'convolution', 'nonlinearity', 'affine'],
    ],
    [
      'a channel shuffle',
      [6, 3, 3],
      [
        relu,
        { kind: 'reindex', permutation: [0, 1, 2], shape: [2, 3, 3, 3] },
        { kind: 'reindex', permutation: [1, 0, 2, 3], shape: [6, 3, 3] },
        convolution(2, 6, 2),
      ],
      ['nonlinearity', 'convolution'],
    ],
    [
      'a reshape that nothing absorbs',
      [4, 4],
      [relu, transpose([1, 0], [4, 4]), { kind: 'global-max-pool' }],
      ['nonlinearity', 'gather', 'global-max-pool'],
    ],
    [
      'pads',
      [2, 4, 4],
      [relu, pad(same), pad(same), convolution(2, 2, 3, same)],
      ['nonlinearity', 'convolution'],
    ],
    [
      'a reflecting pad',
      [2, 4, 4],
      [relu, pad(around('reflect', 1)), convolution(2, 2, 3)],
      ['nonlinearity', 'convolution'],
    ],
    [
      'a reflecting pad before zero padding',
      [2, 4, 4],
      [relu, pad(around('reflect', 1)), convolution(2, 2, 3, same)],
      ['nonlinearity', 'pad', 'convolution'],
    ],
    [
      'a pad before a max pool',
      [2, 4, 4],
      [
        relu,
        pad(same),
        { kind: 'max-pool', kernel: [2, 2], stride: [2, 2], dilation: [1, 1], before: [0, 0], after: [0, 0] },
      ],
      ['nonlinearity', 'pad', 'max-pool'],
    ],
    [
      'a convolution of a single sample',
      [5, 1, 1],
      [convolution(3, 5, 3, same), relu],
      ['affine', 'nonlinearity'],
    ],
    [
      'a convolution over the whole image',
      [2, 3, 3],
      [convolution(3, 2, 3), relu],
      ['affine', 'nonlinearity'],
    ],
    [
      'an average pool over the whole image',
      [2, 3, 3],
      [
        { kind: 'average-pool', kernel: [3, 3], stride: [1, 1], padding: valid, countIncludesPadding: true },
        flatten([2, 1, 1]),
        affine(2, 2),
      ],
      ['global-average-pool', 'affine'],
    ],
  ])('%s', (_, shape, operators, kinds) => {
    const { network, result, kinds: left } = simplified(shape, ...operators);
    expect(left).toEqual(kinds);
    if (operators[0]!.kind === 'reindex') return; // the input's entries may stand in another order
    const x = random.vector(product(shape));
    expect(relativeDifference(evaluate(network, x), evaluate(result, x))).toBeLessThan(1e-12);
  });

  test('a pad of several kinds of readers', () => {
    const builder = new NetworkBuilder('n');
    const padded = builder.add('pad', pad(same), [
      builder.add('relu', relu, [builder.input('x', [2, 4, 4])]),
    ]);
    const a = builder.add('a', convolution(2, 2, 3), [padded]);
    const b = builder.add(
      'b',
      { kind: 'max-pool', kernel: [3, 3], stride: [1, 1], dilation: [1, 1], before: [0, 0], after: [0, 0] },
      [padded],
    );
    const { nodes } = simplify(
      builder.build(builder.add('sum', { kind: 'add', coefficients: [1, 1] }, [a, b])),
    );
    expect(nodes.map((node) => node.name)).toEqual(['relu', 'pad', 'a', 'b', 'sum']);
    expect(nodes[2]!.inputs).toEqual(nodes[1]!.inputs);
  });

  test('a scale whose input is read elsewhere, before a sum', () => {
    const builder = new NetworkBuilder('n');
    const a = builder.add('a', convolution(2, 2, 3, same), [builder.input('x', [2, 4, 4])]);
    const half = builder.add('half', { kind: 'scale', scale: Float64Array.of(0.5) }, [a]);
    const b = builder.add('b', relu, [a]);
    const end = builder.add('sum', { kind: 'add', coefficients: [3, -1, 1] }, [half, b, b]);
    const { nodes } = simplify(builder.build(end));
    expect(nodes.map((node) => node.name)).toEqual(['a', 'b', 'sum']);
    expect(nodes[2]!.operator).toEqual({ kind: 'add', coefficients: [1.5, 0] });
  });

  test('a reindex that stays: it keeps its name', () => {
    const { result } = simplified([4, 4], relu, transpose([1, 0], [4, 4]), relu, { kind: 'global-max-pool' });
    expect(result.nodes.map((node) => node.name)).toEqual([
      'nonlinearity_0',
      'nonlinearity_2',
      'reindex_1',
      'global_max_pool_3',
    ]);
  });
});

test('a transpose at the input changes the order of its entries only', () => {
  const turn = transpose([2, 0, 1], [4, 3, 2]);
  const { network, result } = simplified(
    [4, 3, 2],
    turn,
    convolution(3, 2, 2),
    relu,
    flatten([3, 3, 2]),
    affine(2, 18),
  );
  expect(result.tensors[result.input]).toEqual({ name: 'x', shape: [2, 4, 3] });
  const x = random.vector(24);
  const turned = evaluateOperator(turn, [x], [[4, 3, 2]], [2, 4, 3]);
  expect(relativeDifference(evaluate(network, x), evaluate(result, turned))).toBeLessThan(1e-12);
});

test('leaves scales alone whose products with weights would overflow', () => {
  const huge: Operator = { kind: 'scale', scale: Float64Array.of(1e300) };
  const large: Operator = { kind: 'affine', outputs: 1, inputs: 1, weight: Float64Array.of(1e300) };
  expect(simplified([1], large, huge).result.nodes.map(({ operator }) => operator)).toEqual([large, huge]);
});

test.each([
  { coefficients: [1, 1], factor: 2 ** 60 },
  { coefficients: [1, 1.1], factor: 2.1 ** 60 },
])('adds up sums of one tensor, $coefficients, sixty deep', ({ coefficients, factor }) => {
  const builder = new NetworkBuilder('doubled');
  let x = builder.input('x', [2]);
  for (let k = 0; k < 60; k++) x = builder.add('', { kind: 'add', coefficients }, [x, x]);
  const { nodes } = simplify(builder.build(x));
  expect(nodes).toHaveLength(1);
  const { operator } = nodes[0]!;
  if (operator.kind !== 'scale') throw new Error(operator.kind);
  expect(operator.scale[0]! / factor).toBeCloseTo(1, 12);
});

test('leaves a sum of one tensor whose rounded coefficients cancel', () => {
  const builder = new NetworkBuilder('cancelling');
  const x = builder.input('x', [2]);
  const third = { kind: 'scale', scale: Float64Array.of(1 / 3), roundings: 1 } as const;
  const a = builder.add('a', third, [x]);
  const b = builder.add('b', { kind: 'add', coefficients: [1, -1 / 3] }, [a, x]);
  const [sum] = simplify(builder.build(b)).nodes;
  expect(sum!.operator).toEqual({ kind: 'add', coefficients: [1 / 3, -1 / 3], roundings: 1 });
});
