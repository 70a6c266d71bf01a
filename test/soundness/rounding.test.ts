/**
 * Bounds with rounding accounted for, against the same recursion in numbers that do not round: with the multipliers that the engine
 * chose, the exact covariance must lie below the reported one in the Löwner order, on every engine. Faults planted in the analysis
 * (an error that is not added, an inverse taken as exact, an eigenvalue from below) must show.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RULE_NAMES, type RuleName } from '../../src/ellipsoid/multipliers/closedForms.ts';
import { Rounding } from '../../src/ellipsoid/rounding/rounding.ts';
import { createEngine, type EngineOptions } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { useSwiftShader, withoutGpu } from '../engine/webgpu/hosts.ts';
import { exactOracle } from '../support/exactOracle.ts';
import {
  ANY_FUNCTION,
  affine,
  circularConvolution,
  convolution,
  dense,
  flatten,
  nonlinearity,
  plans,
  residual,
  scale,
} from '../support/families.ts';
import {
  difference,
  type FixedMatrix,
  fixed,
  identity,
  isPositiveDefinite,
  times,
} from '../support/fixedPoint.ts';
import { type FrequencyPath, frequencyPath } from '../support/frequencyPath.ts';
import { volume } from '../support/grid.ts';
import { Random } from '../support/random.ts';
import { networkOf, type Plan } from '../support/randomNetwork.ts';
import { patience, runs } from '../support/runs.ts';

/** Entries of the widest tensor, of which the exact recursion inverts matrices. */
const WIDEST = 16;
/** The exact numbers end at 2^-1280; what a thousand of their operations lose is below this. */
const BLUR = 1n << 64n;

const rule = fc.constantFrom(...RULE_NAMES);

function reported(path: FrequencyPath): FixedMatrix | undefined {
  const { covariance } = path.outcome;
  if (!covariance) return undefined;
  const { matrix, exponent } = covariance;
  const n = Math.round(Math.sqrt(matrix.length));
  return { rows: n, columns: n, data: Array.from(matrix, (value) => fixed(value, exponent)) };
}

type Verdict = 'no bound' | 'too large' | 'sound' | 'not above the exact covariance' | 'not above λ_max';

/** How a reported bound stands to the exact recursion with its own multipliers. */
async function verdict(
  engine: Engine,
  network: Network,
  name: RuleName,
  analysis: Rounding | 'none' = new Rounding(engine.information, 8),
  widest = WIDEST,
): Promise<Verdict> {
  if (network.tensors.some((tensor) => volume(tensor.shape) > widest)) return 'too large';
  const rounding = analysis === 'none' ? undefined : analysis;
  let path: FrequencyPath;
  try {
    path = await frequencyPath(engine, network, name, undefined, rounding);
  } catch (error) {
    if (error instanceof UnsupportedError) return 'no bound';
    throw error;
  }
  const { squared } = path.outcome;
  if (Number.isNaN(squared.mantissa)) return 'no bound';
  // Numbers that the exact recursion does not hold.
  if (Math.abs(squared.exponent) > 500 || path.leastMultiplier < 2 ** -500) return 'too large';
  const exact = exactOracle(network, path.choices);
  if (!exact) return 'not above the exact covariance';
  const above = reported(path);
  if (above && !isPositiveDefinite(difference(above, exact), BLUR)) return 'not above the exact covariance';
  const bound = fixed(squared.mantissa, squared.exponent);
  const all = identity(exact.rows);
  const scaled = { ...all, data: all.data.map((value) => times(value, bound)) };
  return isPositiveDefinite(difference(scaled, exact), BLUR) ? 'sound' : 'not above λ_max';
}

const SMALL: Readonly<Record<string, fc.Arbitrary<Plan>>> = {
  chains: plans({
    axes: 0,
    layers: fc.array(fc.oneof(affine, nonlinearity(ANY_FUNCTION), scale), { minLength: 2, maxLength: 8 }),
  }),
  branches: plans({
    axes: 0,
    layers: fc.array(fc.oneof(residual(ANY_FUNCTION), dense(ANY_FUNCTION), affine), {
      minLength: 1,
      maxLength: 3,
    }),
  }),
  'circular convolutions': plans({
    axes: 1,
    mode: 'circular',
    sides: [2, 4],
    layers: fc.array(
      fc.oneof(
        circularConvolution,
        nonlinearity(ANY_FUNCTION),
        scale,
        residual(ANY_FUNCTION),
        flatten,
        affine,
      ),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  'zero-padded convolutions': plans({
    axes: 1,
    sides: [2, 3],
    layers: fc.array(fc.oneof(convolution, nonlinearity(ANY_FUNCTION), flatten, affine), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
};

/** Deep or wide chains with weights of any size, some of them nearly singular. */
function chain(
  depth: number,
  width: number,
  seed: number,
  exponent: number,
  style: 'normal' | 'flat' | 'sparse',
): Network {
  const random = new Random(seed);
  const builder = new NetworkBuilder('chain');
  let tensor = builder.input('x', [width]);
  for (let k = 0; k < depth; k++) {
    const size = 2 ** (exponent === 0 ? 0 : random.integer(-exponent, exponent));
    // Rows that are nearly one another's multiples, or hardly there, leave S close to D.
    const shared = random.normals(width);
    const weight = random.normals(width * width, 1 / Math.sqrt(width)).map((w, i) => {
      if (style === 'flat') return Math.fround(size * (shared[i % width]! + 1e-6 * w));
      if (style === 'sparse' && random.uniform() < 0.6) return 0;
      return Math.fround(size * w);
    });
    tensor = builder.add(`fc${k}`, { kind: 'affine', outputs: width, inputs: width, weight }, [tensor]);
    if (k < depth - 1) {
      const name = random.uniform() < 0.7 ? 'relu' : 'gelu';
      tensor = builder.add(`act${k}`, { kind: 'nonlinearity', function: { name } }, [tensor]);
    }
  }
  return builder.build(tensor);
}

const chains = fc
  .record({
    depth: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(12, 30)),
    width: fc.integer({ min: 1, max: 6 }),
    seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    exponent: fc.constantFrom(0, 3, 30, 100),
    style: fc.constantFrom('normal' as const, 'flat' as const, 'sparse' as const),
  })
  // The exact numbers end at 2^-1280.
  .filter(({ depth, exponent }) => depth * exponent <= 450);

const choices: readonly (EngineOptions & { readonly share: number })[] = [
  { engine: 'cpu-wasm', threads: 1, share: 1 },
  { engine: 'cpu-blas', threads: 1, share: 0.5 },
  { engine: 'webgpu', share: 0.04 },
];

describe.each(choices.filter((c) => c.engine !== 'webgpu' || !withoutGpu))(
  '$engine',
  ({ share, ...choice }) => {
    let engine: Engine;
    beforeAll(async () => {
      if (choice.engine === 'webgpu') useSwiftShader();
      engine = await createEngine(choice);
    });
    afterAll(() => engine.close());

    const tally = new Map<Verdict, number>();
    const check = async (network: Network, name: RuleName) => {
      const found = await verdict(engine, network, name);
      tally.set(found, (tally.get(found) ?? 0) + 1);
      expect(found).not.toMatch(/not above/);
    };

    it.each(Object.entries(SMALL))(
      '%s',
      async (_, plan) => {
        await fc.assert(
          fc.asyncProperty(plan, rule, (p, name) => check(simplify(networkOf({ ...p, end: 'none' })), name)),
          { numRuns: runs(100 * share) },
        );
      },
      patience(),
    );

    it(
      'chains, deep and wide, of any scale',
      async () => {
        await fc.assert(
          fc.asyncProperty(chains, rule, ({ depth, width, seed, exponent, style }, name) =>
            check(chain(depth, width, seed, exponent, style), name),
          ),
          { numRuns: runs(170 * share) },
        );
      },
      patience(),
    );

    it('the widest', async () => {
      for (const [width, depth, name] of [
        [64, 2, 'SN(1)'],
        [33, 3, 'GC(1.99)'],
      ] as const) {
        const network = chain(depth, width, 1, 0, 'normal');
        expect(await verdict(engine, network, name, undefined, 64)).toBe('sound');
      }
    });

    it('most of these have a bound that was compared', () => {
      const all = [...tally.values()].reduce((a, b) => a + b, 0);
      expect(tally.get('sound')! / all).toBeGreaterThan(0.4);
    });
  },
);

describe('planted faults', () => {
  class FromBelow extends Rounding {
    override get radius(): number {
      return 1 - 1e-4;
    }
  }

  it('an eigenvalue from below', async () => {
    const engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
    try {
      const faulty = new FromBelow(engine.information, 8);
      expect(await verdict(engine, chain(3, 4, 1, 0, 'normal'), 'SN(1)', faulty)).toBe('not above λ_max');
    } finally {
      await engine.close();
    }
  });

  it('no analysis of rounding at all', async () => {
    const engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
    try {
      const verdicts: Verdict[] = [];
      for (let seed = 0; seed < 12; seed++) {
        verdicts.push(await verdict(engine, chain(4, 4, seed, 0, 'normal'), 'GC(1.99)', 'none'));
      }
      expect(verdicts).toContain('not above the exact covariance');
    } finally {
      await engine.close();
    }
  });
});
