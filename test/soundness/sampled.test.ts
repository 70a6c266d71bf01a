/**
 * The one test that a bound must pass: no local slope that sampling finds lies above it. Random networks of every family,
 * every method and rule, both engines, large and tiny memory budgets.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { MemoryError } from '../../src/bounds/budget.ts';
import type { BoundOptions, BoundResult } from '../../src/bounds/result.ts';
import { RULE_NAMES } from '../../src/ellipsoid/multipliers/closedForms.ts';
import { UnsupportedError } from '../../src/errors.ts';
import type { Network } from '../../src/network/network.ts';
import { type CpuEngines, closeCpuEngines, openCpuEngines } from '../support/cpuEngines.ts';
import { FAMILIES } from '../support/families.ts';
import { linearise, pull, sampledLowerBound } from '../support/forward.ts';
import { volume } from '../support/grid.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';
import { patience, runs } from '../support/runs.ts';

/** For the rounding of the sampling itself. */
const SLACK = 1 + 1e-9;

/** Families that have no symbols: most methods refuse them. */
const FEW_BOUNDS = ['reflected signals', 'replicated signals'];

/** Their networks take several times as long as others. */
const SLOW = ['three-dimensional convolutions', 'two-dimensional branches'];

/** Why a method may have no bound. */
const DOCUMENTED = [
  /reshape to/,
  /circular padding beside operators that need another torus/,
  /on grids of spacing/,
  /while .* already reads whole tensors beside it/,
  /while other branches live on/,
  /the method unrolled/,
  /there is nothing to search: the bound is 0/,
  // Only the unrolled method covers these.
  /(reflect|replicate) padding/,
];

/** A closed form may fail where its D lies within rounding of S: seldom. */
const NOT_DOMINATED = /the multipliers do not dominate S/;

const rule = fc.constantFrom(...RULE_NAMES);

const method: fc.Arbitrary<BoundOptions> = fc.oneof(
  { weight: 4, arbitrary: rule.map((name) => ({ method: 'closed-form' as const, rule: name })) },
  { weight: 2, arbitrary: rule.map((name) => ({ method: 'unrolled' as const, rule: name })) },
  { weight: 1, arbitrary: fc.constant({ method: 'spectral-product' as const }) },
  { weight: 1, arbitrary: fc.constant({ evaluations: 20 }) },
  { weight: 2, arbitrary: fc.nat(12).map((evaluations) => ({ method: 'refined' as const, evaluations })) },
  // So little that every frequency is a chunk of its own and covariances are recomputed.
  {
    weight: 1,
    arbitrary: rule.map((name) => ({ method: 'closed-form' as const, rule: name, memory: 1000 })),
  },
);

/** Frequency by frequency large tori, those of three dimensions all, take minutes: theirs come in pieces. */
function affordable({ tensors }: Network, options: BoundOptions): BoundOptions {
  const large = tensors.some(({ shape }) => shape.length > 3 || volume(shape.slice(1)) > 40);
  return options.memory !== undefined && large ? { ...options, memory: 1e5 } : options;
}

/** In as little memory as it takes, where what is given is less. */
async function boundInMemory(network: Network, options: BoundOptions): Promise<BoundResult> {
  try {
    return await bound(network, options);
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
    return bound(network, { ...options, memory: error.bytes });
  }
}

function expectAbove(name: string, bound: number, slope: number): void {
  if (!(slope <= bound * SLACK))
    throw new Error(`${name}: the bound must be at least ${slope}, got ${bound}`);
}

function expectDocumented(reason: string): void {
  if (!DOCUMENTED.some((known) => known.test(reason)))
    throw new Error(`refused for another reason: ${reason}`);
}

/** ‖∇(f_i − f_j)‖ at a few points. */
function steepestMargin(network: Network, i: number, j: number, seed: number): number {
  const random = new Random(seed);
  const inputs = volume(network.tensors[network.input]!.shape);
  let steepest = 0;
  for (const scale of [1, 10]) {
    const point = linearise(network, random.normals(inputs, scale));
    const readOut = new Float64Array(point.value.length);
    readOut[i]! += 1;
    readOut[j]! -= 1;
    steepest = Math.max(steepest, Math.hypot(...pull(point, readOut)));
  }
  return steepest;
}

let engines: CpuEngines;
beforeAll(async () => {
  engines = await openCpuEngines();
});
afterAll(() => closeCpuEngines(engines));

describe.each(Object.entries(FAMILIES))('bounds of %s', (name, plans) => {
  it(
    'lie above every slope that sampling finds',
    async () => {
      let networks = 0;
      let bounded = 0;
      let failures = 0;
      await fc.assert(
        fc.asyncProperty(plans, method, fc.nat(), async (plan, drawn, seed) => {
          const network = networkOf(plan);
          const options = affordable(network, drawn);
          const engine = seed % 4 === 0 ? (engines.blas ?? engines.wasm) : engines.wasm;
          networks++;
          let result: BoundResult;
          try {
            result = await boundInMemory(network, { ...options, engine });
          } catch (error) {
            if (!(error instanceof UnsupportedError)) throw error;
            for (const { found } of error.items) expectDocumented(found);
            return;
          }
          const steepest = sampledLowerBound(network, 8, seed);
          bounded++;
          for (const row of result.methods) {
            const value = row.bound ?? (row.log10 === null ? null : 10 ** row.log10);
            if (value !== null) {
              expectAbove([row.method, row.rule].join(' '), value, steepest);
              if (result.lower) expectAbove([row.method, row.rule].join(' '), value, result.lower.value!);
              else expect(result.note).toMatch(/^No lower bound|. No lower bound/);
            } else if (NOT_DOMINATED.test(row.error ?? '')) failures += 1 / result.methods.length;
            else expectDocumented(row.error ?? 'no bound and no reason');
          }
          result.margins?.forEach((row, i) => {
            row.forEach((margin, j) => {
              // A difference of covariances: exact to about √ε of the bound.
              const slope = steepestMargin(network, i, j, seed) - 1e-7 * result.bound!;
              expectAbove(`margin ${i} ${j}`, margin, slope);
            });
          });
        }),
        { numRuns: runs(SLOW.includes(name) ? 10 : 40) },
      );
      expect(bounded).toBeGreaterThanOrEqual((FEW_BOUNDS.includes(name) ? 0.1 : 0.6) * networks);
      // By network: where one rule fails, all of them may.
      expect(failures).toBeLessThan(1 + 0.02 * bounded);
    },
    patience(),
  );
});
