/** What is proven holds for the network of real numbers where plain evaluation in float64 is wrong: integers too large for it, exactly. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localBound } from '../../src/certify/certify.ts';
import { createRegionProver } from '../../src/certify/proofs/regionProver.ts';
import { chainOf } from '../../src/ellipsoid/region/chain.ts';
import type { LinearPart } from '../../src/ellipsoid/region/linearPart.ts';
import { StageFunctions } from '../../src/ellipsoid/region/sectors.ts';
import { startOf } from '../../src/ellipsoid/region/state.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

interface Integers {
  readonly network: Network;
  /** The outputs at x, and the arguments of all ReLUs, exactly. */
  exactly(x: Float64Array): { outputs: bigint[]; arguments: bigint[] };
}

/** Layers of integers of up to `bits` bits with ReLUs between them. */
function integerNetwork(random: Random, sizes: readonly number[], bits: number): Integers {
  const whole = () => Math.trunc(random.between(-1, 1) * 2 ** bits);
  const builder = new NetworkBuilder('integers');
  let tensor = builder.input('x', [sizes[0]!]);
  const layers: { weight: Float64Array; bias: Float64Array }[] = [];
  for (const [k, outputs] of sizes.slice(1).entries()) {
    const inputs = sizes[k]!;
    const weight = Float64Array.from({ length: inputs * outputs }, whole);
    // Biases that nearly cancel what comes in, so that little is left of large numbers.
    const bias = Float64Array.from({ length: outputs }, whole);
    layers.push({ weight, bias });
    tensor = builder.add('', { kind: 'affine', inputs, outputs, weight, bias }, [tensor]);
    if (k + 2 < sizes.length)
      tensor = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [tensor]);
  }
  const exactly = (x: Float64Array) => {
    let h = Array.from(x, BigInt);
    const all: bigint[] = [];
    for (const [k, { weight, bias }] of layers.entries()) {
      const inputs = h;
      const y = Array.from(bias, (b, o) =>
        inputs.reduce((sum, v, i) => sum + v * BigInt(weight[o * inputs.length + i]!), BigInt(b)),
      );
      if (k + 1 === layers.length) return { outputs: y, arguments: all };
      all.push(...y);
      h = y.map((v) => (v > 0n ? v : 0n));
    }
    throw new Error('no layers');
  };
  return { network: builder.build(tensor), exactly };
}

describe('integers of more than 53 bits', () => {
  it('keep margins and enclosures', async () => {
    const random = new Random(1);
    for (let k = 0; k < runs(25); k++) {
      const { network, exactly } = integerNetwork(random, [3, 5, 5, 4], 22);
      const centre = Float64Array.from({ length: 3 }, () => random.integer(-(2 ** 22), 2 ** 22));
      const { outputs } = exactly(centre);
      const prover = await createRegionProver(network, { engine });
      const [enclosed] = await prover.evaluate([centre]);
      for (const [j, value] of outputs.entries()) {
        expect(BigInt(Math.floor(enclosed!.low[j]!)) <= value).toBe(true);
        expect(BigInt(Math.ceil(enclosed!.high[j]!)) >= value).toBe(true);
      }
      for (const label of [0, 1]) {
        for (const radius of [0, 1e-12, 1e-3]) {
          const [answer] = await prover.prove([{ centre, label, radius }], { evaluations: 4 });
          for (const [j, value] of outputs.entries()) {
            const margin = answer!.margins[j]!;
            if (j !== label && margin > -Infinity)
              expect(BigInt(Math.floor(margin)) <= outputs[label]! - value).toBe(true);
          }
        }
      }
    }
  });

  it('have local bounds of slopes at points where floats are on the wrong side', async () => {
    const random = new Random(2);
    let wrong = 0;
    for (let k = 0; k < runs(40); k++) {
      // One ReLU on a difference of products of 60 bits.
      const [a, b] = [random.integer(2 ** 29, 2 ** 30), random.integer(2 ** 29, 2 ** 30)];
      const x = Float64Array.of(b, a);
      // 8 a b − (8 b − 1) a − a = 0: what is left is the bias.
      const bias = random.integer(1, 40);
      const builder = new NetworkBuilder('one');
      const weight = Float64Array.of(a * 8, -b * 8 + 1);
      const y = builder.add(
        '',
        {
          kind: 'affine',
          inputs: 2,
          outputs: 1,
          weight,
          bias: Float64Array.of(bias - a),
        },
        [builder.input('x', [2])],
      );
      const network = builder.build(
        builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [y]),
      );
      const exact = BigInt(a * 8) * BigInt(b) + BigInt(-b * 8 + 1) * BigInt(a) + BigInt(bias - a);
      expect(exact).toBe(BigInt(bias));
      const computed = a * 8 * x[0]! + (-b * 8 + 1) * x[1]! + (bias - a);
      if (!(computed > 0)) wrong++;
      for (const kind of ['anchored', 'incremental'] as const) {
        const bound = await localBound(network, x, 1e-30, { kind, method: 'closed-form', engine });
        expect(bound).toBeGreaterThanOrEqual(Math.hypot(...weight) * (1 - 1e-12));
      }
    }
    expect(wrong).toBeGreaterThan(0);
  });
});

describe('neurons that hardly change sides', () => {
  it('have multipliers, however little they do', () => {
    const { stages } = chainOf(integerNetwork(new Random(3), [2, 3, 1], 4).network);
    const functions = new StageFunctions(stages[0]!);
    const of = (...values: number[]) => Float64Array.from(values);
    const { uncertain, middle } = functions.anchored(
      of(1, -1, 1),
      undefined,
      of(-1e-30, -2, 0),
      of(2, 1e-30, 2),
    );
    expect([...uncertain]).toEqual([0, 1]);
    expect(middle[2]).toBe(1);
    expect([...functions.incremental(of(-1e-30, -2, 0), of(2, 1e-30, 2)).uncertain]).toEqual([0, 1]);
  });
});

describe('anchors', () => {
  it('are enclosed with the linear part that makes them', async () => {
    const { network } = integerNetwork(new Random(4), [2, 3, 1], 30);
    const linear: LinearPart = chainOf(network).stages[0]!.linear;
    const centre = Float64Array.of(2 ** 30 + 1, 2 ** 30 - 1);
    const covariance = new Float64Array(9);
    const { covariance: widened } = startOf(linear, covariance, centre, new Float64Array(2), 1);
    const { radius } = linear.enclose({ middle: centre, radius: new Float64Array(2) });
    for (let i = 0; i < 3; i++) {
      expect(radius[i]!).toBeGreaterThan(0);
      // d² ≤ κ S with the share of the level that is set aside.
      expect(widened[i * 4]!).toBeGreaterThanOrEqual(radius[i]! ** 2);
    }
  });
});
