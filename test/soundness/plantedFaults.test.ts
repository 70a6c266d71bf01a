/**
 * Tests of the tests: the pipeline with a fault planted in it, made by altering the program or the engine that it runs on,
 * must be caught by the comparisons that the other files make. Each fault once gave, or could give, a plausible number.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../src/ellipsoid/compile.ts';
import type { RuleName } from '../../src/ellipsoid/multipliers.ts';
import type { Program, Step } from '../../src/ellipsoid/program.ts';
import { fuseMaxima, inlineSums } from '../../src/ellipsoid/rewrite.ts';
import { schedule } from '../../src/ellipsoid/schedule.ts';
import { type LinearMap, variablesOf } from '../../src/ellipsoid/variables.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine, Matrices, Vector } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import type { Convolution, Operator } from '../../src/network/operator.ts';
import { simplify } from '../../src/network/simplify.ts';
import { denseOracle, NotDominated } from '../support/denseOracle.ts';
import { FAMILIES } from '../support/families.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { frequencyPath, oracleFor } from '../support/frequencyPath.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

type Alteration = (program: Program) => Program;

/** Sampled slope over the bound: above 1 a violation of soundness. */
async function excess(network: Network, alter: Alteration, rule: RuleName = 'SN(1)'): Promise<number> {
  const simple = simplify(network);
  const { squared } = await frequencyPath(engine, simple, rule, alter(compile(simple)));
  return sampledLowerBound(network, 20, 1) / Math.sqrt(squared);
}

/** Frequency path over oracle, both squared. */
async function agreement(network: Network, alter: Alteration): Promise<number> {
  const simple = simplify(network);
  const path = await frequencyPath(engine, simple, 'GC(1.5)', alter(compile(simple)));
  return path.squared / oracleFor(simple, path).squared;
}

const unaltered: Alteration = (program) => program;

const alterMaps =
  (change: (map: LinearMap) => LinearMap): Alteration =>
  (program) =>
    alterSteps((step) =>
      step.kind === 'linear' || step.kind === 'read'
        ? { ...step, terms: step.terms.map((p) => ({ ...p, term: { ...p.term, map: change(p.term.map) } })) }
        : step,
    )(program);

const alterSteps =
  (change: (step: Step) => Step): Alteration =>
  (program) => ({
    ...program,
    segments: program.segments.map((segment) => ({ ...segment, steps: segment.steps.map(change) })),
  });

const RELU: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };

/** A convolution of a signal with kernel 3 that keeps its length. */
function convolution(
  inputs: number,
  outputs: number,
  mode: 'zero' | 'circular',
  random: Random,
): Convolution {
  return {
    kind: 'convolution',
    inputs,
    outputs,
    groups: 1,
    kernel: [3],
    stride: [1],
    dilation: [1],
    padding: { mode, before: [1], after: [1] },
    weight: random.normals(outputs * inputs * 3, 0.5),
  };
}

/** y = x + G φ(W x) on a circular signal. */
function residualNetwork(): Network {
  const random = new Random(3);
  const builder = new NetworkBuilder('residual');
  const x = builder.input('x', [2, 6]);
  const inner = builder.add('inner', convolution(2, 2, 'circular', random), [x]);
  const branch = builder.add('outer', convolution(2, 2, 'circular', random), [
    builder.add('relu', RELU, [inner]),
  ]);
  return builder.build(builder.add('sum', { kind: 'add', coefficients: [1, 1] }, [x, branch]));
}

/** A circular convolution, ReLU, and a fully connected layer that reads positions. */
function readNetwork(): Network {
  const random = new Random(4);
  const builder = new NetworkBuilder('read');
  const x = builder.input('x', [2, 6]);
  const inner = builder.add('inner', convolution(2, 2, 'circular', random), [x]);
  const relu = builder.add('relu', RELU, [inner]);
  const weight = random.normals(3 * 12);
  return builder.build(builder.add('read', { kind: 'affine', outputs: 3, inputs: 12, weight }, [relu]));
}

function pooledNetwork(): Network {
  const builder = new NetworkBuilder('pooled');
  const x = builder.input('x', [1, 6]);
  const pool: Operator = {
    kind: 'max-pool',
    kernel: [3],
    stride: [1],
    dilation: [1],
    before: [1],
    after: [1],
  };
  return builder.build(builder.add('pool', pool, [x]));
}

describe('the oracle finds', () => {
  it('nothing where there is no fault', async () => {
    expect(await agreement(residualNetwork(), unaltered)).toBeCloseTo(1, 9);
    expect(await agreement(readNetwork(), unaltered)).toBeCloseTo(1, 9);
  });

  it('the pad forgotten in the phase of a branch', async () => {
    const forget = alterMaps((map) => (map.kind === 'convolution' ? { ...map, before: [0] } : map));
    expect(Math.abs((await agreement(residualNetwork(), forget)) - 1)).toBeGreaterThan(1e-3);
  });

  it('the wrong sign of the phase where positions are read', async () => {
    // e^{−iωu} for e^{+iωu}: up to a common phase, the window read backwards.
    const mirror = alterMaps((map) => {
      if (map.kind !== 'read') return map;
      const weight = map.weight.map((_, k) => map.weight[k - (k % 6) + (5 - (k % 6))]!);
      return { ...map, weight };
    });
    expect(Math.abs((await agreement(readNetwork(), mirror)) - 1)).toBeGreaterThan(1e-3);
  });

  it('the wrong sign of the phase in one convolution of a branch', async () => {
    const mirror = alterMaps((map) => {
      if (map.kind !== 'convolution') return map;
      const { entries, sides } = map.kernel;
      return { ...map, kernel: { sides, entries: (t, put) => entries(2 - t, put) } };
    });
    const once: Alteration = (program) => {
      let first = true;
      return alterSteps((step) => {
        if (step.kind !== 'linear' || !first) return step;
        first = false;
        return mirror({ ...program, segments: [{ ...program.segments[0]!, steps: [step] }] }).segments[0]!
          .steps[0]!;
      })(program);
    };
    expect(Math.abs((await agreement(residualNetwork(), once)) - 1)).toBeGreaterThan(1e-3);
  });

  it('a multiplier below the covariance', async () => {
    const network = simplify(residualNetwork());
    const { choices } = await frequencyPath(engine, network, 'SN(1)');
    const lowered = {
      ...choices,
      multiplier: (name: string) => choices.multiplier(name)?.map((d) => 0.45 * d),
    };
    expect(() => denseOracle(network, choices)).not.toThrow();
    expect(() => denseOracle(network, lowered)).toThrow(NotDominated);
  });
});

describe('sampling finds', () => {
  it('an overlap of max-pooling windows that was not counted', async () => {
    const uncounted = alterSteps((step) =>
      step.kind === 'maximum' ? { ...step, maximum: { ...step.maximum, overlap: 1 } } : step,
    );
    expect(await excess(pooledNetwork(), unaltered)).toBeLessThan(1 + 1e-9);
    expect(await excess(pooledNetwork(), uncounted)).toBeGreaterThan(1.2);
  });

  it('a window rule that is switched off', async () => {
    let violations = 0;
    const family = FAMILIES['linear chains of padded convolutions'];
    for (const plan of fc.sample(family, { numRuns: 150, seed: 1 })) {
      const network = networkOf(plan);
      const simple = simplify(network);
      const hasReshape = simple.nodes.some((node) => node.operator.kind === 'reindex');
      if (hasReshape) continue;
      const program = schedule(fuseMaxima(inlineSums(variablesOf(simple))));
      const { squared } = await frequencyPath(engine, simple, 'SN(1)', program);
      if (sampledLowerBound(network, 4, 1) > Math.sqrt(squared) * (1 + 1e-6)) violations++;
    }
    expect(violations).toBeGreaterThan(3);
  });

  it('an eigenvalue that was approached from below', async () => {
    const low = altered(engine, 'spectralRadius', (radius) => engine.combine([[0.98, radius]]));
    const network = linearNetwork();
    const { squared } = await frequencyPath(low, simplify(network), 'SN(1)');
    expect(sampledLowerBound(network, 4, 1)).toBeGreaterThan(Math.sqrt(squared) * (1 + 1e-6));
    expect(await excess(network, unaltered)).toBeLessThan(1 + 1e-9);
  });
});

describe('the library itself refuses', () => {
  it.each(['SN(1)', 'GC(1.5)', 'Shift(1.3)'] as const)(
    'multipliers of %s from statistics that are too small',
    async (rule) => {
      const statistic = {
        'SN(1)': 'spectralRadius',
        'GC(1.5)': 'rowSums',
        'Shift(1.3)': 'offDiagonalRadius',
      } as const;
      const low = altered(engine, statistic[rule], (value) => engine.combine([[0.1, value]]));
      const { squared } = await frequencyPath(low, simplify(readNetwork()), rule);
      expect(squared).toBeNaN();
    },
  );
});

/** The engine with one of its statistics altered. */
function altered(
  original: Engine,
  operation: 'spectralRadius' | 'rowSums' | 'offDiagonalRadius',
  change: (value: Vector) => Vector,
): Engine {
  return new Proxy(original, {
    get(target, property) {
      if (property === operation) return (s: Matrices) => change(target[operation](s));
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Two linear layers: the bound is met. */
function linearNetwork(): Network {
  const random = new Random(5);
  const builder = new NetworkBuilder('linear');
  const x = builder.input('x', [5]);
  const weight = random.normals(15);
  return builder.build(builder.add('affine', { kind: 'affine', outputs: 3, inputs: 5, weight }, [x]));
}
