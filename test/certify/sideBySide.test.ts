/** Many points at a time give what each gives alone, and samples taken together lose nothing. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Group, groupsOf } from '../../src/certify/data/groups.ts';
import type { Sample } from '../../src/certify/data/samples.ts';
import { type Evaluator, oneByOne, sideBySide } from '../../src/certify/evaluation/sideBySide.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { PreparedNetwork } from '../../src/network/evaluation/preparedNetwork.ts';
import { ValueEnclosure } from '../../src/network/evaluation/valueEnclosure.ts';
import type { Network } from '../../src/network/network.ts';
import { FAMILIES } from '../support/families.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';
import { patience, runs } from '../support/runs.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

async function answers(network: Network, points: readonly Float64Array[], by: Evaluator) {
  const prepared = new PreparedNetwork(network);
  const enclosure = new ValueEnclosure(network);
  const at = await by.all(points.map((x) => prepared.linearising(x)));
  const seed = (x: Float64Array) => Math.floor(1e6 * Math.abs(x[0]!));
  const cotangents = at.map(({ value }, n) => new Random(seed(points[n]!)).normals(value.length));
  return {
    values: at.map(({ value }) => value),
    gradients: await by.all(at.map((one, n) => one.pulling(cotangents[n]!))),
    balls: await by.all(points.map((x) => enclosure.enclosing(x))),
  };
}

/** Rounding in another order. */
function near(a: Float64Array, b: Float64Array) {
  expect(a).toHaveLength(b.length);
  const size = Math.max(1e-300, ...b.map(Math.abs));
  for (const [n, value] of a.entries()) expect(Math.abs(value - b[n]!)).toBeLessThan(1e-11 * size);
}

describe.each(Object.entries(FAMILIES))('%s', (_, plans) => {
  it('gives values, gradients and enclosures as one by one', { timeout: patience() }, async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.integer({ min: 0, max: 2 ** 31 - 1 }), async (plan, seed) => {
        const network = networkOf(plan);
        const random = new Random(seed);
        const { inputs } = new PreparedNetwork(network);
        const points = Array.from({ length: 7 }, () => random.normals(inputs));
        const [alone, together] = [
          await answers(network, points, oneByOne),
          await answers(
            network,
            points,
            sideBySide(engine, undefined, () => true),
          ),
        ];
        for (const n of points.keys()) {
          near(together.values[n]!, alone.values[n]!);
          near(together.gradients[n]!, alone.gradients[n]!);
          const [one, other] = [alone.balls[n]!, together.balls[n]!];
          // Both hold the real value: they have points in common.
          for (const [i, middle] of one.middle.entries())
            expect(Math.abs(middle - other.middle[i]!)).toBeLessThanOrEqual(
              one.radius[i]! + other.radius[i]!,
            );
          near(other.radius, one.radius);
        }
      }),
      { numRuns: runs(4) },
    );
  });
});

describe('side by side', () => {
  it.each(['cpu-wasm', 'cpu-blas'] as const)(
    'gives each what it gives alone, to the last digit: %s',
    async (name) => {
      const builder = new NetworkBuilder('both');
      const random = new Random(3);
      const filters = { inputs: 3, outputs: 16, kernel: [3, 3], stride: [1, 1], dilation: [1, 1], groups: 1 };
      const convolved = builder.add(
        'conv',
        {
          kind: 'convolution',
          ...filters,
          padding: { mode: 'zero', before: [1, 1], after: [1, 1] },
          weight: random.normals(16 * 27),
        },
        [builder.input('x', [3, 12, 12])],
      );
      const flat = builder.add('flat', { kind: 'reindex', permutation: [0, 1, 2], shape: [16 * 144] }, [
        convolved,
      ]);
      const weight = random.normals(64 * 16 * 144);
      const network = builder.build(
        builder.add('fc', { kind: 'affine', inputs: 16 * 144, outputs: 64, weight }, [flat]),
      );
      const points = Array.from({ length: 37 }, () => random.normals(3 * 144));
      const many = await createEngine({ engine: name, threads: 2 });
      const together = await answers(network, points, sideBySide(many));
      for (const count of [1, 2, 5, 16]) {
        const first = 36 - count;
        const some = await answers(network, points.slice(first, first + count), sideBySide(many));
        const same = <T>(all: T[]) => all.slice(first, first + count);
        expect(some.values).toEqual(same(together.values));
        expect(some.gradients).toEqual(same(together.gradients));
        expect(some.balls).toEqual(same(together.balls));
      }
      await many.close();
    },
  );

  it('goes on with the others where numbers of one leave the range', async () => {
    const builder = new NetworkBuilder('sum');
    // So many that products of matrices are worth it.
    const weight = new Float64Array(3 * 20000).fill(1);
    const x = builder.input('x', [3]);
    const network = builder.build(
      builder.add('', { kind: 'affine', inputs: 3, outputs: 20000, weight }, [x]),
    );
    const points = [1, 1e308, 2, 3, 4].map((x) => Float64Array.of(x, x, x));
    const enclosure = new ValueEnclosure(network);
    const balls = await sideBySide(engine).all(points.map((x) => enclosure.enclosing(x)));
    expect(balls.map((ball) => ball !== undefined)).toEqual([true, false, true, true, true]);
  });
});

describe('groups', () => {
  const sample = (index: number): Sample => ({ index, input: new Float64Array(1), label: 0 });
  const all = async (samples: AsyncIterable<Sample> | Iterable<Sample>, size: number) => {
    const groups: Group[] = [];
    for await (const group of groupsOf(samples, () => size)) groups.push(group);
    return groups.map(({ samples: own, error }) => [own.map(({ index }) => index), error?.reason]);
  };

  it('are full but for the last', async () => {
    expect(await all([0, 1, 2, 3, 4].map(sample), 2)).toEqual([
      [[0, 1], undefined],
      [[2, 3], undefined],
      [[4], undefined],
    ]);
    expect(await all([0, 1].map(sample), 2)).toEqual([[[0, 1], undefined]]);
    expect(await all([], 2)).toEqual([]);
  });

  it('come before what is wrong behind them', async () => {
    const wrong = new Error('broken');
    const broken = async function* () {
      yield* [0, 1, 2].map(sample);
      throw wrong;
    };
    expect(await all(broken(), 2)).toEqual([
      [[0, 1], undefined],
      [[2], wrong],
    ]);
  });

  it('do not wait for what comes late, and close what they read', async () => {
    let closed = false;
    let release = () => {};
    const late = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = async function* () {
      try {
        yield sample(0);
        await late;
        yield sample(1);
        yield sample(2);
      } finally {
        closed = true;
      }
    };
    const groups: number[][] = [];
    for await (const { samples } of groupsOf(slow(), () => 9)) {
      groups.push(samples.map(({ index }) => index));
      release();
    }
    expect(groups).toEqual([[0], [1, 2]]);
    expect(closed).toBe(true);
  });
});
