/** Sorted pairs and groups in every spelling: values as ONNX Runtime computes them, one sorting in the network, and the bound 1. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../../src/bounds/bound.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { EngineHandle } from '../../../src/engine/engine.ts';
import type { NodeProto, TensorProto } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { simplify } from '../../../src/network/simplify/simplify.ts';
import { product } from '../../../src/network/size.ts';
import { Random } from '../../support/random.ts';
import { distance, evaluateBatch, floats, integers, kinds, model, node, read } from './build.ts';
import { runOnnx } from './onnxRuntime.ts';

let engine: EngineHandle;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

interface Case {
  readonly nodes: readonly NodeProto[];
  readonly dims: readonly number[];
  /** Set where the batch reaches a shape: then it has to be 1. */
  readonly closed?: true;
  readonly initializers?: readonly TensorProto[];
}

const image = [1, 4, 3, 2];
const vector = [1, 6];
const halves = node('Split', 'x', 'a b', { axis: 1n });
const number = (name: string, value: number) => floats(name, [], [value]);
const shape = (name: string, ...sides: number[]) => integers(name, [sides.length], sides);

const CASES: Record<string, Case> = {
  'halves, largest and smallest one after the other': {
    nodes: [
      halves,
      node('Max', 'a b', 'u'),
      node('Min', 'b a', 'v'),
      node('Concat', 'u v', 'y', { axis: 1n }),
    ],
    dims: image,
  },
  'of a vector': {
    nodes: [
      halves,
      node('Max', 'a b', 'u'),
      node('Min', 'a b', 'v'),
      node('Concat', 'v u', 'y', { axis: 1n }),
    ],
    dims: vector,
  },
  'every other channel, stacked': {
    nodes: [
      ...[node('Slice', 'x zero end one step', 'a'), node('Slice', 'x first end one step', 'b')],
      ...[node('Max', 'a b', 'u'), node('Min', 'a b', 'v')],
      ...[node('Unsqueeze', 'u two', 'p'), node('Unsqueeze', 'v two', 'q')],
      ...[node('Concat', 'p q', 's', { axis: 2n }), node('Reshape', 's shape', 'y')],
    ],
    initializers: [
      ...[integers('zero', [1], [0]), integers('first', [1], [1]), integers('end', [1], [100])],
      ...[integers('one', [1], [1]), integers('step', [1], [2]), integers('two', [1], [2])],
      shape('shape', 0, 4, 3, 2),
    ],
    dims: image,
  },
  'neighbours of a vector, as rows': {
    nodes: [
      node('Reshape', 'x rows', 'r'),
      node('Split', 'r', 'a b', { axis: 2n }),
      ...[node('Min', 'a b', 'u'), node('Max', 'a b', 'v'), node('Concat', 'u v', 's', { axis: 2n })],
      node('Reshape', 's back', 'y'),
    ],
    initializers: [shape('rows', 0, 3, 2), shape('back', 0, 6)],
    dims: vector,
  },
  'rows of all samples, as torchlip has them': {
    nodes: [
      node('Transpose', 'x', 't', { perm: [0n, 2n, 3n, 1n] }),
      ...[node('Reshape', 't rows', 'r'), node('Split', 'r', 'a b', { axis: 1n })],
      ...[node('Min', 'a b', 'u'), node('Max', 'a b', 'v'), node('Concat', 'u v', 's', { axis: 1n })],
      node('Reshape', 's back', 'z'),
      node('Transpose', 'z', 'y', { perm: [0n, 3n, 1n, 2n] }),
    ],
    initializers: [shape('rows', -1, 2), shape('back', 1, 3, 2, 4)],
    dims: image,
    closed: true,
  },
  'relu(a − b) + b': {
    nodes: [
      ...[halves, node('Sub', 'a b', 'd'), node('Relu', 'd', 'r')],
      ...[node('Add', 'r b', 'u'), node('Sub', 'a r', 'v'), node('Concat', 'u v', 'y', { axis: 1n })],
    ],
    dims: image,
  },
  'two differences': {
    nodes: [
      ...[
        halves,
        node('Sub', 'a b', 'd'),
        node('Relu', 'd', 'r'),
        node('Sub', 'b a', 'e'),
        node('Relu', 'e', 's'),
      ],
      ...[node('Add', 'b r', 'u'), node('Sub', 'b s', 'v'), node('Concat', 'u v', 'y', { axis: 1n })],
    ],
    dims: vector,
  },
  'halves of sums and moduli': {
    nodes: [
      ...[halves, node('Sub', 'b a', 'd'), node('Abs', 'd', 'm'), node('Add', 'a b', 's')],
      ...[
        node('Add', 's m', 'p'),
        node('Sub', 's m', 'q'),
        node('Mul', 'p half', 'u'),
        node('Mul', 'q half', 'v'),
      ],
      node('Concat', 'u v', 'y', { axis: 1n }),
    ],
    initializers: [number('half', 0.5)],
    dims: image,
  },
  'chosen by a comparison': {
    nodes: [
      ...[halves, node('Greater', 'a b', 'g'), node('Where', 'g a b', 'u'), node('Where', 'g b a', 'v')],
      node('Concat', 'u v', 'y', { axis: 1n }),
    ],
    dims: image,
  },
  'chosen by another': {
    nodes: [
      ...[halves, node('LessOrEqual', 'a b', 'g'), node('Where', 'g a b', 'u'), node('Where', 'g b a', 'v')],
      node('Concat', 'u v', 'y', { axis: 1n }),
    ],
    dims: vector,
  },
  'groups of three by TopK': {
    nodes: [
      ...[
        node('Reshape', 'x rows', 'r'),
        node('TopK', 'r k', 's i', { axis: 2n }),
        node('Reshape', 's back', 'y'),
      ],
    ],
    initializers: [shape('rows', 0, 2, 3), shape('back', 0, 6), integers('k', [1], [3])],
    dims: vector,
  },
  'groups of two channels by TopK, ascending': {
    nodes: [
      ...[node('Reshape', 'x rows', 'r'), node('TopK', 'r k', 's i', { axis: 2n, largest: 0n })],
      node('Reshape', 's back', 'y'),
    ],
    initializers: [shape('rows', 0, 2, 2, 3, 2), shape('back', 0, 4, 3, 2), integers('k', [1], [2])],
    dims: image,
  },
  'all entries': {
    nodes: [node('TopK', 'x k', 'y i', { axis: 1n, largest: 0n })],
    initializers: [integers('k', [1], [6])],
    dims: vector,
  },
};

describe('sorting', () => {
  it.each(Object.entries(CASES))('%s', async (_, { nodes, dims, closed, initializers = [] }) => {
    const inputs = { x: closed ? dims : ['N', ...dims.slice(1)] };
    const bytes = model(nodes, { inputs, initializers });
    const network = await read(bytes);
    const random = new Random(3);
    for (let sample = 0; sample < 5; sample++) {
      const x = Float32Array.from(random.normals(product(dims)));
      const there = await runOnnx(bytes, x, dims);
      expect(distance(evaluateBatch(network, Float64Array.from(x)), there)).toBeLessThan(1e-6);
    }
    if (closed) {
      // Of an open batch, the option says that it is one.
      const open = model(nodes, { inputs: { x: ['N', ...dims.slice(1)] }, initializers });
      await expect(read(open)).rejects.toThrow(/the option batch/);
      expect(kinds(simplify(await read(open, { batch: 1 })))).toContain('grouped');
    }
    const found = kinds(simplify(network));
    expect(found.filter((kind) => kind === 'grouped')).toHaveLength(1);
    expect(found.filter((kind) => !['grouped', 'gather', 'reindex'].includes(kind))).toEqual([]);
    for (const method of ['spectral-product', 'closed-form'] as const) {
      const { bound: value } = await bound(network, { engine, method, lower: false });
      expect(value).toBeGreaterThanOrEqual(1);
      expect(value).toBeLessThan(1 + 1e-6);
    }
  });
});

describe('Householder activations', () => {
  const shapes: Record<string, readonly number[]> = { images: [1, 4, 3, 2], vectors: [1, 6] };
  const angles = (channels: number) => Array.from({ length: channels }, (_, c) => Math.fround(0.4 + 1.3 * c));
  /** θ and what is made of it, in the file or by it. */
  const constants = (dims: readonly number[], given: boolean) => {
    const channels = dims[1]! / 2;
    const sides = [channels, ...dims.slice(2).map(() => 1)];
    const table: [string, (angle: number) => number][] = [
      ...[
        ['s', (t: number) => Math.sin(t / 2)],
        ['c', (t: number) => Math.cos(t / 2)],
      ],
      ...[
        ['sin', Math.sin],
        ['cos', Math.cos],
      ],
    ] as [string, (angle: number) => number][];
    if (given)
      return {
        initializers: table.map(([name, f]) => floats(name, sides, angles(channels).map(f))),
        nodes: [],
      };
    return {
      initializers: [floats('theta', sides, angles(channels)), number('half', 0.5)],
      nodes: [
        ...[node('Mul', 'theta half', 'h'), node('Sin', 'h', 's'), node('Cos', 'h', 'c')],
        ...[node('Sin', 'theta', 'sin'), node('Cos', 'theta', 'cos')],
      ],
    };
  };
  const mixes = [
    ...[node('Mul', 'a s', 'as'), node('Mul', 'b c', 'bc'), node('Sub', 'as bc', 'selector')],
    ...[node('Mul', 'a cos', 'p1'), node('Mul', 'b sin', 'p2'), node('Add', 'p1 p2', 'p')],
    ...[node('Mul', 'a sin', 'q1'), node('Mul', 'b cos', 'q2'), node('Sub', 'q1 q2', 'q')],
  ];
  const spellings: Record<string, readonly NodeProto[]> = {
    'chosen by a comparison': [
      ...[
        node('LessOrEqual', 'selector zero', 'g'),
        node('Where', 'g a p', 'u'),
        node('Where', 'g b q', 'v'),
      ],
      node('Concat', 'u v', 'y', { axis: 1n }),
    ],
    'sums of products with conditions': [
      ...[node('LessOrEqual', 'selector zero', 'g'), node('Cast', 'g', 'm', { to: 1n })],
      ...[node('Greater', 'selector zero', 'h0'), node('Cast', 'h0', 'n', { to: 1n })],
      ...[node('Mul', 'a m', 'u1'), node('Mul', 'p n', 'u2'), node('Add', 'u1 u2', 'u')],
      ...[node('Mul', 'b m', 'v1'), node('Mul', 'q n', 'v2'), node('Add', 'v1 v2', 'v')],
      node('Concat', 'u v', 'y', { axis: 1n }),
    ],
  };
  const cases = Object.keys(shapes).flatMap((of) =>
    Object.keys(spellings).flatMap((spelling) => [true, false].map((given) => ({ of, spelling, given }))),
  );
  it.each(cases)('of $of, $spelling, constants given: $given', async ({ of, spelling, given }) => {
    const dims = shapes[of]!;
    const { nodes, initializers } = constants(dims, given);
    const bytes = model([halves, ...nodes, ...mixes, ...spellings[spelling]!], {
      inputs: { x: ['N', ...dims.slice(1)] },
      initializers: [...initializers, number('zero', 0)],
    });
    const network = await read(bytes);
    const random = new Random(4);
    for (let sample = 0; sample < 6; sample++) {
      const x = Float32Array.from(random.normals(product(dims)));
      const there = await runOnnx(bytes, x, dims);
      expect(distance(evaluateBatch(network, Float64Array.from(x)), there)).toBeLessThan(1e-6);
    }
    for (const method of ['spectral-product', 'closed-form'] as const) {
      const { bound: value } = await bound(network, { engine, method, lower: false });
      expect(value).toBeGreaterThanOrEqual(1 - 1e-12);
      expect(value).toBeLessThan(1 + 1e-6);
    }
  });

  it('are refused where they jump', async () => {
    const { initializers } = constants([1, 6], true);
    const other = initializers.map((tensor) =>
      tensor.name === 'cos'
        ? floats(
            'cos',
            [3],
            [...tensor.floatData].map((value) => value + 0.01),
          )
        : tensor,
    );
    const bytes = model([halves, ...mixes, ...spellings['chosen by a comparison']!], {
      inputs: { x: ['N', 6] },
      initializers: [...other, number('zero', 0)],
    });
    await expect(read(bytes)).rejects.toThrow(/not those of a reflection/);
  });
});

describe('what only resembles it is not', () => {
  const OTHERS: Record<string, readonly NodeProto[]> = {
    'relu(a − b) + a': [node('Sub', 'a b', 'd'), node('Relu', 'd', 'r'), node('Add', 'r a', 'y')],
    'relu(a − b) − b': [node('Sub', 'a b', 'd'), node('Relu', 'd', 'r'), node('Sub', 'r b', 'y')],
    'a − 2 relu(a − b)': [
      ...[node('Sub', 'a b', 'd'), node('Relu', 'd', 'r'), node('Add', 'r r', 's'), node('Sub', 'a s', 'y')],
    ],
    'a + b + |a + b|': [node('Add', 'a b', 's'), node('Abs', 's', 'm'), node('Add', 's m', 'y')],
    'the wrong one of two': [node('Greater', 'a c', 'g'), node('Where', 'g a b', 'y')],
  };
  it.each(Object.entries(OTHERS))('%s', async (_, nodes) => {
    const bytes = model([node('Split', 'x', 'a b c', { axis: 1n }), ...nodes], { inputs: { x: ['N', 6] } });
    const network = await read(bytes).catch((error: Error) => error.message);
    if (typeof network === 'string') {
      expect(network).toMatch(/no global bound/);
      return;
    }
    expect(kinds(simplify(network))).not.toContain('grouped');
    const x = Float32Array.from(new Random(3).normals(6));
    const there = await runOnnx(bytes, x, [1, 6]);
    expect(distance(evaluateBatch(simplify(network), Float64Array.from(x)), there)).toBeLessThan(1e-6);
  });
});
