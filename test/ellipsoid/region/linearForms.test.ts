/** What a region says of the arguments of functions: no point of it leaves the ranges, and these are what can be worked out by hand. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Algebra } from '../../../src/ellipsoid/region/algebra.ts';
import { PreparedChain } from '../../../src/ellipsoid/region/anchoredPass.ts';
import { chainOf } from '../../../src/ellipsoid/region/chain.ts';
import { farthest, slackOf } from '../../../src/ellipsoid/region/limits.ts';
import { LinearForms } from '../../../src/ellipsoid/region/linearForms.ts';
import type { Ranges } from '../../../src/ellipsoid/region/ranges.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { NetworkBuilder } from '../../../src/network/builder.ts';
import type { Elementwise } from '../../../src/network/elementwise/elementwise.ts';
import type { Network } from '../../../src/network/network.ts';
import { product } from '../../../src/network/size.ts';
import { type Ball, startsIn } from '../../support/ball.ts';
import { ANY_FUNCTION, FAMILIES, plans } from '../../support/families.ts';
import { Random } from '../../support/random.ts';
import { networkOf } from '../../support/randomNetwork.ts';
import { patience, runs } from '../../support/runs.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

/** Ranges in front of every stage, by forms alone. */
async function rangesOf(network: Network, { centre, radius, limits }: Ball): Promise<Ranges[]> {
  const prepared = new PreparedChain(chainOf(network));
  const slack = limits && slackOf(centre, radius, limits);
  const region = { centre, radius, ...(slack && { slack }) };
  const forms = await LinearForms.start(new Algebra(engine), prepared, region);
  const all: Ranges[] = [];
  for (let k = 0; k < prepared.chain.stages.length; k++) {
    const ranges = forms.ranges();
    all.push(ranges);
    if (k + 1 < prepared.chain.stages.length) await forms.pass(k, ranges);
  }
  return all;
}

/** The arguments in front of every stage at a point. */
function argumentsAt(prepared: PreparedChain, x: Float64Array): Float64Array[] {
  const all: Float64Array[] = [];
  let ball = prepared.first.enclose({ middle: x, radius: new Float64Array(x.length) });
  for (let k = 0; k < prepared.chain.stages.length; k++) {
    all.push(ball.middle);
    const exactly = { middle: ball.middle, radius: new Float64Array(ball.middle.length) };
    ball = prepared.after(k).enclose(prepared.values(k, exactly));
  }
  return all;
}

/** What rounding of plain evaluation may be off by, and that of points on the edge of a region. */
const NOISE = 1e-9;

const deep = plans({
  axes: 0,
  layers: fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('affine' as const), outputs: fc.integer({ min: 2, max: 5 }) }),
      fc.record({ kind: fc.constant('nonlinearity' as const), function: ANY_FUNCTION }),
    ),
    { minLength: 8, maxLength: 14 },
  ),
});

describe.each(Object.entries({ ...FAMILIES, 'deep perceptrons': deep }))('%s', (name, family) => {
  it('keep to their ranges', { timeout: patience() }, async () => {
    const width = fc.constantFrom(1e-6, 0.1, 1, 4);
    await fc.assert(
      fc.asyncProperty(family, width, fc.integer({ min: 0, max: 2 ** 31 - 1 }), async (plan, size, seed) => {
        const network = networkOf(plan);
        const random = new Random(seed);
        const entries = product(network.tensors[network.input]!.shape);
        const low = random.normal();
        const limits = { low, high: low + size };
        const centre = new Float64Array(entries).map(() => random.between(limits.low, limits.high));
        const radius = size * Math.sqrt(entries) * random.between(0.2, 1.2);
        const ball = random.uniform() < 0.3 ? { centre, radius } : { centre, radius, limits };
        const ranges = await rangesOf(network, ball);
        const prepared = new PreparedChain(chainOf(network));
        const corners = Array.from({ length: 6 }, () =>
          centre.map(() => (random.uniform() < 0.5 ? limits.low : limits.high)),
        ).filter((x) => Math.hypot(...x.map((v, i) => v - centre[i]!)) <= radius);
        for (const x of [centre, ...corners, ...startsIn(ball, random, 4)]) {
          for (const [k, values] of argumentsAt(prepared, x).entries()) {
            const { low: least, high: most } = ranges[k]!;
            for (const [i, value] of values.entries()) {
              const noise = NOISE * (1 + Math.abs(value));
              expect(value).toBeGreaterThanOrEqual(least[i]! - noise);
              expect(value).toBeLessThanOrEqual(most[i]! + noise);
            }
          }
        }
      }),
      // Deep ones are small, and they alone drop additions.
      { numRuns: runs(name === 'deep perceptrons' ? 60 : 8) },
    );
  });
});

/** Rows of weights and a bias each, with functions between them. */
function layers(f: Elementwise, ...all: readonly (readonly (readonly number[])[])[]): Network {
  const builder = new NetworkBuilder('layers');
  let inputs = all[0]![0]!.length - 1;
  let x = builder.input('x', [inputs]);
  for (const rows of all) {
    const weight = Float64Array.from(rows.flatMap((row) => row.slice(0, -1)));
    const bias = Float64Array.from(rows, (row) => row.at(-1)!);
    x = builder.add('', { kind: 'affine', inputs, outputs: rows.length, weight, bias }, [x]);
    x = builder.add('', { kind: 'nonlinearity', function: f }, [x]);
    inputs = rows.length;
  }
  return builder.build(x);
}

describe('ranges in a box', () => {
  const relu = { name: 'relu' } as const;
  const around = (low: number, high: number, entries: number): Ball => {
    const centre = new Float64Array(entries).fill((low + high) / 2);
    return { centre, radius: ((high - low) / 2) * Math.sqrt(entries) * (1 + 1e-9), limits: { low, high } };
  };
  const close = (value: number, exact: number) => expect(Math.abs(value - exact)).toBeLessThanOrEqual(1e-6);

  it('are exact in front of the first functions', async () => {
    const [first] = await rangesOf(layers(relu, [[1, -2, 0.5, 1]]), around(-1, 1, 3));
    close(first!.low[0]!, -2.5);
    close(first!.high[0]!, 4.5);
  });

  it('are exact in a ball', async () => {
    const ball = { centre: Float64Array.of(1, 2), radius: 0.5 };
    const [first] = await rangesOf(layers(relu, [[3, -4, 1]]), ball);
    close(first!.low[0]!, -4 - 2.5);
    close(first!.high[0]!, -4 + 2.5);
  });

  it('keep to the images of functions', async () => {
    const [, relus] = await rangesOf(layers(relu, [[1, 0]], [[1, 0]]), around(-1, 2, 1));
    close(relus!.low[0]!, 0);
    close(relus!.high[0]!, 2);
    const [, tanhs] = await rangesOf(layers({ name: 'tanh' }, [[1, 0]], [[1, 0]]), around(-3, 2, 1));
    close(tanhs!.low[0]!, Math.tanh(-3));
    close(tanhs!.high[0]!, Math.tanh(2));
  });

  it('know what linear neurons have in common', async () => {
    const [, second] = await rangesOf(
      layers(
        relu,
        [
          [1, 3],
          [1, 3.5],
        ],
        [[1, -1, 0]],
      ),
      around(-1, 1, 1),
    );
    close(second!.low[0]!, -0.5);
    close(second!.high[0]!, -0.5);
  });

  it('know what functions have in common behind the next ones', async () => {
    // relu(x) twice, through neurons that are linear, and their difference.
    const network = layers(
      relu,
      [[1, 0]],
      [
        [1, 5],
        [1, 6],
      ],
      [[1, -1, 0]],
    );
    const [, , third] = await rangesOf(network, around(-1, 1, 1));
    close(third!.low[0]!, -1);
    close(third!.high[0]!, -1);
  });

  it('are of one piece where limits are far apart', async () => {
    const far = { low: -1e300, high: 1e300 };
    const ball = { centre: new Float64Array(2), radius: 1e300, limits: far };
    const all = await rangesOf(
      layers(
        { name: 'tanh' },
        [
          [1, 1, 0],
          [1, 2, 0],
        ],
        [[1, 1, 0]],
      ),
      ball,
    );
    for (const { low, high } of all) {
      expect(low[0]!).not.toBeGreaterThan(-1);
      expect(high[0]!).not.toBeLessThan(1);
    }
  });
});

describe('weights whose squares are too small for float64', () => {
  it('still move what they are multiplied with', () => {
    const slack = { low: Float64Array.of(1, 1), high: Float64Array.of(1, 2) };
    const reach = farthest(Int32Array.of(0, 1), Float64Array.of(1e-170, 1e-170), 1, 2, slack);
    expect(reach).toBeGreaterThanOrEqual(3e-170);
  });
});

describe('numbers that float64 hardly has', () => {
  const affine = (weight: number) =>
    ({ kind: 'affine', inputs: 1, outputs: 1, weight: Float64Array.of(weight) }) as const;

  it('are not lost in columns of linear parts of several steps', async () => {
    const builder = new NetworkBuilder('columns');
    let x = builder.add('', affine(2 ** 110), [builder.input('x', [1])]);
    x = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
    for (const e of [-540, -540, 540, 540]) x = builder.add('', affine(2 ** e), [x]);
    x = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
    const [, second] = await rangesOf(builder.build(x), { centre: Float64Array.of(0), radius: 1 });
    expect(second!.high[0]!).toBeGreaterThanOrEqual(2 ** 110);
  });

  it('are steps that functions make between arguments that are far apart', async () => {
    const builder = new NetworkBuilder('step');
    let x = builder.add('', affine(1e100), [builder.input('x', [1])]);
    x = builder.add('', { kind: 'nonlinearity', function: { name: 'clip', min: 0, max: 1e-240 } }, [x]);
    x = builder.add('', affine(1e240), [x]);
    x = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
    const [, second] = await rangesOf(builder.build(x), { centre: Float64Array.of(-0.5), radius: 1 });
    expect(second!.high[0]!).toBeGreaterThanOrEqual(1 - 1e-9);
  });
});
