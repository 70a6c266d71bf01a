/** Where floating-point numbers end, and where order does: cases that were constructed against proofs around inputs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certifySamples, localBound } from '../../src/certify/certify.ts';
import type { RegionQuestion } from '../../src/certify/proofs/prover.ts';
import { createRegionProver } from '../../src/certify/proofs/regionProver.ts';
import type { SampleReport } from '../../src/certify/report.ts';
import { GlobalMargins } from '../../src/certify/stages/globalMargins.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';
import { ValueEnclosure } from '../../src/network/evaluation/valueEnclosure.ts';
import type { Network } from '../../src/network/network.ts';
import { Layers } from '../support/layers.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

const at = (...values: number[]) => Float64Array.from(values);

async function proves(network: Network, question: RegionQuestion): Promise<boolean> {
  const prover = await createRegionProver(network, { engine });
  const [answer] = await prover.prove([question], { evaluations: 20 });
  return answer!.certified;
}

async function certified(network: Network, input: Float64Array, label: number, radius: number) {
  const all: SampleReport[] = [];
  const options = { engine, radii: [radius], attackStarts: 0 };
  for await (const report of certifySamples(network, [{ index: 0, input, label }], options)) all.push(report);
  return all[0]!.certified[radius];
}

describe('a softmax that is left off', () => {
  it('keeps its factor where a reindex follows', async () => {
    const steep = () => new Layers(1).affine(16, 1, [1, ...new Array(15).fill(0)]);
    const logarithm = { kind: 'softmax', logarithm: true } as const;
    const plain = steep().add(logarithm).build();
    const turned = steep()
      .add(logarithm)
      .add({ kind: 'reindex', permutation: [0], shape: [16, 1] })
      .build();
    // At 30 the first has probability 1: the logarithms of all others fall with slope 1.
    const value = await localBound(turned, at(30), 0.1, { kind: 'anchored', method: 'closed-form', engine });
    expect(value).toBeGreaterThanOrEqual(Math.sqrt(15));
    expect(value).toBe(
      await localBound(plain, at(30), 0.1, { kind: 'anchored', method: 'closed-form', engine }),
    );
  });

  it('at several positions is none: outputs there are not in the order of what it reads', async () => {
    const network = new Layers(2, 2)
      .apply({ name: 'relu' })
      .add({ kind: 'softmax', logarithm: false })
      .add({ kind: 'reindex', permutation: [0, 1], shape: [4] })
      .build();
    const input = at(10, 6.9, 3, 0);
    // At a distance of 0.07 the largest output is another one.
    expect(await certified(network, input, 0, 1.4)).toBe(false);
  });
});

describe('rounding on the way from the file', () => {
  it('is in the enclosure of outputs: a folded batch norm whose shift cancels', async () => {
    // γ = 1, variance and ε 3, mean 1073742520, β the number next to mean/√3: the shift is 0 in float64, and 1.428e-7 exactly.
    const scale = 1 / Math.sqrt(3);
    const mean = 1_073_742_520;
    const beta = scale * mean;
    const network = new Layers(1)
      .affine(2, 1, [1, 0])
      .add({
        kind: 'scale',
        scale: at(scale, 1),
        shift: at(beta - scale * mean, 0),
        shiftMagnitude: at(beta + scale * mean, 0),
        roundings: 3,
      })
      .build();
    const exact = 1.428e-7 - scale * 1e-9;
    const { middle, radius } = new ValueEnclosure(network).at(at(-1e-9))!;
    expect(Math.abs(middle[0]! - exact)).toBeLessThan(radius[0]!);
    expect(await certified(network, at(-1e-9), 1, 1e-10)).toBe(false);
  });

  it('of sums too', () => {
    const builder = new NetworkBuilder('sum');
    const x = builder.input('x', [1]);
    const y = builder.add('', { kind: 'add', coefficients: [1, -1], roundings: 1000 }, [x, x]);
    const { radius } = new ValueEnclosure(builder.build(y)).at(at(1))!;
    expect(radius[0]).toBeGreaterThan(1000 * 2 ** -53);
  });
});

describe('numbers that are too small for float64', () => {
  it('between the steps of one linear part', async () => {
    const layers = new Layers(1);
    const scales = [...new Array(9).fill(1e-38), ...new Array(8).fill(1e38)];
    for (const factor of scales) layers.add({ kind: 'scale', scale: at(Math.fround(factor)) });
    const network = layers
      .apply({ name: 'leaky-relu', slope: 0.5 })
      .affine(1, 1, [Math.fround(1e38)])
      .build();
    for (const kind of ['anchored', 'incremental'] as const) {
      expect(
        await localBound(network, at(1), 0.5, { kind, method: 'closed-form', engine }),
      ).toBeGreaterThanOrEqual(0.999_99);
    }
  });

  it('squares of radii', async () => {
    const network = new Layers(1).affine(2, 1, [1e-16, 0], [1e-175, 0]).build();
    // At −1e-156 the first output is −1e-172.
    expect(await proves(network, { centre: at(0), label: 0, radius: 1e-156 })).toBe(false);
    expect(await proves(network, { centre: at(1), label: 0, radius: 1e-156 })).toBe(true);
  });

  it('squares of weights beside limits', async () => {
    const network = new Layers(1)
      .affine(1, 1, [1e-200], [-1e-195])
      .apply({ name: 'relu' })
      .affine(2, 1, [-1e200, 0], [1, 0])
      .build();
    const limits = { low: -1e10, high: 1e10 };
    // At 1e10 the first output is 1 − (1e10 − 1e5).
    expect(await proves(network, { centre: at(0), label: 0, radius: 1e10, limits })).toBe(false);
  });

  it('products of weights beside limits', async () => {
    const layers = new Layers(1);
    for (const factor of [1e-170, 1e-170]) layers.add({ kind: 'scale', scale: at(factor) });
    for (const factor of [1e150, 1e150, 1e40]) layers.add({ kind: 'scale', scale: at(factor) });
    const network = layers
      .affine(1, 1, [1], [-0.5])
      .apply({ name: 'relu' })
      .affine(2, 1, [-10, 0], [1, 0])
      .build();
    // The weights together are 1: at 1 the first output is −4.
    const limits = { low: -2, high: 2 };
    expect(await proves(network, { centre: at(0), label: 0, radius: 1.5, limits })).toBe(false);
    expect(await proves(network, { centre: at(0), label: 0, radius: 1.5 })).toBe(false);
  });

  it('squares of slopes', async () => {
    const ramp: Elementwise = { name: 'hard-sigmoid', alpha: 1e-170, beta: 0 };
    const network = new Layers(1)
      .affine(2, 1, [1e20, 1e20], [0, -5e19])
      .apply(ramp)
      .affine(1, 2, [1e150, -1e150])
      .build();
    // From 0 to ½ the first ramp alone rises by ½; beside it the difference is constant.
    for (const kind of ['anchored', 'incremental'] as const)
      expect(
        await localBound(network, at(0), 1, { kind, method: 'closed-form', engine }),
      ).toBeGreaterThanOrEqual(0.5);
  });
});

describe('a ramp between kinks that rounding hardly tells apart', () => {
  it.each([
    [1, 1e14],
    [1, 1e15],
    [1e16, 1e16],
    [1, 1e17],
  ])('hard sigmoid with α = %d, β = %d', async (alpha, beta) => {
    const network = new Layers(1).apply({ name: 'hard-sigmoid', alpha, beta }).build();
    for (const kind of ['anchored', 'incremental'] as const) {
      const value = await localBound(network, at(-beta / alpha), 100, {
        kind,
        method: 'closed-form',
        engine,
      });
      expect(value).toBeGreaterThanOrEqual(Math.min(alpha, 1 / 100));
    }
    expect(
      await localBound(network, at(-beta / alpha), 100, {
        kind: 'incremental',
        method: 'closed-form',
        engine,
      }),
    ).toBeGreaterThanOrEqual(alpha);
  });
});

it('a slope that is no number certifies nothing', () => {
  const margins = new GlobalMargins(2, Number.NaN);
  expect(margins.radius({ middle: at(1, 0), radius: at(0, 0) }, 0)).toBe(0);
});
