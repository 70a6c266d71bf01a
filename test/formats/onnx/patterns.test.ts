/** Functions spelt out in several nodes become one operator; what only looks like them does not. */
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../src/errors.ts';
import { floats, integers, kinds, model, node, read } from './build.ts';

const numbers = (values: Record<string, number>) =>
  Object.entries(values).map(([name, value]) => floats(name, [], [value]));

const SQRT2 = Math.fround(Math.SQRT2);

describe('gates', () => {
  it('become one nonlinearity', async () => {
    const silu = [node('Sigmoid', 'x', 's'), node('Mul', 's x', 'y')];
    expect(kinds(await read(model(silu)))).toEqual(['silu']);
    const gelu = [
      node('Div', 'x r', 'd'),
      node('Erf', 'd', 'e'),
      node('Add', 'e o', 'a'),
      node('Mul', 'x a', 'm'),
      node('Mul', 'm h', 'y'),
    ];
    const initializers = numbers({ r: SQRT2, o: 1, h: 0.5 });
    expect(kinds(await read(model(gelu, { initializers })))).toEqual(['gelu']);
  });

  it('keep a factor that is not theirs', async () => {
    const nodes = [node('Sigmoid', 'x', 's'), node('Mul', 's x', 'm'), node('Mul', 'm k', 'y')];
    expect(kinds(await read(model(nodes, { initializers: numbers({ k: 3 }) })))).toEqual(['silu', 'scale']);
  });

  it('leave their inner nodes to those who use them', async () => {
    const nodes = [node('Sigmoid', 'x', 's'), node('Mul', 's x', 'm'), node('Add', 'm s', 'y')];
    expect(kinds(await read(model(nodes)))).toEqual(['silu', 'sigmoid', 'add']);
  });

  it.each([
    ['another value', [node('Relu', 'x', 'z'), node('Sigmoid', 'x', 's'), node('Mul', 's z', 'y')]],
    ['a third factor', [node('Sigmoid', 'x', 's'), node('Mul', 's x', 'm'), node('Mul', 'm x', 'y')]],
    ['a quotient', [node('Sigmoid', 'x', 's'), node('Div', 'x s', 'y')]],
    ['tanh', [node('Tanh', 'x', 't'), node('Mul', 't x', 'y')]],
    [
      'erf plus something else',
      [node('Div', 'x r', 'd'), node('Erf', 'd', 'e'), node('Add', 'e h', 'a'), node('Mul', 'x a', 'y')],
    ],
    ['a lopsided hard sigmoid', [node('HardSigmoid', 'x', 'g', { beta: 0.25 }), node('Mul', 'x g', 'y')]],
  ])('are not seen in %s', async (_, nodes) => {
    const initializers = numbers({ r: SQRT2, o: 1, h: 0.5 });
    await expect(read(model(nodes, { initializers }))).rejects.toThrow(UnsupportedError);
  });

  it('are products of bounded factors where there are two', async () => {
    const nodes = [node('Sigmoid', 'x', 's'), node('Tanh', 'x', 't'), node('Mul', 's t', 'y')];
    const network = await read(model(nodes));
    expect(kinds(network)).toEqual(['sigmoid', 'tanh', 'scale', 'concat', 'grouped', 'scale']);
    // σ is a quarter as steep: four times it, and a quarter of the product.
    expect(network.nodes.at(-2)!.operator).toMatchObject({ function: { first: 4, rest: 1 } });
  });

  it('see coefficients in per-channel constants for what they are', async () => {
    const nodes = [node('Mul', 'x k', 'u'), node('Sigmoid', 'u', 's'), node('Mul', 'x s', 'y')];
    const initializers = [floats('k', [4], [1, 2, 3, 4])];
    await expect(read(model(nodes, { initializers }))).rejects.toThrow(UnsupportedError);
  });
});

describe('functions spelt out by exponentials, logarithms and comparisons', () => {
  const sum = (of: string) => [node('Exp', of, 'e'), node('ReduceSum', 'e axes', 't'), node('Log', 't', 'l')];
  const lengths = [
    node('ReduceMean', 'x', 'm', { axes: [-1n] }),
    node('Sub', 'x m', 'd'),
    node('Mul', 'd d', 'q'),
  ];
  it.each([
    ['a jump at 0', [node('Greater', 'x zero', 'c'), node('Add', 'x one', 'a'), node('Where', 'c a x', 'y')]],
    ['a jump elsewhere', [node('Greater', 'x one', 'c'), node('Where', 'c x zero', 'y')]],
    ['a turned hinge', [node('Greater', 'x zero', 'c'), node('Exp', 'x', 'e'), node('Where', 'c e x', 'y')]],
    ['1 + e^x without a logarithm', [node('Exp', 'x', 'e'), node('Add', 'e one', 'y')]],
    ['ln(2 + e^x)', [node('Exp', 'x', 'e'), node('Add', 'e two', 'p'), node('Log', 'p', 'y')]],
    ['1 / (2 + e^x)', [node('Exp', 'x', 'e'), node('Add', 'e two', 'p'), node('Div', 'one p', 'y')]],
    [
      'the sum of other exponentials',
      [node('Relu', 'x', 'r'), ...sum('x'), node('Exp', 'r', 'k'), node('Sub', 'k l', 'y')],
    ],
    [
      'a largest that is not added back',
      [
        node('ReduceMin', 'x', 'k', { axes: [1n] }),
        ...sum('x'),
        node('Exp', 'k', 'f'),
        node('Add', 'l f', 'y'),
      ],
    ],
    [
      'a root of a mean',
      [node('Mul', 'x x', 'q'), node('ReduceMean', 'q', 't', { axes: [1n] }), node('Sqrt', 't', 'y')],
    ],
    [
      'a variance of other values',
      [
        ...[node('ReduceMean', 'x', 'm', { axes: [-1n] }), node('Mul', 'x x', 'q'), node('Mul', 'm m', 'mm')],
        ...[
          node('ReduceMean', 'q', 'u', { axes: [-1n] }),
          node('Sub', 'u mm', 'v'),
          node('Add', 'v one', 'e'),
        ],
        ...[node('Sqrt', 'e', 's'), node('Div', 'x s', 'y')],
      ],
    ],
    [
      'a normalisation by something else',
      [
        ...lengths,
        ...[node('ReduceSum', 'q axes', 'v'), node('Add', 'v one', 'e'), node('Sqrt', 'e', 's')],
        ...[node('Reciprocal', 's', 'r'), node('Mul', 'x r', 'xr'), node('Mul', 'd r', 'mr')],
        ...[node('Sub', 'zero mr', 'rest'), node('Add', 'xr rest', 'y')],
      ],
    ],
  ])('are not seen in %s', async (_, nodes) => {
    const initializers = [...numbers({ zero: 0, one: 1, two: 2 }), integers('axes', [1], [1])];
    await expect(read(model(nodes, { initializers }))).rejects.toThrow(UnsupportedError);
  });
});

describe('circular padding', () => {
  const ring = (axis: number, before: number, after: number) => ({
    nodes: [
      node('Slice', 'x l e a', 'p'),
      node('Slice', 'x z r a', 'q'),
      node('Concat', 'p x q', 'y', { axis: BigInt(axis) }),
    ],
    initializers: [
      integers('l', [1], [-before]),
      integers('e', [1], [2 ** 31 - 1]),
      integers('z', [1], [0]),
      integers('r', [1], [after]),
      integers('a', [1], [axis]),
    ],
  });
  const inputs = { x: ['N', 2, 4, 5] };

  it('becomes one Pad', async () => {
    const { nodes, initializers } = ring(3, 1, 2);
    const network = await read(model(nodes, { inputs, initializers }));
    const padding = { mode: 'circular', before: [0, 1], after: [0, 2] };
    expect(network.nodes.map(({ operator }) => operator)).toEqual([{ kind: 'pad', padding }]);
  });

  it('is not longer than the image', async () => {
    const { nodes, initializers } = ring(3, 6, 2);
    await expect(read(model(nodes, { inputs, initializers }))).rejects.toThrow(/at most 5 long/);
  });

  it('of one Pad is no longer than the image either', async () => {
    const wrapped = (before: number, after: number) =>
      model([node('Pad', 'x p', 'y', { mode: 'wrap' })], {
        inputs,
        initializers: [integers('p', [8], [0, 0, 0, before, 0, 0, 4, after])],
        opset: 19,
      });
    expect(kinds(await read(wrapped(5, 5)))).toEqual(['pad']);
    await expect(read(wrapped(6, 0))).rejects.toThrow(/wraps round more than once/);
    await expect(read(wrapped(0, 6))).rejects.toThrow(/wraps round more than once/);
  });

  it('is not seen where channels or other slices are joined', async () => {
    const channels = ring(1, 1, 1);
    const joined = await read(model(channels.nodes, { inputs, initializers: channels.initializers }));
    expect(kinds(joined)).not.toContain('pad');
    const { nodes, initializers } = ring(3, 1, 2);
    const swapped = [nodes[0]!, nodes[1]!, node('Concat', 'q x p', 'y', { axis: 3n })];
    expect(kinds(await read(model(swapped, { inputs, initializers })))).not.toContain('pad');
  });
});
