/** The gradient of a bound with respect to weights: against differences of the whole bound, and what homogeneity says of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { boundGradient } from '../../src/bounds/gradient/boundGradient.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import type { Numbers } from '../../src/network/numbers.ts';
import type { Affine, Convolution, Operator } from '../../src/network/operator.ts';
import { networks } from '../ellipsoid/adjointNetworks.ts';
import { Random } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

/** The network with every weight moved along a direction, node by node. */
function moved(network: Network, directions: ReadonlyMap<string, Float64Array>, by: number): Network {
  const along = (name: string, values: Numbers) =>
    Float64Array.from(values, (x, n) => x + by * directions.get(name)![n]!);
  const nodes = network.nodes.map((node) => {
    const { name, operator } = node;
    if ('weight' in operator) {
      return { ...node, operator: { ...operator, weight: along(`${name}.weight`, operator.weight) } };
    }
    if (operator.kind !== 'scale') return node;
    return { ...node, operator: { ...operator, scale: along(`${name}.scale`, operator.scale) } };
  });
  return { ...network, nodes };
}

function chain(shape: readonly number[], operators: readonly Operator[]): Network {
  const builder = new NetworkBuilder('chain');
  let x = builder.input('x', shape);
  for (const [k, operator] of operators.entries()) x = builder.add(`${operator.kind}_${k}`, operator, [x]);
  return builder.build(x);
}

const RELU: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };
const random = new Random(3);

function convolution(
  outputs: number,
  inputs: number,
  groups: number,
  mode: 'zero' | 'circular',
  stride = 1,
): Convolution {
  return {
    kind: 'convolution',
    ...{ outputs, inputs, groups, kernel: [3], stride: [stride], dilation: [1] },
    padding: { mode, before: [1], after: [1] },
    weight: random.normals((outputs * inputs * 3) / groups),
  };
}

function affine(outputs: number, inputs: number): Affine {
  return { kind: 'affine', outputs, inputs, weight: random.normals(outputs * inputs) };
}

const flatten = (channels: number, side: number): Operator => ({
  ...{ kind: 'reindex', permutation: [1, 0], shape: [channels * side] },
});

const more: Record<string, () => Network> = {
  'circular and grouped convolutions, scales, a transposed flatten': () =>
    chain(
      [2, 4],
      [
        convolution(4, 2, 2, 'circular'),
        { kind: 'scale', scale: random.normals(4) },
        RELU,
        convolution(2, 4, 1, 'circular'),
        RELU,
        flatten(2, 4),
        affine(3, 8),
      ],
    ),
  'a convolution that covers its image, and a scale behind a sum': () => {
    const builder = new NetworkBuilder('covering');
    const x = builder.input('x', [2, 2]);
    const y = builder.add('first', convolution(2, 2, 1, 'zero'), [x]);
    const h = builder.add('relu', RELU, [y]);
    const sum = builder.add('sum', { kind: 'add', coefficients: [1, 0.5] }, [y, h]);
    const scaled = builder.add('norm', { kind: 'scale', scale: random.normals(2) }, [sum]);
    return builder.build(
      builder.add(
        'last',
        { ...convolution(3, 2, 1, 'zero', 2), padding: { mode: 'zero', before: [0], after: [1] } },
        [scaled],
      ),
    );
  },
};

const STEP = 1e-5;

describe('weights', () => {
  it.each(Object.entries({ ...networks, ...more }).filter(([name]) => !name.startsWith('an unrolled')))(
    '%s: as differences of the bound with the same multipliers',
    async (_name, make) => {
      const network = make();
      const options = { engine, evaluations: 0 } as const;
      const start = await boundGradient(network, options);
      // Off the closed form, where the gradient with respect to multipliers is nothing that could hide a fault.
      const theta = start.multipliers.layers.map((layer) => ({
        ...layer,
        theta: layer.theta.map((t) => t + 0.3),
      }));
      const multipliers = { ...start.multipliers, layers: theta };
      const here = await boundGradient(network, { ...options, multipliers });
      expect(here.held).toEqual([]);
      const sized = network.nodes.flatMap(({ name, operator }): [string, number][] => {
        if ('weight' in operator) return [[`${name}.weight`, operator.weight.length]];
        return operator.kind === 'scale' ? [[`${name}.scale`, operator.scale.length]] : [];
      });
      expect(here.weights.map(({ name, values }) => [name, values.length])).toEqual(sized);
      const directions = new Map(sized.map(([name, length]) => [name, random.normals(length)]));
      const smooth = async (by: number) =>
        (await boundGradient(moved(network, directions, by), { ...options, multipliers })).smooth;
      const difference = ((await smooth(STEP)) - (await smooth(-STEP))) / (2 * STEP);
      const found = here.weights.reduce(
        (sum, { name, values }) => sum + dot(values, directions.get(name)!),
        0,
      );
      expect(Math.abs(found - difference), `${found}, not ${difference}`).toBeLessThan(
        1e-6 + 1e-5 * Math.abs(difference),
      );
    },
  );

  it.each(['global', 'margins', [2, 0]] as const)(
    'of one layer times their gradient is 1: %s',
    async (target) => {
      const network = chain([3], [affine(5, 3), RELU, affine(4, 5), RELU, affine(3, 4)]);
      const found = await boundGradient(network, { engine, target, evaluations: 10 });
      // Of degree 1 in each layer of a network of ReLUs, whatever the multipliers are.
      for (const [k, { values }] of found.weights.entries()) {
        const { operator } = network.nodes[2 * k]!;
        if (operator.kind !== 'affine') throw new Error('a layer was expected');
        expect(dot(values, Float64Array.from(operator.weight))).toBeCloseTo(1, 8);
      }
      const { bound: known, margins } = await bound(network, {
        engine,
        target,
        method: 'refined',
        lower: false,
      });
      const squares = margins?.flatMap((row, i) => row.filter((_, j) => j < i).map((x) => x * x));
      const value = target === 'margins' ? Math.sqrt(squares!.reduce((a, b) => a + b)) : known!;
      // Single pairs are searched for one by one there.
      expect(found.bound! / value).toBeGreaterThan(0.99);
      expect(found.bound! / value).toBeLessThan(target === 'margins' ? 1.2 : 1.05);
      expect(found.smooth).toBeGreaterThan(Math.log(found.bound!) - 1e-6);
      expect(found.smooth).toBeLessThan(Math.log(found.bound!) + 0.01);
    },
  );

  it('a small step against the gradient makes the bound of a new search smaller by as much', async () => {
    const network = chain(
      [2, 4],
      [
        convolution(3, 2, 1, 'zero'),
        RELU,
        convolution(2, 3, 1, 'zero', 2),
        RELU,
        flatten(2, 2),
        affine(2, 4),
      ],
    );
    const options = { engine, evaluations: 150, tolerance: 1e-9 } as const;
    const before = await boundGradient(network, options);
    const directions = new Map(before.weights.map(({ name, values }) => [name, values]));
    const square = before.weights.reduce((sum, { values }) => sum + dot(values, values), 0);
    const after = await boundGradient(moved(network, directions, -1e-3 / square), options);
    expect((after.log10 - before.log10) * Math.LN10).toBeCloseTo(-1e-3, 4);
  });

  it('multipliers of a result start the next one, on weights that have changed', async () => {
    const network = chain([3], [affine(5, 3), RELU, affine(3, 5)]);
    const first = await boundGradient(network, { engine });
    const directions = new Map(first.weights.map(({ name, values }) => [name, values]));
    const next = moved(network, directions, -0.01);
    const given = await boundGradient(next, { engine, multipliers: first.multipliers, evaluations: 0 });
    const whole = await boundGradient(next, { engine });
    expect(given.bound! / whole.bound!).toBeCloseTo(1, 2);
    const other = chain([3], [affine(6, 3), RELU, affine(3, 6)]);
    await expect(boundGradient(other, { engine, multipliers: first.multipliers })).rejects.toThrow(
      InputError,
    );
  });
});

describe('what has no gradient', () => {
  it('a factor for every entry, of which slopes are made, is held', async () => {
    const network = chain(
      [1, 4],
      [
        convolution(1, 1, 1, 'zero'),
        { kind: 'scale', scale: random.normals(4) },
        RELU,
        flatten(1, 4),
        affine(2, 4),
      ],
    );
    const { held, weights } = await boundGradient(network, { engine, evaluations: 0 });
    expect(held).toEqual(['scale_1.scale']);
    expect(weights.map(({ name }) => name)).toEqual(['convolution_0.weight', 'affine_4.weight']);
  });

  it('weights that nobody can follow are refused by name', async () => {
    const covering = { ...convolution(2, 1, 1, 'circular'), kernel: [3] };
    const network = chain(
      [1, 1],
      [covering, RELU, { kind: 'reindex', permutation: [0, 1], shape: [2] }, affine(1, 2)],
    );
    await expect(boundGradient(network, { engine, evaluations: 0 })).rejects.toThrow(/convolution_0/);
  });

  it('a bound of 0', async () => {
    const network = chain([2], [{ ...affine(2, 2), weight: new Float64Array(4) }, RELU, affine(1, 2)]);
    await expect(boundGradient(network, { engine })).rejects.toThrow(InputError);
  });

  it('says so where its time was over', async () => {
    const network = chain([3], [affine(5, 3), RELU, affine(3, 5)]);
    await expect(boundGradient(network, { engine, timeLimit: 1e-6 })).rejects.toThrow(
      new InputError('boundGradient: 0.000001 s were over before there was a gradient'),
    );
  });
});

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, n) => sum + x * b[n]!, 0);
}
