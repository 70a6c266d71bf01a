/** What a search is judged by, and that its row says what it found and nothing else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import type { BoundResult, MethodResult, StoredMultipliers } from '../../src/bounds/result.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError } from '../../src/errors.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { Random } from '../support/random.ts';

const example = (name: string) =>
  loadNetwork(new URL(`../../examples/${name}.onnx`, import.meta.url).pathname);

/** Affine layers of the given widths with ReLU between. */
function chain(seed: number, ...widths: number[]): Network {
  const random = new Random(seed);
  const builder = new NetworkBuilder('chain');
  let tensor = builder.input('x', [widths[0]!]);
  for (let k = 1; k < widths.length; k++) {
    if (k > 1)
      tensor = builder.add(`relu_${k}`, { kind: 'nonlinearity', function: { name: 'relu' } }, [tensor]);
    const [outputs, inputs] = [widths[k]!, widths[k - 1]!];
    const weight = random.normals(outputs * inputs, 1 / Math.sqrt(inputs));
    tensor = builder.add(`fc_${k}`, { kind: 'affine', outputs, inputs, weight }, [tensor]);
  }
  return builder.build(tensor);
}

/** Its bound is 0. */
function zero(): Network {
  const builder = new NetworkBuilder('zero');
  const x = builder.input('x', [2]);
  const y = builder.add('fc', { kind: 'affine', outputs: 2, inputs: 2, weight: new Float64Array(4) }, [x]);
  const z = builder.add('relu', { kind: 'nonlinearity', function: { name: 'relu' } }, [y]);
  const weight = new Float64Array(4);
  return builder.build(builder.add('out', { kind: 'affine', outputs: 2, inputs: 2, weight }, [z]));
}

describe('rows', () => {
  it('are told as they are found, the cheapest first, and are those of the result', async () => {
    const heard: MethodResult[] = [];
    const { methods } = await bound(chain(3, 6, 8, 4), {
      ...{ evaluations: 5, lower: false },
      onMethod: (row) => heard.push(row),
    });
    expect(heard.map(({ method }) => method).slice(0, 2)).toEqual(['spectral-product', 'closed-form']);
    expect(heard.some(({ method }) => method === 'refined')).toBe(true);
    expect(new Set(heard)).toEqual(new Set(methods));
  });
});

describe('searches', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  });
  afterAll(() => engine.close());

  const searchRow = (result: BoundResult) => result.methods.find((row) => row.method === 'refined')!;
  const leastClosed = (result: BoundResult) =>
    Math.min(...result.methods.filter((row) => row.method === 'closed-form').map((row) => row.bound!));

  it('for margins keep what they found where the global bound got no smaller', async () => {
    const network = await example('mlp');
    const options = { engine, lower: false, evaluations: 40 } as const;
    const result = await bound(network, { ...options, target: 'margins' });
    const row = searchRow(result);
    // The case in point: the search has paid for margins with the bound.
    expect(row.bound!).toBeGreaterThan(leastClosed(result));
    expect(result.bound).toBe(leastClosed(result));
    const { before, after } = row.search!.margins!;
    expect(after!).toBeLessThan(0.95 * before!);
    const squares = (margins: BoundResult['margins']) =>
      margins!.flat().reduce((sum, m) => sum + m * m, 0) / 2;
    // The table has the least of every method for each pair.
    expect(Math.sqrt(squares(result.margins))).toBeLessThanOrEqual(after! * (1 + 1e-9));
    expect(result.multipliers!.layers.length).toBeGreaterThan(0);
    const again = await bound(network, {
      ...{ engine, lower: false, method: 'refined', evaluations: 1 },
      ...{ target: 'margins', multipliers: result.multipliers! },
    });
    expect(searchRow(again).search!.margins!.after! / after! - 1).toBeLessThan(1e-6);
    const global = await bound(network, { ...options, evaluations: 5 });
    expect(searchRow(global).search!.margins).toBeUndefined();
  });

  it('have rows of their own, beside the closed form that they did not improve on', async () => {
    const network = await example('mlp');
    const options = { engine, lower: false, method: 'refined', target: 'margins', evaluations: 40 } as const;
    const { methods, bound: best } = await bound(network, options);
    expect(methods.map(({ method, rule }) => [method, rule])).toEqual([
      ['closed-form', 'mixed'],
      ['refined', undefined],
    ]);
    expect(methods[0]!.search).toBeUndefined();
    expect(methods[0]!.bound).toBe(best);
    expect(methods[1]!.bound!).toBeGreaterThan(best!);
  });

  it('that have nothing to descend say so, and have not converged', async () => {
    for (const method of ['all', 'refined'] as const) {
      const result = await bound(zero(), { engine, method, lower: false });
      expect(result.bound!).toBeLessThan(1e-50);
      const row = searchRow(result);
      expect(row).toMatchObject({ bound: null, error: expect.stringMatching(/nothing to search/) });
      expect(row.search).toBeUndefined();
    }
  });

  it('go on behind a layer of zeros and a pooling, which leave no covariance', async () => {
    const zeros = () => 0;
    const dead: readonly (readonly ('relu' | 'pool' | ((n: number) => number))[])[] = [
      [zeros, 'relu', 'pool', (n) => n - 1.5, 'relu'],
      [zeros, 'pool', (n) => n - 1.5, 'relu'],
      ['relu', 'pool', zeros, 'relu', 'pool', (n) => n - 1.5, 'relu'],
      [(n) => (n < 6 ? 0 : n - 8), 'relu', 'pool', (n) => n - 1.5, 'relu'],
    ];
    for (const layers of dead) {
      const builder = new NetworkBuilder('dead');
      let x = builder.input('x', [2, 16]);
      for (const layer of layers) {
        if (layer === 'relu') x = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
        else if (layer === 'pool')
          x = builder.add(
            '',
            { kind: 'max-pool', kernel: [2], stride: [2], dilation: [1], before: [0], after: [0] },
            [x],
          );
        else {
          const weight = Float64Array.from({ length: 12 }, (_, n) => layer(n));
          const sides = { inputs: 2, outputs: 2, groups: 1, kernel: [3], stride: [1], dilation: [1] };
          const padding = { mode: 'zero', before: [1], after: [1] } as const;
          x = builder.add('', { kind: 'convolution', ...sides, padding, weight }, [x]);
        }
      }
      for (const method of ['refined', 'all'] as const) {
        const result = await bound(builder.build(x), { engine, method });
        expect(result.lower!.value!).toBeLessThanOrEqual(result.bound!);
      }
    }
  });

  it('of all methods are those of each', async () => {
    const network = chain(3, 6, 12, 10, 4);
    const all = await bound(network, { engine, lower: false, evaluations: 30 });
    const refined = await bound(network, { engine, lower: false, evaluations: 30, method: 'refined' });
    expect(searchRow(all).bound).toBe(searchRow(refined).bound);
    expect(all.bound!).toBeLessThanOrEqual(refined.bound!);
  });

  it('say over how many evaluations they gained what', async () => {
    const network = chain(4, 6, 12, 10, 4);
    const report = async (evaluations: number) =>
      searchRow(await bound(network, { engine, lower: false, method: 'refined', evaluations })).search!;
    expect(await report(1)).toMatchObject({ status: 'evaluations', evaluations: 1, gap: 0, over: 0 });
    expect(await report(4)).toMatchObject({ evaluations: 4, over: 3 });
    expect(await report(12)).toMatchObject({ evaluations: 12, over: 10 });
  });

  it('that leave something out say what', async () => {
    const network = await example('cnn');
    const options = { engine, lower: false, evaluations: 1 } as const;
    const { leftOut, methods } = await bound(network, options);
    expect(leftOut).toMatchObject({ method: 'unrolled', from: network.nodes[0]!.name });
    expect(methods.some((row) => row.method === 'unrolled' && row.bound !== null)).toBe(true);
    // Nothing that the memory would not hold.
    expect((await bound(network, { ...options, memory: 2e6 })).leftOut).toBeUndefined();
    expect((await bound(chain(1, 3, 4, 2), options)).leftOut).toBeUndefined();
    expect((await bound(network, { ...options, method: 'closed-form' })).leftOut).toBeUndefined();
  });

  it('that are interrupted leave the lower bound about what it is', async () => {
    const network = await example('mlp');
    const whole = await bound(network, { engine, method: 'closed-form' });
    const interruption = new AbortController();
    const interrupted = await bound(network, {
      ...{ engine, method: 'refined', interrupt: interruption.signal },
      onTrace: () => interruption.abort(),
    });
    expect(searchRow(interrupted).search!.status).toBe('interrupted');
    expect(interrupted.lower!.value).toBeGreaterThan(0.9 * whole.lower!.value!);
  });

  it('tell progress how long they may take', async () => {
    const heard: number[] = [];
    await bound(chain(5, 6, 12, 10, 4), {
      ...{ engine, lower: false, method: 'refined', evaluations: 1e5, timeLimit: 2 },
      onProgress: ({ limit }) => heard.push(limit!),
    });
    expect(heard.length).toBeGreaterThan(3);
    expect(Math.max(...heard)).toBeLessThanOrEqual(2);
    expect(heard.at(-1)!).toBeLessThan(heard[0]!);
  });

  describe('refuse multipliers before any work', () => {
    const network = chain(6, 3, 5, 4, 2);
    // Whatever is asked of it throws something that is no InputError.
    const idle = { information: { unitRoundoff: 2 ** -53 }, settle: undefined } as unknown as Engine;
    let good: StoredMultipliers;
    beforeAll(async () => {
      good = (await bound(network, { engine, lower: false, method: 'refined', evaluations: 2 })).multipliers!;
    });
    const attempt = (multipliers: unknown, method?: 'closed-form' | 'unrolled') =>
      bound(network, {
        ...{ engine: idle, multipliers: multipliers as StoredMultipliers },
        ...(method ? { method } : {}),
      });

    it('but not those that fit', async () => {
      await expect(attempt(good)).rejects.not.toThrow(InputError);
    });

    it.each([
      ['no object', () => 3, /must be an object/],
      ['null', () => null, /must be an object/],
      ['another version', () => ({ ...good, version: 1 }), /version 2, got 1/],
      ['a member too many', () => ({ ...good, more: 1 }), /must be an object with version/],
      ['another network', () => ({ ...good, network: 'ab' }), /of another network/],
      ['another path', () => ({ ...good, path: 'other' }), /torus or unrolled/],
      ['a path that is not taken', () => ({ ...good, path: 'unrolled' }), /path unrolled, which/],
      ['layers that are none', () => ({ ...good, layers: {} }), /layers must be an array/],
      ['a layer too few', () => ({ ...good, layers: good.layers.slice(1) }), /2 nonlinear layers, got 1/],
      ['layers in another order', () => ({ ...good, layers: good.layers.toReversed() }), /layer 0 is relu_2/],
      [
        'a number too many',
        () => ({ ...good, layers: good.layers.map((l) => ({ ...l, theta: [...l.theta, 0] })) }),
        /layer 0 is relu_2 and takes 5 numbers, got 6 for relu_2/,
      ],
      [
        'what is no number',
        () => ({ ...good, layers: good.layers.map((l) => ({ ...l, theta: l.theta.map(() => Number.NaN) })) }),
        /theta numbers from -700 to 700/,
      ],
      [
        'a name that is none',
        () => ({ ...good, layers: good.layers.map((l) => ({ ...l, name: 3 })) }),
        /must have a name/,
      ],
    ])('%s', async (_, make, why) => {
      const error = await attempt(make()).catch((e) => e);
      expect(error).toBeInstanceOf(InputError);
      expect(error.message).toMatch(why);
    });

    it('where nothing searches', async () => {
      await expect(attempt(good, 'closed-form')).rejects.toThrow(
        /a search starts from them, got the method closed-form/,
      );
    });
  });
});
