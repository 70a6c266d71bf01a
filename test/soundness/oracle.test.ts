/**
 * The frequency path against the dense oracle, with the same multipliers and slopes: on circular padding the torus is the
 * signal's own and both compute one number; on zero padding the torus also lets samples outside the window vary, so
 * the frequency path may only lie above.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RULE_NAMES } from '../../src/ellipsoid/multipliers/closedForms.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import type { Network } from '../../src/network/network.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import {
  ANY_FUNCTION,
  circularConvolution,
  dense,
  FAMILIES,
  flatten,
  globalPool,
  inception,
  nonlinearity,
  plans,
  residual,
  scale,
} from '../support/families.ts';
import { frequencyPath, oracleFor } from '../support/frequencyPath.ts';
import { volume } from '../support/grid.ts';
import { type LayerPlan, networkOf, type Plan } from '../support/randomNetwork.ts';
import { residueOf } from '../support/residue.ts';
import { patience, runs } from '../support/runs.ts';

/** Entries of all tensors together, up to which the oracle's matrices stay small. */
const MOST_ENTRIES = 250;

/** Without GC(1.99), whose D lies so close to S that every layer costs digits. */
const rule = fc.constantFrom(...RULE_NAMES.filter((name) => name !== 'GC(1.99)'));

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

function pools(layer: Plan['layers'][number]): boolean {
  return layer.kind === 'max-pool' || (layer.kind === 'inception' && layer.branches.includes('max'));
}

/** √(frequency path / oracle), or undefined where there is no bound or the oracle would be too large. */
async function ratio(plan: Plan, name: (typeof RULE_NAMES)[number]): Promise<number | undefined> {
  // The factor of a softmax stands outside the covariance.
  const network = simplify(networkOf({ ...plan, end: 'none' }));
  const entries = network.tensors.reduce((sum, tensor) => sum + volume(tensor.shape), 0);
  if (entries > MOST_ENTRIES || takesDivisorAlong(network)) return undefined;
  try {
    const path = await frequencyPath(engine, network, name);
    if (Number.isNaN(path.squared) || path.leastMultiplier < 1e-20) return undefined;
    // Entries that are moved become a signal of their own, which the oracle has no rule for.
    const steps = path.program.segments.flatMap((segment) => segment.steps);
    if (steps.some((step) => step.kind === 'maximum' && step.maximum.windows.kind === 'moved'))
      return undefined;
    const { squared } = oracleFor(network, path);
    // What comes out of dead branches alone.
    const least = residueOf(network) ** 2;
    if (squared <= least && path.squared <= least) return 1;
    return Math.sqrt(path.squared / squared);
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

/** A maximum right after an average pooling whose border windows divide by fewer samples: the frequency path bounds both at
 *  once with the multiplier of the mean before its division, which the oracle has no name for. */
function takesDivisorAlong(network: Network): boolean {
  const producers = new Map(network.nodes.map((node) => [node.output, node.operator]));
  return network.nodes.some(({ operator, inputs }) => {
    const source = producers.get(inputs[0]!);
    return operator.kind.includes('max') && source?.kind === 'average-pool' && !source.countIncludesPadding;
  });
}

/** On circular padding the torus is the signal itself as long as windows cover it evenly. */
function isClosed(network: Network): boolean {
  return network.nodes.every(({ operator, inputs, output }) => {
    if (operator.kind !== 'convolution' && operator.kind !== 'average-pool' && operator.kind !== 'max-pool')
      return true;
    const before = network.tensors[inputs[0]!]!.shape.slice(1);
    const after = network.tensors[output]!.shape.slice(1);
    return before.every((side, axis) => after[axis]! * operator.stride[axis]! === side);
  });
}

/** Often the largest gain of all is at frequency 0, where phases are 1 whatever their sign: a last layer that reads positions sees
 *  them all. */
function withReader(layers: fc.Arbitrary<LayerPlan[]>): fc.Arbitrary<LayerPlan[]> {
  return fc
    .tuple(layers, fc.boolean())
    .map(([list, read]) => (read ? [...list, { kind: 'affine', outputs: 2 } as const] : list));
}

const CIRCULAR = {
  signals: plans({
    axes: 1,
    mode: 'circular',
    sides: [4, 8, 12],
    layers: withReader(
      fc.array(
        fc.oneof(
          { weight: 3, arbitrary: circularConvolution },
          { weight: 3, arbitrary: nonlinearity(ANY_FUNCTION) },
          { weight: 1, arbitrary: fc.oneof(scale, flatten, globalPool) },
        ),
        { minLength: 1, maxLength: 6 },
      ),
    ),
  }),
  'signals with branches': plans({
    axes: 1,
    mode: 'circular',
    sides: [4, 8],
    layers: withReader(
      fc.array(
        fc.oneof(
          residual(ANY_FUNCTION),
          dense(ANY_FUNCTION),
          inception(ANY_FUNCTION),
          circularConvolution,
          flatten,
        ),
        { minLength: 1, maxLength: 3 },
      ),
    ),
  }),
  images: plans({
    axes: 2,
    mode: 'circular',
    sides: [2, 4],
    layers: withReader(
      fc.array(
        fc.oneof(
          circularConvolution,
          nonlinearity(ANY_FUNCTION),
          residual(ANY_FUNCTION),
          scale,
          flatten,
          globalPool,
        ),
        { minLength: 1, maxLength: 4 },
      ),
    ),
  }),
};

describe.each(Object.entries(CIRCULAR))('circular %s', (_, arbitrary) => {
  it(
    'have the covariance that the dense oracle computes',
    async () => {
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(arbitrary, rule, async (plan, name) => {
          if (!isClosed(networkOf(plan))) return;
          const found = await ratio(plan, name);
          if (found === undefined) return;
          compared++;
          // Rounding where D is close to S; on a torus shorter than its window a pooling has fewer windows than the rule allows for.
          expect(found).toBeGreaterThan(1 - 1e-7);
          if (!plan.layers.some(pools)) expect(found).toBeLessThan(1 + 1e-7);
        }),
        { numRuns: runs(80) },
      );
      expect(compared).toBeGreaterThan(runs(80) / 3);
    },
    patience(),
  );
});

/** Reflect and replicate padding have no symbols. */
const { 'reflected signals': _reflected, 'replicated signals': _replicated, ...onTorus } = FAMILIES;

describe.each(Object.entries(onTorus))('%s', (_, arbitrary) => {
  it(
    'have no less covariance on the torus than on their window',
    async () => {
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(arbitrary, rule, async (plan, name) => {
          const found = await ratio(plan, name);
          if (found === undefined) return;
          compared++;
          expect(found).toBeGreaterThan(1 - 1e-9);
        }),
        { numRuns: runs(60) },
      );
      expect(compared).toBeGreaterThan(runs(60) / 3);
    },
    patience(),
  );
});
