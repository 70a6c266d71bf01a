/** The bounds against an established solver: CSDP, on the programs that `exportSdp` writes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { mapped } from '../../src/network/numbers.ts';
import type { OperatorKind } from '../../src/network/operator.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { exportSdp, type Formulation } from '../../src/sdp/export.ts';
import { solveSdp } from '../../src/sdp/solve.node.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { ChainBuilder, CONVOLUTIONAL, DENSE } from './networks.ts';

/** What the search promises above the optimum. */
const PROMISE = 1.005;
/** Relative, of a solver that ends at a gap of 1e-8 of an objective of about 1, of which the bound is the root. */
const TOLERANCE = 1e-5;
const SAMPLES = 40;
/** Their effect depends on the length. */
const NOT_ANY_LENGTH: readonly OperatorKind[] = ['reindex', 'affine', 'global-average-pool'];

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu', threads: 1 });
  folder = mkdtempSync(join(tmpdir(), 'lipsoid-referee-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await engine.close();
});

/** CSDP's optimum. */
async function optimum(network: Network, formulation: Formulation): Promise<number> {
  const path = join(folder, 'problem.dat-s');
  writeFileSync(path, exportSdp(network, formulation).text);
  const solution = await solveSdp(path);
  expect(solution.status).toBe('solved');
  expect(Math.abs(solution.relativeGap!)).toBeLessThan(1e-6);
  return solution.bound!;
}

/** The bound of the search on the torus, with its one multiplier per channel. */
async function onTorus(network: Network): Promise<number> {
  const interruption = new AbortController();
  const { methods } = await bound(network, {
    engine,
    method: 'refined',
    evaluations: 300,
    interrupt: interruption.signal,
    // A second search would go through the unrolled network.
    onTrace: (point) => point.method === 'unrolled' && interruption.abort(),
  });
  return methods.find((row) => row.method === 'refined')!.bound!;
}

/** The least bound of all searches. */
async function refined(network: Network): Promise<number> {
  const { bound: least } = await bound(network, {
    engine,
    method: 'refined',
    evaluations: 300,
    lower: false,
  });
  return least!;
}

describe('refined meets the optimum of LipSDP', () => {
  it.each(Object.keys(DENSE))('%s', async (name) => {
    const network = DENSE[name]!();
    const lipsdp = await optimum(network, 'lipsdp');
    const best = await refined(network);
    expect(best / lipsdp).toBeGreaterThan(1 - TOLERANCE);
    expect(best / lipsdp).toBeLessThan(PROMISE);
    expect(sampledLowerBound(network, SAMPLES, 1)).toBeLessThan(lipsdp * (1 + TOLERANCE));
  });

  it('on an unrolled convolutional network', async () => {
    const network = new ChainBuilder('cnn', 31, [2, 10])
      .convolution(3, 3)
      .activation({ name: 'leaky-relu', slope: 0.3 })
      .averagePool(2)
      .dense(6)
      .activation()
      .dense(2)
      .build();
    const lipsdp = await optimum(network, 'lipsdp');
    const best = await refined(network);
    expect(best / lipsdp).toBeGreaterThan(1 - TOLERANCE);
    expect(best / lipsdp).toBeLessThan(PROMISE);
  });
});

describe('refined is at most the dissipativity bound', () => {
  it.each(Object.keys(CONVOLUTIONAL))('%s', async (name) => {
    const network = CONVOLUTIONAL[name]!();
    const dissipativity = await optimum(network, 'dissipativity');
    const torus = await onTorus(network);
    expect(torus / dissipativity).toBeLessThan(1.001);
    expect(sampledLowerBound(network, SAMPLES, 1)).toBeLessThan(torus);
  });
});

describe('where slopes exclude zero in front of zero padding', () => {
  it('the torus widens them, which the program need not, and the unrolled search makes up for it', async () => {
    const leaky = { name: 'leaky-relu', slope: 0.9 } as const;
    const network = new ChainBuilder('pointwise', 5, [2, 16])
      .convolution(6, 3)
      .activation(leaky)
      .convolution(6, 1)
      .activation(leaky)
      .convolution(4, 3)
      .build();
    expect((await refined(network)) / (await optimum(network, 'dissipativity'))).toBeLessThan(1.001);
  });
});

describe('a bound for any length is no larger than the dissipativity program has it', () => {
  const names = Object.keys(CONVOLUTIONAL).filter((name) => {
    const { nodes } = CONVOLUTIONAL[name]!();
    return nodes.every(({ operator }) => !NOT_ANY_LENGTH.includes(operator.kind));
  });

  it('on enough networks', () => expect(names.length).toBeGreaterThanOrEqual(4));

  it.each(names)('%s', async (name) => {
    const network = CONVOLUTIONAL[name]!();
    const any = await bound(network, {
      engine,
      method: 'refined',
      evaluations: 300,
      length: 'any',
      lower: false,
    });
    expect(any.length!.added).toBeLessThanOrEqual(0.01);
    expect(any.bound! / (await optimum(network, 'dissipativity'))).toBeLessThan(1.02);
    expect(sampledLowerBound(network, SAMPLES, 1)).toBeLessThan(any.bound!);
  });
});

describe('the dissipativity program', () => {
  it('has the norm of a convolution as its optimum, by the Kalman-Yakubovich-Popov lemma', async () => {
    for (const stride of [1, 2]) {
      const network = new ChainBuilder('conv', 41, [3, 400])
        .convolution(4, 5, { stride, dilation: 2 })
        .build();
      const torus = await onTorus(network);
      // The torus has 408 frequencies, the program all of them.
      expect((await optimum(network, 'dissipativity')) / torus).toBeCloseTo(1, 3);
    }
  });

  it('loses nothing where the layers after the first have no memory', async () => {
    const network = new ChainBuilder('pointwise', 42, [2, 200])
      .convolution(5, 5)
      .activation()
      .convolution(4, 1)
      .activation()
      .convolution(3, 1)
      .build();
    const torus = await onTorus(network);
    expect(torus / (await optimum(network, 'dissipativity'))).toBeGreaterThan(1 - 1e-3);
    expect(torus / (await optimum(network, 'dissipativity'))).toBeLessThan(PROMISE);
  });

  it('loses nothing on dense networks: supply rates chain what LipSDP has in one piece', async () => {
    const network = DENSE['8-32-32-5, leaky ReLU']!();
    const chained = await optimum(network, 'dissipativity');
    expect(chained / (await optimum(network, 'lipsdp'))).toBeCloseTo(1, 5);
  });

  it('counts a sample once per window that it falls in, and a mean over the samples', async () => {
    const max = new ChainBuilder('max', 43, [2, 12]).maxPool(5, 2).build();
    expect(await optimum(max, 'dissipativity')).toBeCloseTo(Math.sqrt(3), 5);
    const mean = new ChainBuilder('mean', 44, [2, 16]).globalAverage().build();
    expect(await optimum(mean, 'dissipativity')).toBeCloseTo(1 / 4, 5);
    const average = new ChainBuilder('average', 45, [2, 16]).averagePool(4).build();
    expect(await optimum(average, 'dissipativity')).toBeCloseTo(1 / 2, 5);
  });

  it('is an upper bound where slopes are negative, where φ comes first, and for many units', async () => {
    const networks = [
      new ChainBuilder('a', 46, [2, 20])
        .activation({ name: 'silu' })
        .convolution(3, 3)
        .activation({ name: 'sin' }),
      new ChainBuilder('b', 47, [2, 20])
        .convolution(4, 3)
        .activation({ name: 'abs' })
        .convolution(2, 5, { stride: 3 }),
    ].map((chain) => chain.build());
    for (const network of networks) {
      const value = await optimum(network, 'dissipativity');
      expect(sampledLowerBound(network, SAMPLES, 1)).toBeLessThan(value);
      expect((await onTorus(network)) / value).toBeLessThan(1.001);
    }
  });
});

describe('scaling', () => {
  /** The same network with its weights multiplied. */
  function multiplied(network: Network, factor: number): Network {
    const builder = new NetworkBuilder('multiplied');
    const ids = new Map([[network.input, builder.input('x', network.tensors[network.input]!.shape)]]);
    for (const { name, operator, inputs, output } of network.nodes) {
      const weighted = operator.kind === 'affine' || operator.kind === 'convolution';
      const own = weighted ? { ...operator, weight: mapped(operator.weight, (w) => w * factor) } : operator;
      ids.set(
        output,
        builder.add(
          name,
          own,
          inputs.map((id) => ids.get(id)!),
        ),
      );
    }
    return builder.build(ids.get(network.output)!);
  }

  it.each(['lipsdp', 'dissipativity'] as const)('%s keeps its digits far from 1', async (formulation) => {
    const network = simplify(DENSE['10-24-3, ReLU']!());
    const one = await optimum(network, formulation);
    for (const factor of [2 ** -20, 2 ** 20]) {
      const far = await optimum(multiplied(network, factor), formulation);
      expect(far / (one * factor ** 2)).toBeCloseTo(1, 8);
    }
  });
});
