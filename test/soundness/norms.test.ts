/** Bounds in ℓ∞ and ℓ1 on random networks: above every slope, below what other bounds say of them, exact where that is known. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { programIn } from '../../src/bounds/paths/normed.ts';
import type { BoundOptions, BoundResult } from '../../src/bounds/result.ts';
import { rowValue } from '../../src/bounds/runs/rows.ts';
import { sweep } from '../../src/ellipsoid/sweep/sweep.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { type DenseLayer, NetworkBuilder } from '../../src/network/builder.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../src/network/network.ts';
import { moduliOf } from '../../src/network/norms/moduli.ts';
import type { NormPair } from '../../src/network/norms/norm.ts';
import { transposed } from '../../src/network/norms/transposed.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import type { Program } from '../../src/program/program.ts';
import { toNumber } from '../../src/scaled.ts';
import { FAMILIES } from '../support/families.ts';
import { jacobian } from '../support/forward.ts';
import { volume } from '../support/grid.ts';
import { length, matrixNorm, PAIRS, steepestSlope, times } from '../support/normSlopes.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';
import { patience, runs } from '../support/runs.ts';

/** For the rounding of the sampling. */
const SLACK = 1 + 1e-9;

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

function asked(
  network: Network,
  { input, output }: NormPair,
  options: BoundOptions = {},
): Promise<BoundResult> {
  return bound(network, { engine, norm: input, outputNorm: output, ...options });
}

const nameOf = ({ input, output }: NormPair) => `ℓ${input} → ℓ${output}`;

/** A network of fully connected layers with ReLUs between them. */
function perceptron(sizes: readonly number[], seed: number, how: 'normal' | 'positive' = 'normal'): Network {
  const random = new Random(seed);
  const layers = sizes.slice(1).map((outputs, k): DenseLayer => {
    const weights = random.normals(outputs * sizes[k]!, 1 / Math.sqrt(sizes[k]!));
    const weight = how === 'positive' ? weights.map(Math.abs) : weights;
    const last = k === sizes.length - 2;
    return {
      weight,
      bias: random.normals(outputs, how === 'positive' ? 0 : 0.1),
      ...(!last && { activation: 'relu' }),
    };
  });
  return NetworkBuilder.fromDense(layers);
}

const NAMES = [
  'multilayer perceptrons',
  'residual perceptrons',
  'one-dimensional convolutions',
  'pooling',
  'one-dimensional branches',
] as const;

const options: fc.Arbitrary<BoundOptions> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('SN(1.3)' as const, 'GC(1.7)' as const, 'mixed' as const)
      .map((rule) => ({ rule })),
  },
  { weight: 2, arbitrary: fc.nat(12).map((evaluations) => ({ evaluations })) },
  { weight: 1, arbitrary: fc.constant({ method: 'unrolled' as const, rule: 'GC(1.7)' as const }) },
  { weight: 1, arbitrary: fc.constant({ method: 'moduli-product' as const }) },
);

describe.each(NAMES)('bounds of %s in every pair of norms', (name) => {
  it(
    'lie above every slope',
    async () => {
      let bounded = 0;
      await fc.assert(
        fc.asyncProperty(
          FAMILIES[name],
          fc.constantFrom(...PAIRS.slice(1)),
          options,
          fc.nat(),
          async (plan, norms, drawn, seed) => {
            const network = networkOf(plan);
            let result: BoundResult;
            try {
              result = await asked(network, norms, drawn);
            } catch (error) {
              if (!(error instanceof UnsupportedError)) throw error;
              return;
            }
            const steepest = steepestSlope(network, norms, 6, seed);
            for (const { method, rule, bound: value } of result.methods) {
              if (value === null) continue;
              bounded++;
              if (!(steepest <= value * SLACK))
                throw new Error(`${nameOf(norms)}, ${method} ${rule}: at least ${steepest}, got ${value}`);
              expect(result.lower?.value ?? 0).toBeLessThanOrEqual(value * SLACK);
            }
          },
        ),
        { numRuns: runs(20) },
      );
      expect(bounded).toBeGreaterThan(runs(20));
    },
    patience(),
  );
});

describe('weights', () => {
  it('measure the input', async () => {
    const network = perceptron([4, 6, 3], 3);
    const weights = Float64Array.of(2, 0, 0.5, 1);
    for (const norms of PAIRS) {
      const result = await asked(network, norms, { weights });
      const random = new Random(5);
      for (let k = 0; k < 30; k++) {
        const x = random.normals(4);
        const direction =
          norms.input === '1'
            ? new Float64Array(4).map((_, i) => (i === k % 4 ? 1 : 0))
            : norms.input === 'inf'
              ? random.normals(4).map(Math.sign)
              : random.normals(4);
        const y = x.map((value, i) => value + 0.3 * direction[i]! * weights[i]!);
        const [a, b] = [evaluate(network, x), evaluate(network, y)];
        const slope =
          length(
            a.map((value, i) => value - b[i]!),
            norms.output,
          ) /
          (0.3 * length(direction, norms.input));
        expect(slope).toBeLessThanOrEqual(result.bound! * SLACK);
      }
      expect(result.weights).toEqual(weights);
    }
  });

  it('of one and the same number are a factor', async () => {
    const network = perceptron([5, 7, 3], 4);
    for (const norms of PAIRS) {
      const rule = { rule: 'SN(1.3)' as const };
      const plain = await asked(network, norms, rule);
      const double = await asked(network, norms, { ...rule, weights: new Float64Array(5).fill(2) });
      expect(double.bound! / plain.bound!).toBeCloseTo(2, 6);
    }
  });

  it('must be as many numbers of at least 0 as there are inputs', async () => {
    const network = perceptron([2, 3, 2], 4);
    for (const weights of [[1], [1, -1], [1, Number.NaN], [0, 0], [1, Infinity]]) {
      await expect(asked(network, { input: 'inf', output: '2' }, { weights })).rejects.toThrow(/^weights: /);
    }
  });
});

describe('bounds from ℓ∞', () => {
  it('are at most √n times those from ℓ2, and the product of ∞-norms', async () => {
    for (let seed = 0; seed < runs(5); seed++) {
      const sizes = [3 + (seed % 4), 8, 6, 1 + (seed % 3)];
      const network = perceptron(sizes, seed);
      // The constant itself is among them.
      const plain = (await asked(network, { input: '2', output: '2' }, { lower: false })).bound!;
      const box = await asked(network, { input: 'inf', output: '2' }, { lower: false });
      expect(box.bound!).toBeLessThanOrEqual(Math.sqrt(sizes[0]!) * plain * (1 + 2e-6));
      expect(box.exact).toBeUndefined();
      const spread = await asked(network, { input: '2', output: '1' }, { lower: false });
      expect(spread.bound!).toBeLessThanOrEqual(Math.sqrt(sizes[3]!) * plain * (1 + 2e-6));
      const own = await asked(network, { input: 'inf', output: 'inf' }, { lower: false });
      const norms = network.nodes.flatMap(({ operator }) =>
        operator.kind === 'affine'
          ? [
              matrixNorm(
                Float64Array.from(operator.weight),
                operator.inputs,
                { input: 'inf', output: 'inf' },
                new Random(1),
              ),
            ]
          : [],
      );
      expect(own.bound!).toBeLessThanOrEqual(norms.reduce((a, b) => a * b, 1) * SLACK);
    }
  });

  it('are exact where weights and slopes are not negative', async () => {
    const network = perceptron([6, 9, 7, 4], 2, 'positive');
    for (const output of ['2', 'inf', '1'] as const) {
      const result = await asked(network, { input: 'inf', output }, { lower: false });
      // All is active there, and all is 0 at 0.
      const reached = length(evaluate(network, new Float64Array(6).fill(1)), output);
      expect(reached / result.bound!).toBeGreaterThan(1 - 1e-9);
      expect(reached / result.bound!).toBeLessThan(1 + 1e-12);
    }
  });
});

it('the largest of several outputs has multipliers of its own', async () => {
  const network = perceptron([5, 12, 12, 4], 21);
  const norms: NormPair = { input: 'inf', output: 'inf' };
  const together = await asked(network, norms, { lower: false, method: 'refined' });
  const rows = together.methods.filter(({ method }) => method === 'refined');
  expect(rows).toHaveLength(2);
  expect(rows[1]!.bound!).toBeLessThan(rows[0]!.bound!);
  expect(together.note).toMatch(/Of 4 outputs the largest had multipliers of their own/);
  const last = network.nodes.at(-1)!.operator;
  if (last.kind !== 'affine') throw new Error('the last layer is affine');
  let alone = 0;
  for (let k = 0; k < 4; k++) {
    const row = {
      ...last,
      outputs: 1,
      weight: Float64Array.from(last.weight).slice(k * 12, (k + 1) * 12),
      bias: new Float64Array(1),
    };
    const tensors = network.tensors.map((tensor, id) =>
      id === network.output ? { ...tensor, shape: [1] } : tensor,
    );
    const single: Network = {
      ...network,
      tensors,
      nodes: [...network.nodes.slice(0, -1), { ...network.nodes.at(-1)!, operator: row }],
    };
    alone = Math.max(alone, (await asked(single, norms, { lower: false, method: 'refined' })).bound!);
  }
  expect(together.bound! / alone).toBeGreaterThan(1 - 0.01);
  expect(together.bound! / alone).toBeLessThan(1.03);
});

describe('linear networks', () => {
  it('have exact bounds in norms that have corners at the input or facets at the output', async () => {
    const random = new Random(8);
    const weight = random.normals(4 * 6);
    const network = NetworkBuilder.fromDense([{ weight, bias: new Float64Array(4) }]);
    for (const norms of PAIRS) {
      const result = await asked(network, norms, { evaluations: 300 });
      const exact = matrixNorm(weight, 6, norms, random);
      expect(result.bound!).toBeGreaterThanOrEqual(exact * (1 - 1e-12));
      // From ℓ∞ to ℓ2, and to ℓ1, and from ℓ2 to ℓ1 these are hard to compute; the ellipsoid is at most √(π/2), and Grothendieck's constant, above.
      const hard =
        norms.output !== 'inf' && norms.input !== '1' && !(norms.input === '2' && norms.output === '2');
      if (hard) expect(result.bound! / exact).toBeLessThan(1.25);
      // Eight power steps are no more than nearly there.
      else if (norms.input === '2' && norms.output === '2') expect(result.bound! / exact).toBeLessThan(1.01);
      else expect(result.bound! / exact).toBeLessThan(1 + 1e-6);
    }
  });

  it('of one output have exact bounds by the search', async () => {
    const weight = Float64Array.of(3, -1, 0.5, 0.01, 2);
    const network = NetworkBuilder.fromDense([{ weight, bias: [0] }]);
    const result = await asked(network, { input: 'inf', output: '2' });
    const refined = result.methods.find(({ method }) => method === 'refined')!;
    expect(refined.bound!).toBeGreaterThanOrEqual(6.51);
    expect(refined.bound!).toBeLessThan(6.51 * 1.0005);
  });
});

describe('sorting networks', () => {
  it('have transposed ones', async () => {
    const random = new Random(12);
    for (const size of [2, 3]) {
      const b = new NetworkBuilder('sorting');
      let x = b.input('x', [4]);
      for (let k = 0; k < 2; k++) {
        x = b.add(
          `fc ${k}`,
          {
            kind: 'affine',
            outputs: 6,
            inputs: k === 0 ? 4 : 6,
            weight: random.normals(k === 0 ? 24 : 36, 0.5),
          },
          [x],
        );
        const groups = Array.from({ length: 6 / size }, (_, g) =>
          Int32Array.from({ length: size }, (_, i) => g * size + i),
        );
        const sort = {
          kind: 'grouped',
          function: { name: 'sort', descending: k === 1 },
          groups,
          wide: false,
        } as const;
        x = b.add(`sort ${k}`, sort, [x]);
      }
      const network = b.build(
        b.add('end', { kind: 'affine', outputs: 2, inputs: 6, weight: random.normals(12) }, [x]),
      );
      for (const output of ['2', 'inf', '1'] as const) {
        const result = await asked(network, { input: '1', output }, { sensitivities: true });
        expect(result.methods.find(({ method }) => method === 'refined')!.bound).toBeGreaterThan(0);
        expect(result.loose).toBeUndefined();
        let steepest = 0;
        for (let k = 0; k < 300; k++) {
          const x = random.normals(4);
          const y = x.map((v, j) => (j === k % 4 ? v + 0.01 : v));
          const [a, b] = [evaluate(network, x), evaluate(network, y)];
          const slope =
            length(
              a.map((v, i) => v - b[i]!),
              output,
            ) / Math.abs(y[k % 4]! - x[k % 4]!);
          expect(slope).toBeLessThanOrEqual(result.sensitivities![k % 4]! * (1 + 1e-9));
          steepest = Math.max(steepest, slope);
        }
        for (const { bound: value } of result.methods)
          expect(value!).toBeGreaterThanOrEqual(steepest * (1 - 1e-9));
        expect(result.bound! / steepest).toBeLessThan(1.7);
      }
    }
  });
});

describe('images', () => {
  const image = (() => {
    const random = new Random(11);
    const b = new NetworkBuilder('image');
    const x = b.input('x', [2, 5]);
    const weight = random.normals(3 * 2 * 3, 0.5);
    const padding = { mode: 'zero', before: [1], after: [1] } as const;
    const y = b.add(
      'conv',
      {
        kind: 'convolution',
        inputs: 2,
        outputs: 3,
        groups: 1,
        kernel: [3],
        stride: [1],
        dilation: [1],
        padding,
        weight,
      },
      [x],
    );
    const z = b.add('relu', { kind: 'nonlinearity', function: { name: 'relu' } }, [y]);
    return b.build(b.add('fc', { kind: 'affine', outputs: 2, inputs: 15, weight: random.normals(30) }, [z]));
  })();

  it('say what they give away on a torus, and not where every entry has a multiplier', async () => {
    const torus = await asked(image, { input: 'inf', output: '2' }, { method: 'closed-form' });
    expect(torus.loose).toMatch(/all 5 positions of a channel/);
    const unrolled = await asked(image, { input: 'inf', output: '2' }, { method: 'unrolled' });
    expect(unrolled.loose).toBeUndefined();
    expect(unrolled.bound!).toBeLessThan(torus.bound!);
    const fromOne = await asked(image, { input: '1', output: '2' }, { method: 'closed-form' });
    expect(fromOne.loose).toMatch(/from ℓ2/);
  });
});

describe('margins from ℓ∞', () => {
  it('are above every slope, whatever factors paths have', async () => {
    for (const seed of [1, 2, 3]) {
      const random = new Random(seed);
      const b = new NetworkBuilder('image');
      const x = b.input('x', [1, 4, 4]);
      const y = b.add(
        'conv',
        {
          ...{ kind: 'convolution', inputs: 1, outputs: 2, groups: 1, kernel: [3, 3] },
          ...{ stride: [1, 1], dilation: [1, 1], weight: random.normals(18) },
          padding: { mode: 'zero', before: [1, 1], after: [1, 1] },
        },
        [x],
      );
      const z = b.add('relu', { kind: 'nonlinearity', function: { name: 'relu' } }, [y]);
      const weight = random.normals(3 * 32);
      const network = b.build(b.add('fc', { kind: 'affine', outputs: 3, inputs: 32, weight }, [z]));
      const pairs = [
        [0, 1],
        [0, 2],
        [1, 2],
      ] as const;
      const slopes = pairs.map(() => 0);
      for (let k = 0; k < 20; k++) {
        const j = jacobian(network, random.normals(16));
        for (const [n, [p, q]] of pairs.entries()) {
          const row = j.slice(16 * p, 16 * p + 16).map((value, c) => value - j[16 * q + c]!);
          slopes[n] = Math.max(
            slopes[n]!,
            row.reduce((sum, value) => sum + Math.abs(value), 0),
          );
        }
      }
      for (const target of ['global', 'margins'] as const) {
        const { margins } = await asked(network, { input: 'inf', output: '2' }, { target, evaluations: 10 });
        for (const [n, [p, q]] of pairs.entries())
          expect(margins![p]![q]!).toBeGreaterThanOrEqual(slopes[n]! * (1 - 1e-12));
      }
    }
  });
});

describe('weights whose squares leave float64', () => {
  const scales = [1e-170, 1e-200, 1e-320, 1e170, 1e200];
  it.each(scales)('are bounded in every pair of norms: %d', async (scale) => {
    const weight = Float64Array.of(scale, 2 * scale, 3 * scale, scale);
    const network = NetworkBuilder.fromDense([{ weight, bias: [0, 0] }]);
    for (const norms of PAIRS) {
      const result = await asked(network, norms, { evaluations: 5 });
      const columns = [
        [scale, 3 * scale],
        [2 * scale, scale],
      ];
      // ‖J e_2‖ is below the norm from wherever.
      const below = Math.max(
        ...columns.map(
          (column) => length(Float64Array.of(1, column[1]! / column[0]!), norms.output) * column[0]!,
        ),
      );
      for (const row of result.methods)
        if (row.bound !== null)
          expect(row.bound, `${nameOf(norms)} ${row.method}`).toBeGreaterThanOrEqual(below * (1 - 1e-12));
    }
  });

  it('do not make other sensitivities vanish, or their own', async () => {
    const random = new Random(4);
    const first = random.normals(20).map((w, k) => (k % 4 === 0 ? w * 1e-170 : w));
    const network = NetworkBuilder.fromDense([
      { weight: first, bias: random.normals(5), activation: 'relu' },
      { weight: random.normals(15), bias: random.normals(3) },
    ]);
    const { sensitivities } = await asked(network, { input: '1', output: '2' }, { sensitivities: true });
    const j = jacobian(network, random.normals(4));
    for (let c = 0; c < 4; c++) {
      const size = Math.hypot(...[0, 1, 2].map((r) => j[4 * r + c]! / (c === 0 ? 1e-170 : 1)));
      expect(sensitivities![c]! / (c === 0 ? 1e-170 : 1)).toBeGreaterThanOrEqual(size * (1 - 1e-9));
    }
  });
});

describe('large files', () => {
  it('a softmax is one maximum, not one for every entry', () => {
    const b = new NetworkBuilder('softmax');
    const network = b.build(
      b.add('softmax', { kind: 'softmax', logarithm: false }, [b.input('x', [30_000])]),
    );
    const entries = moduliOf(network)!.nodes.reduce(
      (sum, { operator }) =>
        operator.kind === 'max-gather'
          ? sum + operator.windows.reduce((all, { length: own }) => all + own, 0)
          : sum,
      0,
    );
    expect(entries).toBe(30_000);
  });

  it('a permutation has a permutation as its transpose, repetitions a matrix as long as these are small', () => {
    const gathered = (sources: Int32Array) => {
      const b = new NetworkBuilder('gather');
      const x = b.input('x', [sources.length]);
      return transposed(b.build(b.add('g', { kind: 'gather', sources, shape: [sources.length] }, [x])));
    };
    const turned = gathered(Int32Array.of(2, 0, 1));
    expect('nodes' in turned && turned.nodes.map(({ operator }) => operator.kind)).toEqual(['gather']);
    expect('nodes' in turned && [...evaluate(turned, Float64Array.of(5, 6, 7))]).toEqual([6, 7, 5]);
    expect(gathered(new Int32Array(8190))).toHaveProperty('found', 'gather');
  });
});

describe('planted faults', () => {
  /** The bound of a program of a network over its steepest slope. */
  async function margin(
    network: Network,
    norms: NormPair,
    change: (program: Program) => Program,
  ): Promise<number> {
    const program = change(programIn(simplify(network), { norms, pair: undefined }));
    const [outcome] = await sweep(engine, program, {
      runs: [{ name: 'SN(1)' }],
      memory: 1e9,
      skips: new Map(),
    });
    return toNumber(rowValue(program, outcome!, undefined))! / steepestSlope(network, norms, 20, 1);
  }

  const without =
    (windows: number) =>
    (program: Program): Program => ({
      ...program,
      segments: program.segments.map((segment) => ({
        ...segment,
        steps: segment.steps.map((step) =>
          step.kind === 'maximum'
            ? { ...step, maximum: { ...step.maximum, overlap: step.maximum.overlap / windows } }
            : step,
        ),
      })),
    });

  it('are caught', async () => {
    const linear = NetworkBuilder.fromDense([{ weight: [[1, 1, 1, 1]], bias: [0] }]);
    const box: NormPair = { input: 'inf', output: '2' };
    expect(await margin(linear, box, (p) => p)).toBeGreaterThan(1 - 1e-9);
    // An entry that counts once although all are the same number.
    expect(await margin(linear, box, without(4))).toBeLessThan(0.6);
    const signals = new NetworkBuilder('signals');
    const x = signals.input('x', [1, 6]);
    const sum = signals.build(signals.add('mean', { kind: 'global-average-pool', sum: true }, [x]));
    expect(await margin(sum, box, (p) => p)).toBeGreaterThan(1 - 1e-9);
    expect(await margin(sum, box, (p) => ({ ...p, factor: p.factor / Math.sqrt(6) }))).toBeLessThan(0.6);
    // The length of the output in place of the sum of its moduli, and rows in place of columns.
    const other = (network: Network, norms: NormPair) => () => programIn(network, { norms, pair: undefined });
    const double = NetworkBuilder.fromDense([{ weight: [[1], [1]], bias: [0, 0] }]);
    for (const output of ['1', '2'] as const) {
      const norms: NormPair = { input: '1', output };
      expect(await margin(double, norms, (p) => p)).toBeGreaterThan(1 - 1e-9);
      expect(await margin(double, norms, other(double, { input: '2', output: 'inf' }))).toBeLessThan(0.75);
    }
    const sums: NormPair = { input: '2', output: '1' };
    expect(await margin(double, sums, (p) => p)).toBeGreaterThan(1 - 1e-9);
    expect(await margin(double, sums, other(double, { input: '2', output: '2' }))).toBeLessThan(0.75);
  });
});

it('matrices are measured by their corners', () => {
  const random = new Random(2);
  const a = Float64Array.of(1, 2, -3, 4);
  expect(matrixNorm(a, 2, { input: 'inf', output: 'inf' }, random)).toBe(7);
  expect(matrixNorm(a, 2, { input: '1', output: '1' }, random)).toBe(6);
  expect(matrixNorm(a, 2, { input: '1', output: 'inf' }, random)).toBe(4);
  expect(matrixNorm(a, 2, { input: '2', output: 'inf' }, random)).toBeCloseTo(5, 12);
  expect(times(a, Float64Array.of(1, 1))).toEqual(Float64Array.of(3, 1));
  expect(volume([2, 3])).toBe(6);
});
