/** The sampled lower bound: never above what is certain, and not far below what sampling can find. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { Deadline } from '../../src/bounds/deadline.ts';
import { lowerBoundOf } from '../../src/bounds/lower/lowerBound.ts';
import { sampledLowerBound } from '../../src/bounds/lower/sample.ts';
import { queryOf } from '../../src/bounds/query.ts';
import { boundTask } from '../../src/bounds/task.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import type { Operator } from '../../src/network/operator.ts';
import { toNumber } from '../../src/scaled.ts';
import { affine as affineLayer, FAMILIES, plans } from '../support/families.ts';
import { sampledLowerBound as independent } from '../support/forward.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';

const RELU: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };

function affine(outputs: number, inputs: number, weight: ArrayLike<number>): Operator {
  return { kind: 'affine', outputs, inputs, weight: Float64Array.from(weight) };
}

function chain(inputs: number, operators: readonly Operator[]): Network {
  const builder = new NetworkBuilder('chain');
  let last: TensorId = builder.input('x', [inputs]);
  for (const operator of operators) last = builder.add('', operator, [last]);
  return builder.build(last);
}

function perceptron(widths: readonly number[], seed: number): Network {
  const random = new Random(seed);
  const operators = widths.slice(1).flatMap((outputs, k) => {
    const inputs = widths[k]!;
    return [affine(outputs, inputs, random.normals(outputs * inputs, 1 / Math.sqrt(inputs))), RELU];
  });
  return chain(widths[0]!, operators.slice(0, -1));
}

async function lowerOf(network: Network, seed = 0, pair?: readonly [number, number]): Promise<number> {
  return toNumber((await sampledLowerBound(network, { seed, pair }))!.value)!;
}

describe('the sampled lower bound', () => {
  it('of x = relu(x) − relu(−x) is 1, though zero is among its points', async () => {
    const network = chain(1, [affine(2, 1, [1, -1]), RELU, affine(1, 2, [1, -1])]);
    const { value, assurance } = (await sampledLowerBound(network, { seed: 0 }))!;
    expect(assurance).toBe('rounding-safe');
    expect(toNumber(value)).toBeLessThanOrEqual(1);
    expect(toNumber(value)).toBeGreaterThan(1 - 1e-12);
  });

  it('of a network that is constant is 0', async () => {
    expect(await lowerOf(chain(2, [affine(2, 2, [0, 0, 0, 0]), RELU]))).toBe(0);
  });

  it('finds the one steep part of a network that is flat elsewhere', async () => {
    // Steep for 1 < x < 1.2 alone.
    const clip: Operator = { kind: 'nonlinearity', function: { name: 'clip', min: 1, max: 1.2 } };
    expect(await lowerOf(chain(1, [clip, affine(1, 1, [5])]))).toBeCloseTo(5, 9);
  });

  it('finds what networks that saturate do near zero', async () => {
    const tanh: Operator = { kind: 'nonlinearity', function: { name: 'tanh' } };
    const weight = new Random(3).normals(20 * 20, 3);
    const network = chain(20, [affine(20, 20, weight), tanh, affine(20, 20, weight)]);
    const linear = chain(20, [affine(20, 20, weight), affine(20, 20, weight)]);
    expect(await lowerOf(network)).toBeGreaterThan(0.999 * (await lowerOf(linear)));
  });

  it('is the same for the same seed, and may be another for another', async () => {
    const network = perceptron([10, 30, 30, 10], 1);
    const values = await Promise.all([0, 0, 1, 2, 3].map((seed) => lowerOf(network, seed)));
    expect(values[0]).toBe(values[1]);
    expect(new Set(values).size).toBeGreaterThan(2);
  });

  it('of a pair of outputs is that of their difference', async () => {
    const weight = [1, 2, 3, 4, 5, 6];
    expect(await lowerOf(chain(2, [affine(3, 2, weight)]), 0, [0, 2])).toBeCloseTo(Math.hypot(4, 4), 9);
  });

  it('of a deep network whose rounding cannot be enclosed is nominal', async () => {
    const network = perceptron([16, ...Array(80).fill(16), 4], 5);
    const { value, assurance } = (await sampledLowerBound(network, { seed: 0 }))!;
    expect(assurance).toBe('nominal');
    expect(toNumber(value)).toBeGreaterThan(0);
  });

  it('ends early with what it has, or not at all', async () => {
    const network = perceptron([10, 30, 10], 1);
    const early = (await sampledLowerBound(network, { seed: 0, interrupt: AbortSignal.abort() }))!;
    expect(toNumber(early.value)).toBeGreaterThan(0);
    expect(toNumber(early.value)).toBeLessThan(await lowerOf(network));
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(sampledLowerBound(network, { seed: 0, signal })).rejects.toThrow('enough');
  });

  it('is none where its time is over before there is one', async () => {
    // Long enough that somebody looks at the clock.
    const network = perceptron([600, ...Array(60).fill(600)], 1);
    const deadline = new Deadline(performance.now());
    expect(await sampledLowerBound(network, { seed: 0, deadline })).toBeUndefined();
  });
});

describe.each(Object.entries(FAMILIES))('of %s it', (_, family) => {
  it('is half of what independent sampling finds at least, nearly always', async () => {
    let networks = 0;
    let poor = 0;
    await fc.assert(
      fc.asyncProperty(family, fc.nat(), async (plan, seed) => {
        const network = networkOf(plan);
        networks++;
        if (!((await lowerOf(network)) >= 0.5 * independent(network, 8, seed))) poor++;
      }),
      { numRuns: 40 },
    );
    expect(networks).toBeGreaterThan(20);
    // A random point may hit the steep part of a network that is flat almost everywhere.
    expect(poor).toBeLessThanOrEqual(2);
  });
});

describe('beside a bound', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  });

  it.each([
    [0, 1000],
    [4000, 1000],
    [30_000, 6000],
  ])('it is searched, after %i ms, for no more than %i ms', async (before, most) => {
    const network = perceptron([4, 4, 4], 1);
    const options = { seed: 0, timeLimit: Infinity };
    const task = boundTask(engine, network, options, queryOf(network, options));
    const timers = vi.spyOn(globalThis, 'setTimeout');
    try {
      const found = await lowerBoundOf({ ...task, start: performance.now() - before }, undefined);
      expect(found).toMatchObject({ assurance: 'rounding-safe' });
      const shortest = Math.min(...timers.mock.calls.map(([, delay]) => delay ?? Infinity));
      expect(shortest).toBeGreaterThanOrEqual(most);
      expect(shortest).toBeLessThan(most + 500);
    } finally {
      timers.mockRestore();
      task.close();
    }
  });
  afterAll(() => engine.close());

  it('it meets the bound of linear networks', async () => {
    const linear = plans({ axes: 0, layers: fc.array(affineLayer, { minLength: 1, maxLength: 4 }) });
    await fc.assert(
      fc.asyncProperty(linear, async (plan) => {
        const { bound: above, lower } = await bound(networkOf({ ...plan, end: 'none', weights: 'normal' }), {
          engine,
          method: 'closed-form',
        });
        expect(lower!.assurance).toBe('rounding-safe');
        expect(lower!.value).toBeLessThanOrEqual(above! * (1 + 1e-9));
        expect(lower!.value).toBeGreaterThan(above! * (1 - 1e-3));
      }),
      { numRuns: 100 },
    );
  });

  it('it is of what the bound is of', async () => {
    const network = perceptron([6, 12, 4], 9);
    for (const target of ['global', 'margins', [0, 1], [2, 3]] as const) {
      const { bound: above, lower, margins } = await bound(network, { engine, target, method: 'refined' });
      expect(lower!.value).toBeLessThanOrEqual(above!);
      expect(lower!.value).toBeGreaterThan(0.5 * above!);
      expect(margins === undefined).toBe(typeof target === 'object');
    }
  });

  it('it is left out where nobody wants it, and takes its seed', async () => {
    const network = perceptron([10, 30, 30, 10], 1);
    expect(await bound(network, { engine, rule: 'SN(1)', lower: false })).not.toHaveProperty('lower');
    const { lower } = await bound(network, { engine, rule: 'SN(1)', seed: 3 });
    expect(lower).toMatchObject({ value: await lowerOf(network, 3), seed: 3 });
    expect(lower!.log10).toBeCloseTo(Math.log10(lower!.value!), 12);
    for (const seed of [-1, 0.5, 2 ** 32, Number.NaN])
      await expect(bound(network, { engine, seed })).rejects.toThrow(InputError);
  });
});
