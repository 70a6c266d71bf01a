/** The pass by factors is the pass by whole covariances, which shares neither its elimination nor its products. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Algebra } from '../../../src/ellipsoid/region/algebra.ts';
import { anchoredPass, PreparedChain } from '../../../src/ellipsoid/region/anchoredPass.ts';
import { chainOf } from '../../../src/ellipsoid/region/chain.ts';
import { covarianceOfInputs } from '../../../src/ellipsoid/region/covariance.ts';
import { FactoredPass } from '../../../src/ellipsoid/region/factored/factoredPass.ts';
import { largestDifference, rangeOf, startOf } from '../../../src/ellipsoid/region/state.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { NetworkBuilder } from '../../../src/network/builder.ts';
import type { Elementwise } from '../../../src/network/elementwise/elementwise.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../../src/network/network.ts';
import { Random } from '../../support/random.ts';
import { runs } from '../../support/runs.ts';

let engine: Engine;
let algebra: Algebra;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  algebra = new Algebra(engine);
});
afterAll(() => engine.close());

type Middle = 'pool' | 'overlapping pool' | 'pointwise' | 'convolution' | 'affine';

/** Images [1, 6, 6], four channels, and what comes behind their function. */
function networkOf(random: Random, f: Elementwise, middle: Middle): Network {
  const builder = new NetworkBuilder('wide');
  const convolution = (inputs: number, outputs: number, side: 1 | 3) => ({
    kind: 'convolution' as const,
    ...{ inputs, outputs, groups: 1, kernel: [side, side], stride: [1, 1], dilation: [1, 1] },
    padding: {
      before: [(side - 1) / 2, (side - 1) / 2],
      after: [(side - 1) / 2, (side - 1) / 2],
      mode: 'zero' as const,
    },
    weight: random.normals(outputs * inputs * side * side).map((w) => w / side),
    bias: random.normals(outputs).map((b) => 0.3 * b),
  });
  const apply = (tensor: number) => builder.add('', { kind: 'nonlinearity', function: f }, [tensor]);
  let tensor = apply(builder.add('', convolution(1, 4, 3), [builder.input('x', [1, 6, 6])]));
  let channels = 4;
  let image = 36;
  if (middle === 'pool' || middle === 'overlapping pool') {
    const kernel = middle === 'pool' ? [2, 2] : [3, 3];
    const maximum = { kind: 'max-pool' as const, kernel, stride: [2, 2], dilation: [1, 1] };
    const before = middle === 'pool' ? [0, 0] : [1, 1];
    tensor = builder.add('', { ...maximum, before, after: [0, 0] }, [tensor]);
    image = 9;
  }
  if (middle === 'pool' || middle === 'convolution') {
    tensor = apply(builder.add('', convolution(4, 3, 3), [tensor]));
    channels = 3;
  }
  if (middle === 'pointwise') tensor = apply(builder.add('', convolution(4, 4, 1), [tensor]));
  const inputs = channels * image;
  tensor = builder.add('', { kind: 'reindex', shape: [inputs], permutation: [0, 1, 2] }, [tensor]);
  const weight = random.normals(4 * inputs).map((w) => w / Math.sqrt(inputs));
  const bias = random.normals(4);
  return builder.build(builder.add('', { kind: 'affine', inputs, outputs: 4, weight, bias }, [tensor]));
}

async function prepared(network: Network) {
  const chain = new PreparedChain(chainOf(network));
  const covariance = await covarianceOfInputs(algebra, chain.first);
  const factored = await FactoredPass.prepare(algebra, chain, covariance);
  return { chain, covariance, factored: factored! };
}

/** By factors, and by whole covariances. */
async function both(network: Network, centre: Float64Array, radius: number) {
  const { chain, covariance, factored } = await prepared(network);
  const level = radius * radius * (1 + 2 ** -50);
  const begun = (await factored.run(algebra, centre, level))!;
  const quick = (await anchoredPass(algebra, chain, begun.state, undefined, begun.stages))!;
  const start = startOf(chain.first, covariance, centre, new Float64Array(centre.length), level);
  const whole = (await anchoredPass(algebra, chain, start))!;
  return { quick, whole, begun, chain: chain.chain };
}

const CASES: readonly (readonly [Middle, Elementwise, stages: number])[] = [
  // Four in a window: two rounds.
  ['pool', { name: 'relu' }, 3],
  ['pool', { name: 'tanh' }, 3],
  // Windows that have entries in common hold all others together.
  ['overlapping pool', { name: 'relu' }, 1],
  // The channels of a pixel.
  ['pointwise', { name: 'relu' }, 2],
  ['pointwise', { name: 'tanh' }, 2],
  ['convolution', { name: 'relu' }, 1],
  ['convolution', { name: 'sigmoid' }, 1],
  ['affine', { name: 'relu' }, 1],
];

describe.each(CASES)('%s, %o', (middle, f, stages) => {
  it('says what the pass by whole covariances says', async () => {
    const random = new Random(71);
    for (let run = 0; run < runs(6); run++) {
      const network = networkOf(random, f, middle);
      const centre = random.normals(36);
      const radius = [0.03, 0.3, 1][run % 3]!;
      const { quick, whole, begun, chain } = await both(network, centre, radius);
      expect(begun.stages).toHaveLength(stages);
      expect(quick.stages).toHaveLength(chain.stages.length);
      const near = (a: number, b: number) => expect(Math.abs(a - b)).toBeLessThan(1e-7 * (1 + Math.abs(b)));
      for (const [k, stage] of quick.stages.entries()) {
        const other = whole.stages[k]!;
        expect(stage.anchor).toEqual(other.anchor);
        expect(stage.sectors.uncertain).toEqual(other.sectors.uncertain);
        for (const { start, size, function: applied } of chain.stages[k]!.blocks) {
          for (let i = start; applied && i < start + size; i++) {
            near(stage.low[i]!, other.low[i]!);
            near(stage.high[i]!, other.high[i]!);
          }
        }
        for (const name of ['middle', 'multipliers', 'spread'] as const)
          for (const [i, value] of stage.sectors[name].entries()) near(value, other.sectors[name][i]!);
      }
      for (let i = 0; i < 4; i++)
        for (let j = 0; j < 4; j++)
          near(largestDifference(quick.output, i, j), largestDifference(whole.output, i, j));
    }
  });

  it('holds at the points of the ball', async () => {
    const random = new Random(72);
    for (let run = 0; run < runs(4); run++) {
      const network = networkOf(random, f, middle);
      const centre = random.normals(36);
      const { quick } = await both(network, centre, 0.7);
      for (let point = 0; point < 30; point++) {
        const direction = random.normals(36);
        const length = Math.hypot(...direction);
        const y = evaluate(
          network,
          centre.map((c, n) => c + (0.7 * (1 - 1e-12) * direction[n]!) / length),
        );
        for (let i = 0; i < 4; i++) {
          const [low, high] = rangeOf(quick.output, i);
          expect(y[i]!).toBeGreaterThan(low);
          expect(y[i]!).toBeLessThan(high);
        }
      }
    }
  });
});

describe('where there is nothing to be gained', () => {
  it('there are no factors', async () => {
    const builder = new NetworkBuilder('dense');
    const random = new Random(73);
    const affine = (inputs: number, outputs: number, tensor: number) =>
      builder.add('', { kind: 'affine', inputs, outputs, weight: random.normals(inputs * outputs) }, [
        tensor,
      ]);
    const hidden = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [
      affine(3, 20, builder.input('x', [3])),
    ]);
    expect((await prepared(builder.build(affine(20, 2, hidden)))).factored).toBeUndefined();
  });
});

describe('rounding', () => {
  // 321 · 28059810762433 = 2^53 + 1, of which float64 keeps 2^53: behind the second convolution is x, and 0 as it is computed. All anchors
  // are 0, so that nothing else makes room for it.
  it.each([1, 2])('counts where rows cancel, behind %i stages', async (count) => {
    const builder = new NetworkBuilder('cancelling');
    const convolution = (inputs: number, outputs: number, weight: number[]) => ({
      kind: 'convolution' as const,
      ...{ inputs, outputs, groups: 1, kernel: [1, 1], stride: [1, 1], dilation: [1, 1] },
      padding: { before: [0, 0], after: [0, 0], mode: 'zero' as const },
      weight: Float64Array.from(weight),
    });
    const clipped = (tensor: number) =>
      builder.add('', { kind: 'nonlinearity', function: { name: 'clip', min: -(2 ** 60), max: 2 ** 60 } }, [
        tensor,
      ]);
    let tensor = clipped(
      builder.add('', convolution(1, 2, [28059810762433, 1]), [builder.input('x', [1, 2, 2])]),
    );
    if (count === 2) tensor = clipped(builder.add('', convolution(2, 2, [1, 0, 0, 1]), [tensor]));
    tensor = clipped(builder.add('', convolution(2, 1, [321, -(2 ** 53)]), [tensor]));
    tensor = builder.add('', { kind: 'reindex', shape: [4], permutation: [0, 1, 2] }, [tensor]);
    const { factored } = await prepared(builder.build(tensor));
    const { stages, state } = (await factored.run(algebra, new Float64Array(4), 1))!;
    // The cancelling one comes behind the last of them, or is gone through as well.
    expect(stages.length).toBeGreaterThanOrEqual(count);
    expect(rangeOf(state, 0)[1]).toBeGreaterThanOrEqual(1);
  });
});
