/** Bounds for single entries of the input: above every column of the Jacobian, exact for linear networks, the largest the bound from ℓ1. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import type { BoundOptions, BoundResult } from '../../src/bounds/result.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { FAMILIES } from '../support/families.ts';
import { jacobian } from '../support/forward.ts';
import { volume } from '../support/grid.ts';
import { length } from '../support/normSlopes.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';
import { patience, runs } from '../support/runs.ts';

const SLACK = 1 + 1e-9;

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

function asked(network: Network, options: BoundOptions = {}): Promise<BoundResult> {
  return bound(network, { engine, sensitivities: true, lower: false, ...options });
}

/** Lengths of the columns of the Jacobian at a point. */
function columns(network: Network, x: Float64Array, norm: '2' | 'inf' | '1'): number[] {
  const matrix = jacobian(network, x);
  const rows = matrix.length / x.length;
  return Array.from(x, (_, j) =>
    length(
      Float64Array.from({ length: rows }, (_, i) => matrix[i * x.length + j]!),
      norm,
    ),
  );
}

const NAMES = [
  'multilayer perceptrons',
  'residual perceptrons',
  'one-dimensional convolutions',
  'pooling',
] as const;

describe.each(NAMES)('sensitivities of %s', (name) => {
  it(
    'lie above every column of the Jacobian',
    async () => {
      let own = 0;
      await fc.assert(
        fc.asyncProperty(
          FAMILIES[name],
          fc.constantFrom('2' as const, 'inf' as const, '1' as const),
          fc.nat(),
          async (plan, outputNorm, seed) => {
            const network = networkOf(plan);
            let result: BoundResult;
            try {
              result = await asked(network, { outputNorm, evaluations: 8 });
            } catch (error) {
              if (!(error instanceof UnsupportedError)) throw error;
              return;
            }
            if (!result.sensitivities) {
              expect(result.note).toMatch(/No sensitivities/);
              return;
            }
            own++;
            const random = new Random(seed);
            const inputs = volume(network.tensors[network.input]!.shape);
            expect(result.sensitivities).toHaveLength(inputs);
            for (const value of result.sensitivities)
              expect(value).toBeLessThanOrEqual(result.bound ?? 2 ** -1022);
            for (const scale of [1, 0.1, 10, 1]) {
              for (const [j, slope] of columns(
                network,
                random.normals(inputs, scale),
                outputNorm,
              ).entries()) {
                if (!(slope <= result.sensitivities[j]! * SLACK))
                  throw new Error(`entry ${j}: at least ${slope}, got ${result.sensitivities[j]}`);
              }
            }
          },
        ),
        { numRuns: runs(25) },
      );
      expect(own).toBeGreaterThan(runs(12));
    },
    patience(),
  );
});

describe('sensitivities', () => {
  const random = new Random(3);
  const linear = NetworkBuilder.fromDense([{ weight: random.normals(12), bias: new Float64Array(3) }]);

  it.each(['2', 'inf', '1'] as const)(
    'of a linear network to ℓ%s are the lengths of its columns',
    async (outputNorm) => {
      const { sensitivities } = await asked(linear, { outputNorm });
      const exact = columns(linear, new Float64Array(4), outputNorm);
      for (const [j, value] of sensitivities!.entries()) {
        expect(value).toBeGreaterThanOrEqual(exact[j]! * (1 - 1e-14));
        expect(value).toBeLessThan(exact[j]! * (1 + 1e-9));
      }
    },
  );

  it('are in the units of weights, and of one pair of outputs', async () => {
    const weights = Float64Array.of(1, 2, 0, 0.5);
    const plain = await asked(linear);
    const own = await asked(linear, { weights });
    for (const [j, value] of own.sensitivities!.entries())
      expect(value).toBeCloseTo(weights[j]! * plain.sensitivities![j]!, 8);
    const pair = await asked(linear, { target: [2, 0] });
    const matrix = jacobian(linear, new Float64Array(4));
    for (const [j, value] of pair.sensitivities!.entries())
      expect(value).toBeCloseTo(Math.abs(matrix[8 + j]! - matrix[j]!), 8);
  });

  it('are nearly as small as those of networks of one input', async () => {
    const hidden = random.normals(40, 0.5);
    const bias = random.normals(8, 0.1);
    const rest = { weight: random.normals(16, 0.5), bias: new Float64Array(2) };
    const network = NetworkBuilder.fromDense([
      { weight: hidden, bias, activation: 'relu' },
      { weight: random.normals(64, 0.5), bias, activation: 'relu' },
      rest,
    ]);
    const { sensitivities } = await asked(network);
    const [first, ...others] = network.nodes;
    for (let j = 0; j < 5; j++) {
      if (first!.operator.kind !== 'affine') throw new Error('the first layer is affine');
      const weight = hidden.filter((_, k) => k % 5 === j);
      const tensors = network.tensors.map((t, id) => (id === network.input ? { ...t, shape: [1] } : t));
      const single: Network = {
        ...network,
        tensors,
        nodes: [{ ...first!, operator: { ...first!.operator, inputs: 1, weight } }, ...others],
      };
      const alone = await bound(single, { engine, method: 'refined', lower: false });
      expect(sensitivities![j]! / alone.bound!).toBeGreaterThan(0.99);
      expect(sensitivities![j]! / alone.bound!).toBeLessThan(1.2);
    }
  });

  it('go with norm 1 alone', async () => {
    await expect(asked(linear, { norm: 'inf' })).rejects.toThrow('the bound in norm 1');
  });
});
