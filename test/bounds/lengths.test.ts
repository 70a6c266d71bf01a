/** Which lengths a bound for any length is one for: down to a single sample, and what is said of those where there is no network. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import type { BoundOptions } from '../../src/bounds/result.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { existingLength, resized, shapesAt } from '../../src/network/lengths/lengths.ts';
import type { Network } from '../../src/network/network.ts';
import type { Operator } from '../../src/network/operator.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { Random } from '../support/random.ts';
import {
  averagePool,
  type Body,
  chain,
  convolution,
  family,
  MEAN,
  RELU,
  SIGNAL_FAMILIES,
} from '../support/signals.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const LONGEST = 40;
const FILE = 24;
const OPTIONS: BoundOptions = { length: 'any', rule: 'SN(1)' };

const transposed = (random: Random, cut: number, more: number): Operator => ({
  ...{ kind: 'transposed-convolution', outputs: 2, inputs: 2, groups: 1, kernel: [4], stride: [2] },
  ...{ dilation: [1], before: [cut], after: [cut], outputPadding: [more], weight: random.normals(16) },
});

/** Where borders count most, and lengths at which there is no network. */
const FAMILIES: Readonly<Record<string, (length: number) => Network>> = {
  ...SIGNAL_FAMILIES,
  'averages that leave padding out': family(
    21,
    chain((r) => [
      averagePool(3, 2, 1),
      convolution(r, 2, 2, 2, { before: 1, after: 0 }),
      averagePool(4, 3, 2),
    ]),
  ),
  'long kernels without padding': family(
    22,
    chain((r) => [
      convolution(r, 2, 2, 9, { before: 0, after: 0 }),
      RELU,
      convolution(r, 2, 2, 3, { before: 0, after: 0, dilation: 4, stride: 3 }),
    ]),
  ),
  'circular, even kernels, wrapping round more than once': family(
    23,
    chain((r) => [
      convolution(r, 3, 2, 8, { mode: 'circular', before: 7, after: 0 }),
      RELU,
      convolution(r, 2, 3, 4, { mode: 'circular', before: 1, after: 2 }),
    ]),
  ),
  'circular, a skip and a maximum over all': family(24, (b, input, r) => {
    const x = b.add('', convolution(r, 2, 2, 5, { mode: 'circular' }), [input]);
    const y = b.add('', { kind: 'add', coefficients: [1, -1] }, [input, b.add('', RELU, [x])]);
    return b.add('', { kind: 'global-max-pool' }, [y]);
  }),
  'up again, beside nothing': family(
    25,
    chain((r) => [
      convolution(r, 2, 2, 3, { stride: 2 }),
      RELU,
      transposed(r, 1, 0),
      RELU,
      transposed(r, 0, 1),
    ]),
  ),
  'down and up beside a skip': family(26, (b, input, r) => {
    const down = b.add('', convolution(r, 2, 2, 4, { stride: 2, before: 1, after: 1 }), [input]);
    const up = b.add('', transposed(r, 1, 0), [b.add('', RELU, [down])]);
    return b.add('', { kind: 'add', coefficients: [1, 1] }, [input, up]);
  }),
  'maxima over padding': family(
    27,
    chain((r) => [
      convolution(r, 2, 2, 3),
      { kind: 'max-pool', kernel: [3], stride: [2], dilation: [1], before: [1], after: [1] },
      convolution(r, 2, 2, 3),
    ]),
  ),
};

describe('a bound for any length', () => {
  it.each(Object.entries(FAMILIES))(
    'is above the slopes at every length, and at that of the file: %s',
    async (_, make) => {
      const network = make(FILE);
      const { bound: value, length, lower } = await bound(network, { engine, ...OPTIONS });
      const lengths = Array.from({ length: LONGEST }, (_, k) => k + 1).filter((n) => shapesAt(network, [n]));
      expect(lengths[0]).toBe(length!.exists);
      expect(lengths).toContain(FILE);
      let most = 0;
      for (const n of lengths) most = Math.max(most, sampledLowerBound(resized(network, [n]), 6, n));
      expect(most / value!).toBeLessThanOrEqual(1);
      expect(lower!.value! / value!).toBeLessThanOrEqual(1);
      // Its own search looks at several lengths; it finds most of what these forty have.
      expect(lower!.value! / most).toBeGreaterThan(0.8);
    },
  );

  it('of images, whose sides need not be alike', async () => {
    const random = new Random(5);
    const body: Body = (b, input) => {
      const operator: Operator = {
        ...{ kind: 'convolution', outputs: 2, inputs: 2, groups: 1, kernel: [3, 2], stride: [2, 1] },
        ...{ dilation: [1, 1], padding: { mode: 'zero', before: [1, 0], after: [1, 1] } },
        weight: random.normals(24),
      };
      return b.add('', RELU, [b.add('', operator, [input])]);
    };
    const builder = new NetworkBuilder('image');
    const network = builder.build(body(builder, builder.input('x', [2, 9, 7]), random));
    const { bound: value } = await bound(network, { engine, ...OPTIONS });
    for (const sides of [
      [1, 1],
      [1, 9],
      [2, 3],
      [5, 1],
      [9, 7],
      [8, 8],
      [12, 3],
    ]) {
      expect(sampledLowerBound(resized(network, sides), 6, 1)).toBeLessThanOrEqual(value!);
    }
  });

  it('from a smallest length on says so, whatever that is good for', async () => {
    const padded = family(
      28,
      chain(() => [averagePool(4, 1, 1)]),
    )(FILE);
    const all = await bound(padded, { engine, ...OPTIONS });
    const some = await bound(padded, { engine, ...OPTIONS, smallestLength: 16 });
    expect(all.length!.smallest).toBeUndefined();
    // A window of four samples, three of which always count, against one that may hold a single one.
    expect(some.bound! / all.bound!).toBeCloseTo(1 / 3, 9);
    expect(some.length!.smallest).toBe(16);
    for (const n of [16, 17, 40])
      expect(sampledLowerBound(resized(padded, [n]), 6, n)).toBeLessThanOrEqual(some.bound!);
  });

  it('from a smallest length on needs a network there', async () => {
    const long = FAMILIES['long kernels without padding']!(FILE);
    await expect(bound(long, { engine, ...OPTIONS, smallestLength: 3 })).rejects.toThrow(
      /smallest length: .* it does from 17 on, got 3/,
    );
  });

  it('longer than the file is no contradiction to what the file has', async () => {
    const mean = family(
      29,
      chain(() => [MEAN]),
    )(4);
    const { bound: value, lower } = await bound(mean, { engine, ...OPTIONS, smallestLength: 100 });
    expect(value!).toBeCloseTo(0.1, 9);
    expect(lower!.value!).toBeCloseTo(0.1, 9);
    expect(lower!.sides).toEqual([100]);
  });

  it('has a lower bound from where it is found', async () => {
    const mean = family(
      30,
      chain(() => [MEAN]),
    )(64);
    const { lower } = await bound(mean, { engine, ...OPTIONS, smallestLength: 9 });
    expect(lower!.sides).toEqual([9]);
    expect(lower!.value!).toBeCloseTo(1 / 3, 6);
    const { lower: fixed } = await bound(mean, { engine, rule: 'SN(1)' });
    expect(fixed!.sides).toBeUndefined();
    expect(fixed!.value!).toBeCloseTo(1 / 8, 6);
  });

  it('is nowhere undercut on the way: neither the trace nor what is shown is a bound until it is', async () => {
    const network = SIGNAL_FAMILIES['residual stream']!(FILE);
    const shown: number[] = [];
    const { log10, trace } = await bound(network, {
      ...{ engine, length: 'any', lower: false, evaluations: 30 },
      onProgress: (progress) => {
        if (progress.log10 !== undefined) shown.push(progress.log10);
      },
    });
    expect(trace!.length).toBeGreaterThan(5);
    expect(trace!.every(({ estimate }) => estimate)).toBe(true);
    expect(Math.min(...trace!.map((point) => point.log10))).toBeLessThan(log10!);
    expect(shown.length).toBeGreaterThan(0);
    expect(Math.min(...shown)).toBeGreaterThanOrEqual(log10!);
  });

  it('of an interrupted search is what was proven before it', async () => {
    const network = SIGNAL_FAMILIES['residual stream']!(FILE);
    const interruption = new AbortController();
    const { log10, methods, trace } = await bound(network, {
      ...{ engine, length: 'any', lower: false, interrupt: interruption.signal },
      onTrace: ({ evaluation }) => evaluation > 20 && interruption.abort(),
    });
    expect(methods.every(({ method }) => method === 'closed-form')).toBe(true);
    expect(Math.min(...trace!.map((point) => point.log10))).toBeLessThan(log10!);
    const whole = await bound(network, { engine, length: 'any', lower: false, method: 'closed-form' });
    expect(log10).toBe(whole.log10);
  });

  it('is refused where it exists at no length where a layer has two samples', async () => {
    const builder = new NetworkBuilder('one');
    const input = builder.input('x', [2, 3]);
    const only = builder.add('', { kind: 'reindex', permutation: [0, 1], shape: [6] }, [input]);
    await expect(bound(builder.build(only), { engine, ...OPTIONS })).rejects.toThrow(/flatten/);
    expect(existingLength(SIGNAL_FAMILIES.pooled!(FILE), 3)).toBe(4);
  });
});
