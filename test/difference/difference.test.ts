/** Two networks on one input: obvious cases, and no slope and no distance above what is proven of random pairs. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { type DifferenceOptions, difference, sumOf } from '../../src/difference/difference.ts';
import { differenceNetwork } from '../../src/difference/network.ts';
import { regionBounds } from '../../src/difference/region.ts';
import { Algebra } from '../../src/ellipsoid/region/algebra.ts';
import { PreparedPair } from '../../src/ellipsoid/region/pairedForms.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError, UnsupportedError } from '../../src/errors.ts';
import { type DenseLayer, NetworkBuilder } from '../../src/network/builder.ts';
import { mergedDifference, pairedNetwork } from '../../src/network/difference/merged.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import { PreparedNetwork } from '../../src/network/evaluation/preparedNetwork.ts';
import type { Network } from '../../src/network/network.ts';
import { mapped } from '../../src/network/numbers.ts';
import type { Operator } from '../../src/network/operator.ts';
import { withComparators } from '../../src/network/simplify/comparators.ts';
import { withTournaments } from '../../src/network/simplify/tournaments.ts';
import { product } from '../../src/network/size.ts';
import { floats, integers, model, node, read } from '../formats/onnx/build.ts';
import { FAMILIES } from '../support/families.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';
import { patience, runs } from '../support/runs.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

/** What rounding of plain evaluation may be off by. */
const NOISE = 1e-9;

/** 3 → 4 → 3 → 2; `change` gets a copy of the weights. */
function dense(activation: 'relu' | 'tanh', change: (weights: number[][][], biases: number[][]) => void) {
  const random = new Random(5);
  const sizes = [3, 4, 3, 2];
  const weights = sizes
    .slice(1)
    .map((rows, k) => Array.from({ length: rows }, () => [...random.normals(sizes[k]!)]));
  const biases = sizes.slice(1).map((rows) => [...random.normals(rows)]);
  change(weights, biases);
  const layers = weights.map(
    (weight, k): DenseLayer => ({ weight, bias: biases[k]!, ...(k < 2 && { activation }) }),
  );
  return NetworkBuilder.fromDense(layers);
}

const REGION = { at: Float64Array.of(0.3, -0.2, 0.5), radius: 0.25 };
const between = (a: Network, b: Network, options: DifferenceOptions = {}) =>
  difference(a, b, { engine, lower: false, evaluations: 20, ...REGION, ...options });

describe.each(['relu', 'tanh'] as const)('%s', (activation) => {
  const b = dense(activation, () => {});

  it('that are the same are 0 apart, exactly', async () => {
    const result = await between(
      dense(activation, () => {}),
      b,
    );
    expect(result).toMatchObject({
      identical: true,
      bound: 0,
      region: { lipschitz: 0, gain: 0, largest: 0 },
    });
  });

  it('that differ in a weight of the last layer differ by that times the neuron', async () => {
    const step = 0.125;
    // Not a neuron that is 0 in all of the region.
    const on = (biases: number[][]) => {
      biases[1]![2] = 1.5;
    };
    const b = dense(activation, (_, biases) => on(biases));
    const a = dense(activation, (weights, biases) => {
      on(biases);
      weights[2]![1]![2]! += step;
    });
    // The neuron by itself.
    const neuron = dense(activation, (weights, biases) => {
      on(biases);
      weights.splice(1, 2, [weights[1]![2]!], [[step]]);
      biases.splice(1, 2, [biases[1]![2]!], [0]);
    });
    const alone = await between(neuron, NetworkBuilder.fromDense([{ weight: [[0, 0, 0]] }]));
    const result = await between(a, b);
    expect(result.bound).toBeCloseTo(alone.bound!, 6);
    const { largest, attained } = result.region!;
    expect(largest).toBeLessThanOrEqual(alone.region!.largest! * (1 + 1e-9));
    expect(attained.value).toBeCloseTo(alone.region!.attained.value, 3);
    expect(attained.value).toBeGreaterThan(0.8 * largest!);
  });

  it('that differ in a bias at the end keep one distance', async () => {
    const a = dense(activation, (_, biases) => {
      biases[2]![0]! -= 0.5;
    });
    const result = await between(a, b, { at: REGION.at, radius: 5 });
    expect(result.bound).toBe(0);
    expect(result.region!.largest).toBeGreaterThanOrEqual(0.5);
    expect(result.region!.largest).toBeLessThan(0.5 * (1 + 1e-12));
  });

  it('that differ a little everywhere are a little apart, in proportion', async () => {
    const rounded = (digits: number) =>
      dense(activation, (weights) => {
        for (const row of weights.flat())
          for (const k of row.keys()) row[k] = Number(row[k]!.toFixed(digits));
      });
    const [coarse, fine] = [await between(rounded(2), b), await between(rounded(5), b)];
    expect(coarse.region!.largest).toBeLessThan(0.1);
    expect(fine.region!.largest).toBeLessThan(coarse.region!.largest! / 100);
    expect(fine.region!.by).toBe('differences');
    expect(fine.region!.attained.value).toBeGreaterThan(fine.region!.largest! / 20);
    // Where one is over an edge and the other is not yet, slopes differ by all of a neuron: no small bound for them.
    if (activation === 'relu') expect(fine.bound).toBeGreaterThan(0.1);
  });
});

it.each([
  ['first', 2, 0],
  ['second', 0, 2],
])('that are on where the other is off are apart by what the %s gives', async (_, below, above) => {
  // relu(x − 2) is 0 in all of the region, relu(x) is 1 at its end.
  const step = (shift: number) =>
    NetworkBuilder.fromDense([{ weight: [[1]], bias: [-shift], activation: 'relu' }, { weight: [[1]] }]);
  const [a, b] = [step(below), step(above)];
  const paired = pairedNetwork(a, b)!;
  const region = { centre: Float64Array.of(0), radius: 1 };
  const [most] = await new PreparedPair(paired).largest(new Algebra(engine, undefined), region);
  expect(most).toBeGreaterThanOrEqual(1);
  expect(most).toBeLessThan(1 + 1e-9);
});

it('share what comes before a weight that differs, and the other neurons of its layer', () => {
  const a = dense('relu', (weights) => {
    weights[1]![1]![0]! += 0.1;
  });
  const merged = mergedDifference(
    a,
    dense('relu', () => {}),
  )!;
  const neurons = merged.nodes.filter(({ operator }) => operator.kind === 'nonlinearity');
  // 4 of the first layer, the one of the second in either network, and no others.
  expect(neurons.map(({ output }) => merged.tensors[output]!.shape[0])).toEqual([4, 1, 1]);
});

it('are refused where their shapes differ', async () => {
  const of = (inputs: number, outputs: number) =>
    NetworkBuilder.fromDense([
      { weight: Array.from({ length: outputs }, () => new Array<number>(inputs).fill(1)) },
    ]);
  await expect(difference(of(2, 2), of(3, 2), { engine })).rejects.toThrow(
    'difference: the inputs of both networks must have one shape, got 2 and 3',
  );
  await expect(difference(of(2, 2), of(2, 1), { engine })).rejects.toThrow(/outputs .* got 2 and 1/);
  await expect(difference(of(2, 2), of(2, 2), { engine, radius: 1 })).rejects.toThrow(InputError);
  await expect(difference(of(2, 2), of(2, 2), { engine, at: Float64Array.of(1), radius: 1 })).rejects.toThrow(
    /2 entries, got 1/,
  );
  for (const radius of [-1, Number.NaN, Infinity])
    await expect(difference(of(2, 2), of(2, 2), { engine, at: new Float64Array(2), radius })).rejects.toThrow(
      /radius/,
    );
});

it('may be of different making', async () => {
  const a = NetworkBuilder.fromDense([{ weight: [[1, 2, -1]], activation: 'tanh' }, { weight: [[1], [-1]] }]);
  const b = dense('relu', () => {});
  const { bound, region } = await between(a, b);
  const slope = steepestSampled(a, b, REGION.at, 0.25, new Random(1));
  expect(region!.lipschitz).toBeGreaterThanOrEqual(slope);
  expect(bound).toBeGreaterThanOrEqual(region!.lipschitz!);
});

/** A copy with other weights and biases: in one place, in some or in all, as the random numbers want. */
function changed(network: Network, random: Random, size: number): Network {
  const share = [0.02, 0.3, 1][random.integer(0, 2)]!;
  const other = (value: number) => (random.uniform() < share ? value + size * random.normal() : value);
  const operatorOf = (operator: Operator): Operator => {
    if (random.uniform() < 0.3) return operator;
    switch (operator.kind) {
      case 'affine':
      case 'convolution':
      case 'transposed-convolution': {
        const { bias } = operator;
        return {
          ...operator,
          weight: mapped(operator.weight, other),
          ...(bias && { bias: bias.map(other) }),
        };
      }
      case 'scale':
        return { ...operator, scale: operator.scale.map(other) };
      default:
        return operator;
    }
  };
  return {
    ...network,
    nodes: network.nodes.map((node) => ({ ...node, operator: operatorOf(node.operator) })),
  };
}

function apart(a: Network, b: Network, x: Float64Array): Float64Array {
  const [first, second] = [evaluate(a, x), evaluate(b, x)];
  return first.map((value, k) => value - second[k]!);
}

/** A point of the ball, often on its surface. */
function pointIn(centre: Float64Array, radius: number, random: Random): Float64Array {
  const v = random.normals(centre.length);
  const scale = (radius * (1 - 1e-9) * (random.uniform() < 0.7 ? 1 : random.uniform())) / Math.hypot(...v);
  return centre.map((c, k) => c + scale * v[k]!);
}

/** ‖(A − B)′ v‖ at points of the ball, for directions v in which it is steep. */
function steepestSampled(
  a: Network,
  b: Network,
  centre: Float64Array,
  radius: number,
  random: Random,
): number {
  let most = 0;
  const [first, second] = [new PreparedNetwork(a), new PreparedNetwork(b)];
  for (let k = 0; k < 6; k++) {
    const x = pointIn(centre, radius, random);
    const [ja, jb] = [first.linearise(x), second.linearise(x)];
    let v = random.normals(centre.length);
    for (let step = 0; step < 8; step++) {
      const length = Math.hypot(...v);
      if (!(length > 0)) break;
      v = v.map((entry) => entry / length);
      const [ya, yb] = [ja.push(v), jb.push(v)];
      const u = ya.map((value, n) => value - yb[n]!);
      most = Math.max(most, Math.hypot(...u));
      const [pa, pb] = [ja.pull(u), jb.pull(u)];
      v = pa.map((value, n) => value - pb[n]!);
    }
  }
  return most;
}

const pairOf = fc.record({
  radius: fc.constantFrom(1e-6, 0.03, 0.3, 2),
  size: fc.constantFrom(1e-6, 1e-2, 1),
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
});

describe.each(Object.entries(FAMILIES))('%s', (_, plans) => {
  it('and changed copies', { timeout: patience() }, async () => {
    await fc.assert(
      fc.asyncProperty(plans, pairOf, async (plan, { radius, size, seed }) => {
        const b = networkOf(plan);
        const random = new Random(seed);
        const a = changed(b, random, size);
        const centre = random.normals(product(b.tensors[b.input]!.shape));
        const merged = mergedDifference(a, b);
        const points = [centre, ...Array.from({ length: 6 }, () => pointIn(centre, radius, random))];
        const largest = points.map((x) => apart(a, b, x).map(Math.abs));
        const values = Math.max(1, ...points.flatMap((x) => [...evaluate(a, x)].map(Math.abs)));
        if (!merged) {
          expect(Math.max(...largest.flatMap((all) => [...all]))).toBe(0);
          return;
        }
        // The network is what it is said to be.
        for (const x of points) {
          const direct = apart(a, b, x);
          const joined = evaluate(merged, x);
          for (const [k, value] of direct.entries())
            expect(Math.abs(joined[k]! - value)).toBeLessThanOrEqual(NOISE * values);
        }
        // Differences that are carried.
        const [one, other] = [a, b].map((network) => withTournaments(withComparators(network)));
        const paired = pairedNetwork(one!, other!);
        if (paired && !b.nodes.some(({ operator }) => operator.kind === 'softmax')) {
          const pair = new PreparedPair(paired);
          const proven = await pair.largest(new Algebra(engine, undefined), { centre, radius });
          for (const all of largest)
            for (const [k, value] of all.entries())
              expect(value).toBeLessThanOrEqual(proven[k]! + NOISE * 1e-3 * values);
        }
        // All of it.
        const region = { centre, radius, norm: '2', outputNorm: '2' } as const;
        const found = await regionBounds(a, b, merged, region, Infinity, { engine });
        const steep = steepestSampled(a, b, centre, radius, random);
        expect(found.lipschitz).toBeGreaterThanOrEqual(steep * (1 - 1e-6) - NOISE);
        for (const x of points)
          expect(found.largest).toBeGreaterThanOrEqual(
            Math.hypot(...apart(a, b, x)) * (1 - NOISE) - NOISE * 1e-3 * values,
          );
        expect(found.gain).toBeLessThanOrEqual(found.lipschitz);
      }),
      { numRuns: runs(2) },
    );
  });
});

it('has a hash of its own, of both files in their order', async () => {
  const source = (sha256: string) => ({ file: `${sha256}.onnx`, sha256, bytes: 1 });
  const a = {
    ...dense('relu', (weights) => {
      weights[0]![0]![0]! += 1;
    }),
    source: source('aa'),
  };
  const b = { ...dense('relu', () => {}), source: source('bb') };
  const hashes = [await differenceNetwork(a, b), await differenceNetwork(b, a)].map(
    (network) => network!.source!.sha256,
  );
  expect(new Set(hashes).size).toBe(2);
  for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{64}$/);
});

it('is tied to its length where one of both is', async () => {
  const cast = (weight: number) =>
    read(
      model(
        [
          node('Relu', 'x', 'r'),
          node('Shape', 'x', 'shape'),
          node('Slice', 'shape begin end axis', 'l'),
          node('Cast', 'l', 'length', { to: 1n }),
          node('Mul', 'r length', 'm'),
          node('Mul', 'm w', 'y'),
        ],
        {
          ...{ inputs: { x: ['N', 1, 8] }, opset: 17 },
          initializers: [
            ...[integers('begin', [1], [2]), integers('end', [1], [3]), integers('axis', [1], [0])],
            floats('w', [1], [weight]),
          ],
        },
      ),
    );
  const merged = (await differenceNetwork(await cast(1), await cast(2)))!;
  await expect(bound(merged, { engine, length: 'any', lower: false })).rejects.toThrow(UnsupportedError);
});

it('is that of the centre at radius 0, whatever leaves float64 elsewhere', async () => {
  const weights = (last: number) =>
    NetworkBuilder.fromDense([
      { weight: [[1e200], [-1e200]], activation: 'relu' },
      { weight: [[1e200, last]], bias: [3] },
    ]);
  const at = Float64Array.of(0);
  const { region } = await difference(weights(1e200), weights(2e200), {
    engine,
    lower: false,
    at,
    radius: 0,
  });
  expect(region!.largest! / region!.atCentre!).toBeCloseTo(1, 9);
  expect(region!.largest).toBeLessThan(1e-100);
});

it('of networks out of all proportion is refused before it is made', () => {
  const doubled = (weight: number) => {
    const builder = new NetworkBuilder('doubled');
    let x = builder.add('', { kind: 'affine', inputs: 1, outputs: 2, weight: Float64Array.of(1, weight) }, [
      builder.input('x', [1]),
    ]);
    for (let k = 0; k < 27; k++) x = builder.add('', { kind: 'concat' }, [x, x]);
    return builder.build(x);
  };
  expect(() => mergedDifference(doubled(1), doubled(2))).toThrow(/differences are of networks of up to/);
});

it('is no sum where one of both has no bound, which has no logarithm, as 0 has none', () => {
  const none = { bound: null, log10: null };
  const zero = { bound: 0, log10: null };
  const two = { bound: 2, log10: Math.log10(2) };
  const beyond = { bound: null, log10: 400 };
  expect(sumOf(none, two)).toEqual(none);
  expect(sumOf(two, none)).toEqual(none);
  expect(sumOf(zero, zero)).toEqual(zero);
  expect(sumOf(zero, two).bound! / 2).toBeCloseTo(1, 12);
  expect(sumOf(two, two).log10! / Math.log10(4)).toBeCloseTo(1, 12);
  expect(sumOf(two, two).bound).toBeGreaterThanOrEqual(4);
  expect(sumOf(beyond, two)).toEqual({ bound: null, log10: expect.closeTo(400, 9) });
});
