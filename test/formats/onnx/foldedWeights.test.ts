/** Constants that float64 cannot multiply or divide by without loss, and what the reader makes of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bound } from '../../../src/bounds/bound.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import type { NodeProto, TensorProto } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { DataType } from '../../../src/formats/onnx/values/tensors.ts';
import { doubles, model, node, read } from './build.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

const scalar = (name: string, value: number) => doubles(name, [], [value]);

interface Case {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly constants: readonly TensorProto[];
  /** The Lipschitz constant, to seven digits. */
  readonly slope: number;
}

const diagonal = (name: string, value: number) => doubles(name, [2, 2], [value, 0, 0, value]);
const EPSILON = Math.fround(1e-5);

const CASES: readonly Case[] = [
  {
    name: 'products below the range, one after the other',
    nodes: ['a', 'b', 'c', 'y'].map((out, k) => node('Mul', `${['x', 'a', 'b', 'c'][k]} s${k}`, out)),
    constants: [1e-200, 1e-200, 1e200, 1e200].map((value, k) => scalar(`s${k}`, value)),
    slope: 1,
  },
  {
    name: 'products above the range',
    nodes: ['a', 'b', 'c', 'y'].map((out, k) => node('Mul', `${['x', 'a', 'b', 'c'][k]} s${k}`, out)),
    constants: [1e300, 1e300, 1e-300, 1e-300].map((value, k) => scalar(`s${k}`, value)),
    slope: 1,
  },
  {
    name: 'alpha of a Gemm, between ReLUs',
    nodes: [
      node('Gemm', 'x w', 'a', { alpha: 2 ** -100 }),
      node('Relu', 'a', 'b'),
      node('Mul', 'b up', 'c'),
      node('Relu', 'c', 'd'),
      node('Mul', 'd more', 'y'),
    ],
    constants: [diagonal('w', 2 ** -1000), scalar('up', 2 ** 1000), scalar('more', 2 ** 100)],
    slope: 1,
  },
  {
    name: 'alpha of a Gemm whose constant comes first, and beta',
    nodes: [
      node('Gemm', 'w x c', 'a', { alpha: 2 ** -100, transB: 1n }),
      node('Mul', 'a up', 'b'),
      node('Mul', 'b more', 'y'),
    ],
    constants: [
      doubles('w', [2, 2], [2 ** -1000, 0, 0, 2 ** -1000]),
      doubles('c', [2, 1], [1, 2]),
      scalar('up', 2 ** 1000),
      scalar('more', 2 ** 100),
    ],
    slope: 1,
  },
  {
    name: 'division by what has no reciprocal',
    nodes: [node('Div', 'x tiny', 'a'), node('Mul', 'a down', 'b'), node('Mul', 'b more', 'y')],
    constants: [scalar('tiny', 3 * 2 ** -1074), scalar('down', 2 ** -1000), scalar('more', 2 ** -74)],
    slope: 1 / 3,
  },
  {
    name: 'division by what has a subnormal one',
    nodes: [node('Div', 'x huge', 'a'), node('Mul', 'a up', 'b'), node('Mul', 'b more', 'y')],
    constants: [scalar('huge', 1.75 * 2 ** 1023), scalar('up', 2 ** 1000), scalar('more', 2 ** 23)],
    slope: 1 / 1.75,
  },
  {
    name: 'batch normalisation that all but vanishes',
    nodes: [
      node('BatchNormalization', 'x gamma beta mean variance', 'a'),
      node('Mul', 'a up', 'b'),
      node('Mul', 'b more', 'y'),
    ],
    constants: [
      doubles('gamma', [2], [2 ** -1000, 2 ** -1000]),
      doubles('beta', [2], [1, 2]),
      doubles('mean', [2], [3, 4]),
      doubles('variance', [2], [2 ** 400, 2 ** 400]),
      scalar('up', 2 ** 1000),
      scalar('more', 2 ** 200),
    ],
    slope: 1,
  },
  {
    name: 'ordinary batch normalisation',
    nodes: [node('BatchNormalization', 'x gamma beta mean variance', 'y')],
    constants: [
      doubles('gamma', [2], [3, 1]),
      doubles('beta', [2], [1, 2]),
      doubles('mean', [2], [3, 4]),
      doubles('variance', [2], [0.1, 2]),
    ],
    slope: 3 / Math.sqrt(0.1 + EPSILON),
  },
  {
    name: '(x + 2^-60 x) − x, enlarged',
    nodes: [
      node('Mul', 'x small', 'a'),
      node('Add', 'x a', 'b'),
      node('Sub', 'b x', 'c'),
      node('Mul', 'c up', 'y'),
    ],
    constants: [scalar('small', 2 ** -60), scalar('up', 2 ** 70)],
    slope: 1024,
  },
  {
    name: 'x − (x + 2^-60 x) through a reshape and a layer of ones',
    nodes: [
      node('Mul', 'x small', 'a'),
      node('Add', 'a x', 'b'),
      node('Sub', 'x b', 'c'),
      node('Gemm', 'c w', 'y'),
    ],
    constants: [scalar('small', 2 ** -60), diagonal('w', 2 ** 70)],
    slope: 1024,
  },
  {
    name: 'a mean of what cancels',
    nodes: [
      node('Mul', 'x small', 'a'),
      node('Neg', 'x', 'b'),
      node('Mean', 'x a b', 'c'),
      node('Mul', 'c up', 'y'),
    ],
    constants: [scalar('small', 2 ** -60), scalar('up', 2 ** 70)],
    slope: 1024 / 3,
  },
  {
    name: 'sums of one tensor, ten times',
    nodes: Array.from({ length: 10 }, (_, k) =>
      node('Add', `t${k} t${k}`.replaceAll(/\bt0\b/g, 'x'), k === 9 ? 'y' : `t${k + 1}`),
    ),
    constants: [],
    slope: 2 ** 10,
  },
  {
    name: 'a tensor and a tenth of it more, ten times',
    nodes: Array.from({ length: 10 }, (_, k) => {
      const from = k === 0 ? 'x' : `t${k}`;
      return [node('Mul', `${from} s`, `m${k}`), node('Add', `${from} m${k}`, k === 9 ? 'y' : `t${k + 1}`)];
    }).flat(),
    constants: [scalar('s', 1.1)],
    slope: 2.1 ** 10,
  },
  // The sum of each is 1, in whichever order.
  ...[
    [2 ** 60, 1, -(2 ** 60)],
    [2 ** 60, -(2 ** 60), 1],
    [1, 2 ** 60, -(2 ** 60)],
    [1, -(2 ** 60), 2 ** 60],
    [-(2 ** 60), 1, 2 ** 60],
    [-(2 ** 60), 2 ** 60, 1],
  ].flatMap((row): Case[] => [
    {
      name: `products that are summed over an axis of ${row} alone`,
      nodes: [node('Einsum', 'x c', 'y', { equation: 'bi,ij->bi' })],
      constants: [doubles('c', [2, 3], [...row, ...row])],
      slope: 1,
    },
    {
      name: `a matrix whose entries are sums of ${row}`,
      nodes: [node('Einsum', 'x c', 'y', { equation: 'bi,ijk->bj' })],
      constants: [doubles('c', [2, 2, 3], [...row, 0, 0, 0, 0, 0, 0, ...row])],
      slope: 1,
    },
  ]),
];

test.each(CASES)('$name', async ({ nodes, constants, slope }) => {
  const network = await read(
    model(nodes, { inputs: { x: [1, 2] }, initializers: constants, inputType: DataType.DOUBLE }),
  );
  const { bound: value, assurance } = await bound(network, { engine, evaluations: 4 });
  expect(assurance).toBe('rounding-safe');
  expect(value! / slope).toBeGreaterThan(1 - 1e-14);
  expect(value! / slope).toBeLessThan(1 + 1e-6);
});

test('sums of constants say whether they are rounded', async () => {
  const rounded = async (row: readonly number[], equation: string, shape: readonly number[]) => {
    const copies = shape.slice(0, -1).reduce((p, n) => p * n, 1);
    const c = doubles('c', shape, Array.from({ length: copies }, () => row).flat());
    const bytes = model([node('Einsum', 'x c', 'y', { equation })], {
      ...{ inputs: { x: [1, 2] }, initializers: [c], inputType: DataType.DOUBLE },
    });
    const { nodes } = await read(bytes);
    return nodes.map(({ operator }) => ('roundings' in operator && operator.roundings) || 0);
  };
  for (const [equation, shape] of [
    ['bi,ij->bi', [2, 2]],
    ['bi,ijk->bj', [2, 2, 2]],
  ] as const) {
    expect(Math.max(...(await rounded([1, 2 ** -60], equation, shape))), equation).toBe(2);
    expect(Math.max(...(await rounded([1, 2 ** -50], equation, shape))), equation).toBe(0);
  }
});
