/** Gradients of bounds by the initialisers of a file, in its layout. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { boundGradient } from '../../../src/bounds/gradient/boundGradient.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { DataType } from '../../../src/formats/onnx/values/tensors.ts';
import { Random } from '../../support/random.ts';
import { doubles, floats, integers, model, node, read } from './build.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

const NODES = [
  node('MatMul', 'x first', 'a'),
  node('BatchNormalization', 'a gamma beta mean variance', 'b'),
  node('Relu', 'b', 'c'),
  // One array, two layers.
  node('Gemm', 'c tied', 'd', { transB: 1n, alpha: 0.5 }),
  node('Relu', 'd', 'e'),
  node('Gemm', 'e tied', 'f'),
  node('Relu', 'f', 'g'),
  node('Reshape', 'g image', 'h'),
  node('Transpose', 'h', 'i', { perm: [0n, 2n, 1n] }),
  node('Conv', 'i kernel', 'j', { pads: [1n, 1n] }),
  node('Relu', 'j', 'k'),
  node('Flatten', 'k', 'l'),
  node('Gemm', 'l last', 'y', { transB: 0n }),
];

const random = new Random(17);
const SHAPES = { first: [4, 6], gamma: [6], tied: [6, 6], kernel: [2, 3, 3], last: [4, 3] } as const;
const product = (shape: readonly number[]) => shape.reduce((p, n) => p * n, 1);
const around = Object.entries(SHAPES).map(([name, shape]) => ({
  ...{ name, shape },
  values: random.normals(product(shape)),
  direction: random.normals(product(shape)),
}));

function network(by: number) {
  const trained = around.map(({ name, shape, values, direction }) =>
    doubles(name, shape, [...values.map((x, n) => x + by * direction[n]!)]),
  );
  const held = ['beta', 'mean', 'variance'].map((name) => doubles(name, [6], [1, 2, 3, 4, 5, 6]));
  const image = integers('image', [3], [-1, 2, 3]);
  return read(model(NODES, { initializers: [...trained, ...held, image], inputType: DataType.DOUBLE }));
}

test('names, shapes and values are those of the file', async () => {
  const start = await boundGradient(await network(0), { engine, evaluations: 0 });
  const { multipliers } = start;
  expect(start.weights.map(({ name, shape }) => [name, shape])).toEqual(Object.entries(SHAPES));
  const smooth = async (by: number) =>
    (await boundGradient(await network(by), { engine, evaluations: 0, multipliers })).smooth;
  const difference = ((await smooth(1e-5)) - (await smooth(-1e-5))) / 2e-5;
  const found = start.weights.reduce(
    (sum, { values }, k) => sum + values.reduce((own, g, n) => own + g * around[k]!.direction[n]!, 0),
    0,
  );
  expect(Math.abs(found / difference - 1)).toBeLessThan(1e-6);
});

test('a factor that has its name from its node keeps apart from an array that is called that', async () => {
  const nodes = [node('Mul', 'x factor', 'a'), node('MatMul', 'a w', 'y')];
  const [scale, w] = [floats('factor', [2], [1, 2]), (name: string) => floats(name, [2, 2], [1, 2, 3, 4])];
  const plain = await read(model(nodes, { inputs: { x: [1, 2] }, initializers: [scale, w('w')] }));
  const own = (await boundGradient(plain, { engine })).weights.map(({ name }) => name);
  const [taken] = own.filter((name) => name !== 'w');
  const network = await read(
    model(
      nodes.map((one, k) => (k === 1 ? { ...one, input: ['a', taken!] } : one)),
      { inputs: { x: [1, 2] }, initializers: [scale, w(taken!)] },
    ),
  );
  const names = (await boundGradient(network, { engine })).weights.map(({ name }) => name);
  expect(new Set(names).size).toBe(2);
  expect(names).toContain(taken);
});
