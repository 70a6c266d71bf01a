/**
 * Tests of the tests: the pipeline with a fault planted in it, made by altering the program or the engine that it runs on,
 * must be caught by the comparisons that the other files make. Each fault once gave, or could give, a plausible number.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine, Matrices, Vector } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { mapped } from '../../src/network/numbers.ts';
import type { Convolution, Operator } from '../../src/network/operator.ts';
import { fuseMaxima } from '../../src/program/fuseMaxima.ts';
import { inlineSums } from '../../src/program/inlineSums.ts';
import type { Program } from '../../src/program/program.ts';
import { schedule } from '../../src/program/schedule.ts';
import { variablesOf } from '../../src/program/translate.ts';
import type { LinearMap, Variable, VariableGraph } from '../../src/program/variables.ts';
import { applyWindows } from '../../src/program/windowRule.ts';
import { denseOracle, NotDominated } from '../support/denseOracle.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { frequencyPath, oracleFor } from '../support/frequencyPath.ts';
import { Random } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

/** Changes the variables of a network before they become a program, in place. */
type Alteration = (graph: VariableGraph) => void;

const unaltered: Alteration = () => {};

const alterMaps =
  (change: (map: LinearMap, variable: Variable) => LinearMap): Alteration =>
  ({ variables }) => {
    for (const variable of variables) {
      const { origin } = variable;
      if (origin.kind !== 'linear') continue;
      const terms = origin.terms.map((term) => ({ ...term, map: change(term.map, variable) }));
      variable.origin = { kind: 'linear', terms };
    }
  };

function programOf(network: Network, alter: Alteration): Program {
  const graph = variablesOf(network);
  alter(graph);
  return schedule(applyWindows(fuseMaxima(inlineSums(graph))));
}

/** Sampled slope over the bound: above 1 a violation of soundness. */
async function excess(network: Network, program: Program): Promise<number> {
  const { squared } = await frequencyPath(engine, network, 'SN(1)', program);
  return sampledLowerBound(network, 20, 1) / Math.sqrt(squared);
}

/** How far frequency path and oracle are apart. */
async function disagreement(network: Network, alter: Alteration): Promise<number> {
  const path = await frequencyPath(engine, network, 'GC(1.5)', programOf(network, alter));
  return Math.abs(path.squared / oracleFor(network, path).squared - 1);
}

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

/** y = x + G φ(W x) on a circular signal, with weights for which the largest gain is not at frequency 0, where all phases are 1. */
function residualNetwork(): Network {
  const random = new Random(1);
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

/** A smoothing and then a differencing convolution: nothing passes both, except at the border of the window. */
function filteredNetwork(): Network {
  const builder = new NetworkBuilder('filtered');
  const x = builder.input('x', [1, 4]);
  const filter = (weight: number[]): Operator => ({
    ...convolution(1, 1, 'zero', new Random(1)),
    kernel: [5],
    padding: { mode: 'zero', before: [2], after: [2] },
    weight: Float64Array.from(weight),
  });
  const smooth = builder.add('smooth', filter([1, 4, 6, 4, 1]), [x]);
  return builder.build(builder.add('difference', filter([1, -4, 6, -4, 1]), [smooth]));
}

describe('the oracle finds', () => {
  it('nothing where there is no fault', async () => {
    expect(await disagreement(residualNetwork(), unaltered)).toBeLessThan(1e-9);
    expect(await disagreement(readNetwork(), unaltered)).toBeLessThan(1e-9);
  });

  it('the pad forgotten in the phase of a branch', async () => {
    const forget = alterMaps((map) => (map.kind === 'convolution' ? { ...map, before: [0] } : map));
    expect(await disagreement(residualNetwork(), forget)).toBeGreaterThan(1e-3);
  });

  it('the wrong sign of the phase where positions are read', async () => {
    // e^{−iωu} for e^{+iωu}: up to a common phase, the window read backwards.
    const mirror = alterMaps((map) => {
      if (map.kind !== 'read') return map;
      const weight = mapped(map.weight, (_, k) => map.weight[k - (k % 6) + (5 - (k % 6))]!);
      return { ...map, weight };
    });
    expect(await disagreement(readNetwork(), mirror)).toBeGreaterThan(1e-3);
  });

  it('the wrong sign of the phase in one convolution of a branch', async () => {
    const mirror = alterMaps((map, variable) => {
      if (map.kind !== 'convolution' || variable.name !== 'inner') return map;
      const { entries, sides } = map.kernel;
      return { ...map, kernel: { sides, entries: (t, put) => entries(2 - t, put) } };
    });
    expect(await disagreement(residualNetwork(), mirror)).toBeGreaterThan(1e-3);
  });

  it('a multiplier below the covariance', async () => {
    const network = residualNetwork();
    const { choices } = await frequencyPath(engine, network, 'SN(1)');
    const lowered = {
      ...choices,
      multiplier: (name: string) => choices.multiplier(name)?.map((d) => 0.1 * d),
    };
    expect(() => denseOracle(network, choices)).not.toThrow();
    expect(() => denseOracle(network, lowered)).toThrow(NotDominated);
  });
});

describe('sampling finds', () => {
  it('an overlap of max-pooling windows that was not counted', async () => {
    const network = pooledNetwork();
    const uncounted: Alteration = ({ variables }) => {
      for (const variable of variables) {
        if (variable.origin.kind === 'maximum') variable.origin = { ...variable.origin, overlap: 1 };
      }
    };
    expect(await excess(network, programOf(network, unaltered))).toBeLessThan(1 + 1e-9);
    expect(await excess(network, programOf(network, uncounted))).toBeGreaterThan(1.2);
  });

  it('a window rule that is switched off', async () => {
    const network = filteredNetwork();
    const unwindowed = schedule(fuseMaxima(inlineSums(variablesOf(network))));
    expect(await excess(network, programOf(network, unaltered))).toBeLessThan(1 + 1e-9);
    expect(await excess(network, unwindowed)).toBeGreaterThan(2);
  });

  it('an eigenvalue that was approached from below', async () => {
    const low = altered(engine, 'spectralRadius', (radius) => engine.combine([[0.98, radius]]));
    const network = linearNetwork();
    const { squared } = await frequencyPath(low, network, 'SN(1)');
    expect(sampledLowerBound(network, 4, 1)).toBeGreaterThan(Math.sqrt(squared) * (1 + 1e-6));
    expect(await excess(network, programOf(network, unaltered))).toBeLessThan(1 + 1e-9);
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
      const { squared } = await frequencyPath(low, readNetwork(), rule);
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

/** One linear layer: the bound is met. */
function linearNetwork(): Network {
  const random = new Random(5);
  const builder = new NetworkBuilder('linear');
  const x = builder.input('x', [5]);
  const weight = random.normals(15);
  return builder.build(builder.add('affine', { kind: 'affine', outputs: 3, inputs: 5, weight }, [x]));
}
