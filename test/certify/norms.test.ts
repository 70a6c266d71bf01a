/** Balls in ℓ∞: margins hold in the whole box, radii are at least those of CROWN, attacks keep to the box. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Attack } from '../../src/certify/attack/attack.ts';
import { distanceAbove } from '../../src/certify/attack/ball.ts';
import { certifySamples, localBound } from '../../src/certify/certify.ts';
import { createRegionProver } from '../../src/certify/proofs/regionProver.ts';
import type { SampleReport } from '../../src/certify/report.ts';
import { ellipsoidAround, extentOf, slackOfBox } from '../../src/ellipsoid/region/limits.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../src/network/network.ts';
import { product } from '../../src/network/size.ts';
import { crownCertifies, crownRadius, layersOf } from '../support/crown.ts';
import { FAMILIES } from '../support/families.ts';
import { jacobian } from '../support/forward.ts';
import { length, matrixNorm } from '../support/normSlopes.ts';
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

/** Points of a box: corners, points on faces and within. */
function pointsIn(
  centre: Float64Array,
  radius: number,
  limits: { low: number; high: number } | undefined,
  random: Random,
  count: number,
): Float64Array[] {
  return Array.from({ length: count }, (_, k) =>
    centre.map((c) => {
      const t =
        k % 2 === 0 || random.uniform() < 0.7 ? (random.uniform() < 0.5 ? -1 : 1) : random.between(-1, 1);
      const x = c + t * radius * (1 - 1e-12);
      return limits ? Math.min(Math.max(x, limits.low), limits.high) : x;
    }),
  );
}

function labelOf(values: Float64Array): number {
  return values.indexOf(Math.max(...values));
}

/** Without the softmax at its end, which provers leave off. */
function withoutSoftmax(network: Network): Network {
  const last = network.nodes.find(({ output }) => output === network.output);
  return last?.operator.kind === 'softmax' ? { ...network, output: last.inputs[0]! } : network;
}

const NAMES = [
  'multilayer perceptrons',
  'residual perceptrons',
  'one-dimensional convolutions',
  'pooling',
] as const;

describe.each(NAMES)('boxes around inputs of %s', (name) => {
  it('hold the margins that are proven', { timeout: patience() }, async () => {
    let certified = 0;
    await fc.assert(
      fc.asyncProperty(
        FAMILIES[name],
        fc.constantFrom(1e-4, 0.02, 0.2, 1),
        fc.nat(),
        async (plan, radius, seed) => {
          const whole = networkOf(plan);
          const network = withoutSoftmax(whole);
          const random = new Random(seed);
          const centre = random.normals(product(network.tensors[network.input]!.shape));
          const limits =
            random.uniform() < 0.4 ? { low: Math.min(...centre), high: Math.max(...centre) } : undefined;
          const prover = await createRegionProver(whole, { engine });
          const values = evaluate(network, centre);
          const label = labelOf(values);
          const question = { centre, label, radius, norm: 'inf' as const, ...(limits && { limits }) };
          const [answer] = await prover.prove([question], { evaluations: 8 });
          prover.close();
          if (answer!.certified) certified++;
          const size = 1 + Math.max(...values.map(Math.abs));
          for (const x of pointsIn(centre, radius, limits, random, 60)) {
            const own = evaluate(network, x);
            for (const [j, margin] of answer!.margins.entries()) {
              expect(margin).not.toBeNaN();
              if (j !== label) expect(margin).toBeLessThanOrEqual(own[label]! - own[j]! + NOISE * size);
            }
          }
        },
      ),
      { numRuns: runs(12) },
    );
    expect(certified).toBeGreaterThan(0);
  });
});

describe.each(NAMES)('local bounds of %s in boxes', (name) => {
  it('hold in every pair of norms', { timeout: patience() }, async () => {
    const kinds = fc.constantFrom('anchored' as const, 'incremental' as const);
    const outputs = fc.constantFrom('2' as const, 'inf' as const, '1' as const);
    await fc.assert(
      fc.asyncProperty(
        FAMILIES[name],
        kinds,
        outputs,
        fc.constantFrom(0.05, 0.5, 2),
        fc.nat(),
        async (plan, kind, output, radius, seed) => {
          const network = networkOf(plan);
          const random = new Random(seed);
          const centre = random.normals(product(network.tensors[network.input]!.shape));
          const limits =
            random.uniform() < 0.4 ? { low: Math.min(...centre), high: Math.max(...centre) } : undefined;
          const options = {
            engine,
            norm: 'inf' as const,
            outputNorm: output,
            ...(limits && { domain: limits }),
          };
          const bound = await localBound(network, centre, radius, {
            kind,
            evaluations: 4,
            ...options,
          });
          const whole = await localBound(network, centre, Infinity, {
            kind,
            method: 'closed-form',
            engine,
            norm: 'inf',
            outputNorm: output,
          });
          expect(bound).toBeLessThanOrEqual(whole * (1 + 1e-9));
          const points = pointsIn(centre, radius, limits, random, 24);
          const values = points.map((x) => evaluate(network, x));
          const middle = evaluate(network, centre);
          const size = NOISE * (1 + Math.max(...middle.map(Math.abs)));
          for (const [k, x] of points.entries()) {
            const [from, at] =
              kind === 'anchored'
                ? [centre, middle]
                : [points[(k + 1) % points.length]!, values[(k + 1) % points.length]!];
            const step = Math.max(...x.map((v, i) => Math.abs(v - from[i]!)));
            expect(
              length(
                values[k]!.map((v, i) => v - at[i]!),
                output,
              ),
            ).toBeLessThanOrEqual(bound * step + size);
            if (kind === 'anchored') continue;
            const slope = matrixNorm(jacobian(network, x), x.length, { input: 'inf', output }, random);
            expect(slope).toBeLessThanOrEqual(bound * (1 + NOISE) + NOISE);
          }
        },
      ),
      { numRuns: runs(6) },
    );
  });
});

describe('local bounds', () => {
  it('of linear networks to ℓ∞ are exact for one output', async () => {
    const network = NetworkBuilder.fromDense([{ weight: [[1, -2, 0.5]], bias: [1] }]);
    const bound = await localBound(network, new Float64Array(3), 1, {
      kind: 'incremental',
      method: 'closed-form',
      engine,
      norm: 'inf',
      outputNorm: 'inf',
    });
    expect(bound).toBeGreaterThanOrEqual(3.5);
    expect(bound).toBeLessThan(3.5 * (1 + 1e-9));
  });

  it('know no norm 1 of inputs', async () => {
    const network = perceptron([2, 3, 2], 1);
    const options = { engine, norm: '1' } as unknown as { engine: Engine };
    await expect(
      localBound(network, new Float64Array(2), 1, { kind: 'anchored', method: 'closed-form', ...options }),
    ).rejects.toThrow('one of 2, inf in a region');
  });
});

function perceptron(sizes: readonly number[], seed: number): Network {
  const random = new Random(seed);
  return NetworkBuilder.fromDense(
    sizes.slice(1).map((outputs, k) => ({
      weight: random.normals(outputs * sizes[k]!, 1.4 / Math.sqrt(sizes[k]!)),
      bias: random.normals(outputs, 0.2),
      ...(k < sizes.length - 2 && { activation: 'relu' as const }),
    })),
  );
}

async function certifies(
  network: Network,
  centre: Float64Array,
  label: number,
  radius: number,
  evaluations: number,
): Promise<boolean> {
  const prover = await createRegionProver(network, { engine });
  const [answer] = await prover.prove([{ centre, label, radius, norm: 'inf' }], { evaluations });
  prover.close();
  return answer!.certified;
}

describe('radii', () => {
  it('are those of CROWN and more', { timeout: patience() }, async () => {
    const mlp = await loadNetwork('examples/mlp.onnx');
    // In deeper ones with random weights CROWN has the better ranges at times.
    const shapes = [mlp, perceptron([6, 20, 20, 3], 1)];
    for (const network of shapes) {
      const layers = layersOf(network);
      const random = new Random(7);
      const inputs = product(network.tensors[network.input]!.shape);
      for (let k = 0; k < runs(3); k++) {
        const centre =
          network === mlp
            ? random.normals(inputs).map((v) => Math.min(Math.abs(v) / 2, 1))
            : random.normals(inputs);
        const label = labelOf(evaluate(network, centre));
        const radius = crownRadius(layers, centre, label, 1);
        expect(radius).toBeGreaterThan(0);
        expect(await certifies(network, centre, label, radius, 60)).toBe(true);
      }
    }
  });

  it('of a linear network are exact', async () => {
    const weight = Float64Array.of(1, -2, 0.5, -0.5, 1, 0);
    const network = NetworkBuilder.fromDense([{ weight, bias: [1, 0] }]);
    const centre = new Float64Array(3);
    // 1 − r (1.5 + 3 + 0.5) is the least margin.
    expect(await certifies(network, centre, 0, 0.2 - 1e-9, 0)).toBe(true);
    expect(await certifies(network, centre, 0, 0.2 + 1e-9, 60)).toBe(false);
  });

  it('come with counterexamples that keep to the box, and stay below them', {
    timeout: patience(),
  }, async () => {
    const network = perceptron([6, 20, 20, 3], 3);
    const random = new Random(4);
    const samples = Array.from({ length: 4 }, (_, index) => ({ index, input: random.normals(6) }));
    const reports: SampleReport[] = [];
    const points = new Map<number, Float64Array>();
    const options = {
      ...{ engine, norm: 'inf' as const, radii: [0.01, 0.05, 0.2], maxRadius: true, evaluations: 30 },
      onCounterexample: (index: number, point: Float64Array) => void points.set(index, point),
    };
    for await (const report of certifySamples(network, samples, options)) reports.push(report);
    for (const { index, radius, attack } of reports) {
      expect(radius).toBeGreaterThan(0);
      expect(radius).toBeLessThan(attack!);
      // Here the two come near each other.
      expect(radius! / attack!).toBeGreaterThan(0.5);
      expect(distanceAbove(points.get(index)!, samples[index]!.input, 'inf')).toBe(attack);
      const label = labelOf(evaluate(network, samples[index]!.input));
      expect(new Attack(network, undefined, 0).breaks(points.get(index)!, label)).toBe(true);
    }
    const largest = reports.map(({ radius }) => radius!);
    const euclidean: number[] = [];
    for await (const { radius } of certifySamples(network, samples, {
      ...options,
      norm: '2',
    }))
      euclidean.push(radius!);
    for (const [k, radius] of euclidean.entries()) {
      // The ball lies between the boxes of r / √6 and r.
      expect(largest[k]!).toBeLessThanOrEqual(1.1 * radius);
      expect(largest[k]!).toBeGreaterThan((0.9 * radius) / Math.sqrt(6));
    }
  });

  it('go with no certificates yet, and with two norms', async () => {
    const run = async (options: object) => {
      for await (const _ of certifySamples(perceptron([2, 3, 2], 1), [], options));
    };
    await expect(run({ engine, norm: 'inf', onProof: () => true })).rejects.toThrow('of ℓ2 balls');
    await expect(run({ engine, norm: '1' })).rejects.toThrow('one of 2, inf');
  });
});

describe('the ellipsoid around a box', () => {
  it('holds all corners, and is exact for its functional', () => {
    const random = new Random(1);
    for (let k = 0; k < 50; k++) {
      const widths = random.normals(7).map((w, i) => (i === k % 9 ? 0 : Math.abs(w)));
      const functional = k === 0 ? new Float64Array(7) : random.normals(7);
      const sigma = ellipsoidAround(widths, functional);
      const filled = widths.reduce((sum, w, i) => sum + (w > 0 ? w ** 2 / sigma[i]! : 0), 0);
      expect(filled).toBeLessThanOrEqual(1);
      expect(filled).toBeGreaterThan(1 - 1e-12);
      // A planted fault: what is smaller does not hold them.
      expect(
        widths.reduce((sum, w, i) => sum + (w > 0 ? w ** 2 / (sigma[i]! * (1 - 1e-9)) : 0), 0),
      ).toBeGreaterThan(1);
      if (k === 0) continue;
      const exact = functional.reduce((sum, g, i) => sum + Math.abs(g) * widths[i]!, 0);
      const value = Math.sqrt(functional.reduce((sum, g, i) => sum + g * g * sigma[i]!, 0));
      expect(value / exact).toBeGreaterThan(1 - 1e-12);
      // Small entries are given a little more than their share.
      expect(value / exact).toBeLessThan(1.02);
    }
  });

  it('knows how far limits let a box go', () => {
    const slack = slackOfBox(Float64Array.of(0, 1, 0.5), 0.25, { low: 0, high: 1 });
    expect([...slack.low]).toEqual([0, 0.25, 0.25].map((v) => (v === 0 ? 0 : expect.closeTo(v, 12))));
    expect(extentOf(slack).corner).toBeCloseTo(0.25 * Math.sqrt(3), 12);
  });
});

it('CROWN is a referee: it certifies nothing that an attack breaks, and a linear network exactly', async () => {
  const network = perceptron([5, 16, 16, 3], 9);
  const layers = layersOf(network);
  const random = new Random(3);
  const attack = new Attack(network, undefined, 0, undefined, 'inf');
  for (let k = 0; k < 5; k++) {
    const centre = random.normals(5);
    const label = labelOf(evaluate(network, centre));
    const radius = crownRadius(layers, centre, label, 1);
    expect(await attack.within(centre, label, radius, { starts: 8, steps: 40 })).toBeUndefined();
    const nearest = await attack.nearest(centre, label, { starts: 8, steps: 40 });
    expect(nearest!.distance / radius).toBeLessThan(4);
  }
  const linear = NetworkBuilder.fromDense([
    {
      weight: [
        [1, -2, 0.5],
        [-0.5, 1, 0],
      ],
      bias: [1, 0],
    },
  ]);
  expect(crownCertifies(layersOf(linear), new Float64Array(3), 0, 0.1999)).toBe(true);
  expect(crownCertifies(layersOf(linear), new Float64Array(3), 0, 0.2001)).toBe(false);
});
