/** What is known of bounds among themselves: SN(1) against the product of norms, small memory against large, one engine against another. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { MemoryError } from '../../src/bounds/budget.ts';
import type { BoundResult } from '../../src/bounds/result.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';
import type { Network } from '../../src/network/network.ts';
import { type CpuEngines, closeCpuEngines, openCpuEngines } from '../support/cpuEngines.ts';
import {
  affine,
  averagePool,
  convolution,
  FAMILIES,
  flatten,
  globalPool,
  maxPool,
  nonlinearity,
  plans,
  scale,
} from '../support/families.ts';
import { type LayerPlan, networkOf, type Plan, type WeightStyle } from '../support/randomNetwork.ts';
import { expectSame } from '../support/residue.ts';
import { patience, runs } from '../support/runs.ts';

let engines: CpuEngines;
beforeAll(async () => {
  engines = await openCpuEngines();
});
afterAll(() => closeCpuEngines(engines));

/** Slopes from 0 to something: there D = 2σ gives back the product of norms or less (docs/mathematics.md §4). */
const MONOTONE: fc.Arbitrary<Elementwise> = fc.constantFrom<Elementwise>(
  { name: 'relu' },
  { name: 'tanh' },
  { name: 'sigmoid' },
  { name: 'softplus' },
  { name: 'clip', min: -1, max: 1 },
);

/** Slopes [0, 1], for which the skip's share of D was derived. */
const UNIT: fc.Arbitrary<Elementwise> = fc.constantFrom<Elementwise>(
  { name: 'relu' },
  { name: 'tanh' },
  { name: 'softplus' },
  { name: 'clip', min: -1, max: 1 },
);

/** No exact zeros: a branch without gain has no scale to set D by. */
const NONZERO: fc.Arbitrary<WeightStyle> = fc.constantFrom('normal', 'positive', 'scaled');

const rectified = nonlinearity(MONOTONE);

/** An average pooling that divides by fewer samples at the border has slopes from 1 upwards there. */
const countedPool = averagePool.map((layer): LayerPlan => ({ ...layer, counted: true }) as LayerPlan);

const identityBlock: fc.Arbitrary<LayerPlan> = fc.record({
  kind: fc.constant('residual' as const),
  kernels: fc.constantFrom<readonly (1 | 3)[]>([3, 3], [1, 3]),
  stride: fc.constant(1 as const),
  strideAt: fc.constant(0),
  order: fc.constant('bare' as const),
  shortcut: fc.constant('identity' as const),
  function: UNIT,
});

const PLAIN: Record<string, fc.Arbitrary<Plan>> = {
  'chains of affine layers': plans({
    axes: 0,
    layers: fc.array(fc.oneof(affine, rectified, scale), { minLength: 1, maxLength: 8 }),
  }),
  'chains of convolutions': plans({
    axes: 1,
    layers: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: convolution },
        { weight: 3, arbitrary: rectified },
        { weight: 1, arbitrary: fc.oneof(countedPool, maxPool, flatten, globalPool, affine) },
      ),
      { minLength: 1, maxLength: 6 },
    ),
  }),
  'residual perceptrons': plans({
    axes: 0,
    weights: NONZERO,
    layers: fc.array(identityBlock, { minLength: 1, maxLength: 4 }),
  }),
  'residual convolutions': plans({
    axes: 1,
    // On zero padding a sum that spills over its window gets a mask beside the skip, which costs a little.
    mode: 'circular',
    weights: NONZERO,
    layers: fc.array(identityBlock, { minLength: 1, maxLength: 3 }),
  }),
};

function row(result: BoundResult, method: string, rule?: string): number {
  const found = result.methods.find((m) => m.method === method && m.rule === rule);
  if (found?.bound == null) throw new Error(`${method} ${rule ?? ''}: gave no bound`);
  return found.bound;
}

/** Undefined where the network has no bound on a torus. */
async function closedFormAndProduct(plan: Plan): Promise<{ closed: number; product: number } | undefined> {
  const network = networkOf(plan);
  try {
    const options = { engine: engines.wasm, lower: false } as const;
    const closed = await bound(network, { ...options, rule: 'SN(1)' });
    const product = await bound(network, { ...options, method: 'spectral-product' });
    return { closed: row(closed, 'closed-form', 'SN(1)'), product: row(product, 'spectral-product') };
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

describe.each(Object.entries(PLAIN))('SN(1) on %s', (_, arbitrary) => {
  it(
    'is never above the product of norms',
    async () => {
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(arbitrary, async (plan) => {
          const both = await closedFormAndProduct(plan);
          if (!both || both.product === 0) return;
          compared++;
          expect(both.closed / both.product).toBeLessThan(1 + 1e-9);
        }),
        { numRuns: runs(40) },
      );
      expect(compared).toBeGreaterThan(runs(40) / 2);
    },
    patience(),
  );
});

const SOME = fc.oneof(
  FAMILIES['one-dimensional convolutions'],
  FAMILIES['one-dimensional branches'],
  FAMILIES['circular convolutions'],
  FAMILIES.pooling,
);

function hasBranches(network: Network): boolean {
  return network.nodes.some(({ operator }) => operator.kind === 'add' || operator.kind === 'concat');
}

/** Rows of two results side by side. */
async function compare(plan: Plan, first: Engine, second: Engine, memory: number): Promise<void> {
  const network = networkOf(plan);
  const options = { method: 'closed-form', lower: false } as const;
  let expected: BoundResult;
  try {
    expected = await bound(network, { ...options, engine: first });
  } catch (error) {
    if (error instanceof UnsupportedError) return;
    throw error;
  }
  const got = await bound(network, { ...options, engine: second, memory }).catch((error: unknown) => {
    if (!(error instanceof MemoryError)) throw error;
    // Less than weights and one step take: then in just as much.
    return bound(network, { ...options, engine: second, memory: error.bytes });
  });
  got.methods.forEach((other, k) => {
    const { rule, bound: value } = expected.methods[k]!;
    expect(other.rule).toBe(rule);
    // Choices by score (between rules, and of D beside a skip) may fall otherwise: any of them is sound.
    const tolerance = rule === 'mixed' || hasBranches(network) ? 0.2 : 1e-8;
    if (value === null || other.bound === null) expect(other.bound).toBe(value);
    else expectSame(network, other.bound, value, tolerance);
  });
}

describe('the same bound', () => {
  it(
    'comes out of a budget of a few kilobytes, frequency by frequency',
    async () => {
      await fc.assert(
        fc.asyncProperty(SOME, fc.constantFrom(100, 5000, 50_000), (plan, memory) =>
          compare(plan, engines.wasm, engines.wasm, memory),
        ),
        { numRuns: runs(20) },
      );
    },
    patience(),
  );

  it(
    'comes out of Wasm and OpenBLAS',
    async (context) => {
      const { wasm, blas } = engines;
      if (!blas) return context.skip('OpenBLAS does not load here');
      await fc.assert(
        fc.asyncProperty(SOME, (plan) => compare(plan, wasm, blas, 2 ** 30)),
        { numRuns: runs(20) },
      );
    },
    patience(),
  );
});
