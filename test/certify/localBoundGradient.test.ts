/** The gradient of a bound in a region: against differences of that bound, and what homogeneity says of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boundGradient, gradientOf } from '../../src/bounds/gradient/boundGradient.ts';
import { GradientSums } from '../../src/bounds/gradient/gradientSums.ts';
import { localBound } from '../../src/certify/certify.ts';
import { localBoundGradient } from '../../src/certify/localBoundGradient.ts';
import { closedFormWithin } from '../../src/certify/proofs/localForm.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Network } from '../../src/network/network.ts';
import { type EntrySlopes, narrowed } from '../../src/network/simplify/narrowed.ts';
import { arrange } from '../../src/network/simplify/simplify.ts';
import { unroll } from '../../src/network/unroll.ts';
import { Layers } from '../support/layers.ts';
import { Random } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

/** A strided convolution with samples read twice, a transposed one, and a dense layer. */
function network(mode: 'zero' | 'reflect'): Network {
  const random = new Random(7);
  return new Layers(2, 6)
    .add({
      kind: 'convolution',
      ...{ outputs: 3, inputs: 2, groups: 1, kernel: [3], stride: [2], dilation: [1] },
      padding: { mode, before: [1], after: [1] },
      weight: random.normals(18),
      bias: random.normals(3),
    })
    .apply({ name: 'relu' })
    .add({
      kind: 'transposed-convolution',
      ...{ outputs: 2, inputs: 3, groups: 1, kernel: [2], stride: [2], dilation: [1] },
      ...{ before: [0], after: [0], outputPadding: [0] },
      weight: random.normals(12),
    })
    .apply({ name: 'leaky-relu', slope: 0.1 })
    .add({ kind: 'reindex', permutation: [0, 1], shape: [12] })
    .affine(3, 12, random.normals(36))
    .build();
}
const centre = new Random(8).normals(12);
const RADIUS = 0.6;

function moved(whole: Network, directions: readonly Float64Array[], by: number): Network {
  let k = 0;
  const nodes = whole.nodes.map((node) => {
    const { operator } = node;
    if (!('weight' in operator)) return node;
    const direction = directions[k++]!;
    return {
      ...node,
      operator: { ...operator, weight: Float64Array.from(operator.weight, (w, n) => w + by * direction[n]!) },
    };
  });
  return { ...whole, nodes } as Network;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, x, n) => sum + x * b[n]!, 0);

describe.each(['zero', 'reflect'] as const)('in a region, padded by %s', (mode) => {
  const whole = network(mode);

  it('it is that of differences with the same slopes and multipliers', async () => {
    const { chain, stages } = await closedFormWithin(whole, centre, RADIUS, 'incremental', { engine });
    const functions = chain.network.nodes.filter(({ operator }) => operator.kind === 'nonlinearity');
    const slopes = functions.map(({ output }): EntrySlopes => {
      const k = chain.stages.findIndex(({ blocks }) => blocks.some(({ node }) => node?.output === output));
      const { lower, upper } = stages![k]!.slopes;
      return { lower, upper };
    });
    expect(slopes.some(({ lower, upper }) => lower.some((slope, i) => slope !== upper[i]))).toBe(true);
    const dense = (own: Network) => {
      const nodes = own.nodes.filter(({ operator }) => operator.kind === 'nonlinearity');
      return unroll(arrange(narrowed(own, new Map(nodes.map((node, k) => [node, slopes[k]!])))), 0);
    };
    const options = { engine, evaluations: 0 } as const;
    const sums = new GradientSums(whole);
    const { multipliers } = await boundGradient(dense(whole), options);
    const found = await gradientOf(dense(whole), { ...options, multipliers }, sums, []);
    const random = new Random(9);
    const directions = found.weights.map(({ values }) => random.normals(values.length));
    expect(directions.map(({ length }) => length)).toEqual([18, 12, 36]);
    const smooth = async (by: number) =>
      (await boundGradient(dense(moved(whole, directions, by)), { ...options, multipliers })).smooth;
    const difference = ((await smooth(1e-5)) - (await smooth(-1e-5))) / 2e-5;
    const expected = found.weights.reduce((sum, { values }, k) => sum + dot(values, directions[k]!), 0);
    expect(Math.abs(expected - difference)).toBeLessThan(1e-6 + 1e-5 * Math.abs(difference));
  });

  it.each(['global', 'margins', [2, 0]] as const)(
    'weights of one layer times it are 1: %s',
    async (target) => {
      const found = await localBoundGradient(whole, centre, RADIUS, { engine, target, evaluations: 10 });
      const arrays = whole.nodes.flatMap(({ operator }) => ('weight' in operator ? [operator.weight] : []));
      expect(found.weights.map(({ shape }) => shape)).toEqual([
        [3, 2, 3],
        [3, 2, 2],
        [3, 12],
      ]);
      for (const [k, { values }] of found.weights.entries())
        expect(dot(values, arrays[k]!)).toBeCloseTo(1, 6);
    },
  );

  it('a step against it lowers the bound by as much as it says', async () => {
    const refined = (own: Network) => localBound(own, centre, RADIUS, { engine, method: 'refined' });
    const { weights, bound } = await localBoundGradient(whole, centre, RADIUS, { engine });
    const before = await refined(whole);
    expect(bound! / before).toBeCloseTo(1, 3);
    const size = Math.sqrt(weights.reduce((sum, { values }) => sum + dot(values, values), 0));
    const step = 0.02 / size;
    const after = await refined(
      moved(
        whole,
        weights.map(({ values }) => values),
        -step / size,
      ),
    );
    expect(Math.log(before / after) / (step * size)).toBeGreaterThan(0.8);
    expect(Math.log(before / after) / (step * size)).toBeLessThan(1.2);
  });
});
