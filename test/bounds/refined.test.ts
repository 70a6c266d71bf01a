/**
 * The refined method against a referee that shares nothing with it, against published values, and what it says of its own search.
 * Two kinds of margin: below the optimum nothing is allowed but rounding; above it, what the method promises.
 */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { MemoryError } from '../../src/bounds/budget.ts';
import type { BoundOptions, BoundResult, TracePoint } from '../../src/bounds/result.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError } from '../../src/errors.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';
import type { Network } from '../../src/network/network.ts';
import { inDouble } from '../../src/network/numbers.ts';
import type { Operator } from '../../src/network/operator.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { type Layer, lipsdp } from '../support/lipsdp.ts';
import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';
import type { Dense } from '../support/symmetric.ts';

/** Relative; the referee's own gap is 1e-8. */
const ROUNDING = 1e-6;
/** How far above the optimum the method may end. */
const PROMISE = 1.005;

/** A network under test with the same layers for the referee. */
interface Twin {
  readonly network: Network;
  readonly layers: readonly Layer[];
  readonly inputs: number;
}

const ACTIVATIONS: readonly { readonly function: Elementwise; readonly lower: number }[] = [
  { function: { name: 'relu' }, lower: 0 },
  { function: { name: 'leaky-relu', slope: 0.1 }, lower: 0.1 },
  { function: { name: 'tanh' }, lower: 0 },
];

function gaussian(random: Random, rows: number, columns: number): Dense {
  return { rows, columns, data: random.normals(rows * columns, 1 / Math.sqrt(columns)) };
}

function affine({ rows, columns, data }: Dense): Operator {
  return { kind: 'affine', outputs: rows, inputs: columns, weight: data };
}

/** Affine layers of the given widths with activations between. */
function chain(random: Random, widths: readonly number[], activation: (typeof ACTIVATIONS)[number]): Twin {
  const builder = new NetworkBuilder('chain');
  let tensor = builder.input('x', [widths[0]!]);
  const layers: Layer[] = [];
  for (let k = 1; k < widths.length; k++) {
    if (k > 1) {
      layers.push({ kind: 'activation', lower: activation.lower, upper: 1 });
      tensor = builder.add('', { kind: 'nonlinearity', function: activation.function }, [tensor]);
    }
    const weight = gaussian(random, widths[k]!, widths[k - 1]!);
    layers.push({ kind: 'linear', weight });
    tensor = builder.add('', affine(weight), [tensor]);
  }
  return { network: builder.build(tensor), layers, inputs: widths[0]! };
}

/** Blocks y = x + G relu(W x) between two affine layers. */
function residual(random: Random, blocks: number): Twin {
  const [inputs, width, outputs] = [random.integer(1, 6), random.integer(1, 6), random.integer(1, 4)];
  const builder = new NetworkBuilder('residual');
  const first = gaussian(random, width, inputs);
  const layers: Layer[] = [{ kind: 'linear', weight: first }];
  let tensor = builder.add('', affine(first), [builder.input('x', [inputs])]);
  for (let k = 0; k < blocks; k++) {
    const hidden = random.integer(1, 6);
    const [inner, outer] = [gaussian(random, hidden, width), gaussian(random, width, hidden)];
    layers.push({ kind: 'residual', inner, outer, lower: 0, upper: 1 });
    const y = builder.add('', affine(inner), [tensor]);
    const phi = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [y]);
    const branch = builder.add('', affine(outer), [phi]);
    tensor = builder.add('', { kind: 'add', coefficients: [1, 1] }, [tensor, branch]);
  }
  const last = gaussian(random, outputs, width);
  layers.push({ kind: 'linear', weight: last });
  return { network: builder.build(builder.add('', affine(last), [tensor])), layers, inputs };
}

/** The network that computes output i minus output j. */
function differenceOf({ network, layers, inputs }: Twin, i: number, j: number): Twin {
  const outputs = network.tensors[network.output]!.shape[0]!;
  const row = new Float64Array(outputs);
  row[i] = 1;
  row[j] = -1;
  const weight = { rows: 1, columns: outputs, data: row };
  const builder = new NetworkBuilder('difference');
  const ids = new Map([[network.input, builder.input('x', [inputs])]]);
  for (const node of network.nodes) {
    const known = node.inputs.map((id) => ids.get(id)!);
    ids.set(node.output, builder.add(node.name, node.operator, known));
  }
  const output = builder.add('difference', affine(weight), [ids.get(network.output)!]);
  return { network: builder.build(output), layers: [...layers, { kind: 'linear', weight }], inputs };
}

/** The referee's layers of a chain with ReLU. */
function layersOf(network: Network): Layer[] {
  return network.nodes.map(({ name, operator }) => {
    if (operator.kind === 'affine') {
      return {
        kind: 'linear',
        weight: { rows: operator.outputs, columns: operator.inputs, data: inDouble(operator.weight) },
      };
    }
    if (operator.kind === 'nonlinearity' && operator.function.name === 'relu') {
      return { kind: 'activation', lower: 0, upper: 1 };
    }
    throw new Error(`${name}: is neither affine nor ReLU, got ${operator.kind}`);
  });
}

function searchOf(result: BoundResult) {
  return result.methods.find((m) => m.search)!.search!;
}

describe('the referee', () => {
  it('takes the spectral norm of a linear map', () => {
    const weight = { rows: 2, columns: 2, data: Float64Array.of(3, 0, 0, -4) };
    expect(lipsdp([{ kind: 'linear', weight }], 2)).toBeCloseTo(4, 7);
  });

  it('finds |g| ‖w‖ for one neuron, and with a skip the larger of both slopes', () => {
    const inner = { rows: 1, columns: 2, data: Float64Array.of(3, 4) };
    const outer = { rows: 1, columns: 1, data: Float64Array.of(-2) };
    const relu = { lower: 0, upper: 1 };
    const neuron: Layer[] = [
      { kind: 'linear', weight: inner },
      { kind: 'activation', ...relu },
      { kind: 'linear', weight: outer },
    ];
    expect(lipsdp(neuron, 2)).toBeCloseTo(10, 6);
    const one = { rows: 1, columns: 1, data: Float64Array.of(1) };
    // x − 5 s x has the slopes 1 and −4; x − s x / 2 those of 1 and ½.
    for (const [weight, slope] of [
      [-5, 4],
      [-0.5, 1],
    ] as const) {
      const strong = { rows: 1, columns: 1, data: Float64Array.of(weight) };
      expect(lipsdp([{ kind: 'residual', inner: one, outer: strong, ...relu }], 1)).toBeCloseTo(slope, 6);
    }
  });
});

describe('refined', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: 'cpu', threads: 1 });
  });
  afterAll(() => engine.close());

  const refined = (network: Network, options: BoundOptions = {}) =>
    bound(network, { engine, method: 'refined', timeLimit: 600, lower: false, ...options });

  function expectOptimal(value: number | null, { layers, inputs }: Twin, what: string): void {
    const optimum = lipsdp(layers, inputs);
    expect(value! / optimum, `${what}, over the optimum ${optimum}`).toBeGreaterThanOrEqual(1 - ROUNDING);
    expect(value! / optimum, `${what}, over the optimum ${optimum}`).toBeLessThanOrEqual(PROMISE);
  }

  describe('reaches the optimum of LipSDP', () => {
    for (const activation of ACTIVATIONS) {
      it(`on chains with ${activation.function.name}`, async () => {
        for (let seed = 1; seed <= runs(3); seed++) {
          const random = new Random(seed);
          const widths = Array.from({ length: random.integer(3, 5) }, () => random.integer(1, 8));
          const twin = chain(random, widths, activation);
          const { bound: value } = await refined(twin.network, { evaluations: 300 });
          expectOptimal(value, twin, `widths ${widths}, seed ${seed}`);
        }
      });
    }

    it('on chains with one output', async () => {
      for (let seed = 1; seed <= runs(6); seed++) {
        const random = new Random(seed);
        const widths = Array.from({ length: random.integer(2, 4) }, () => random.integer(2, 8));
        const twin = chain(random, [...widths, 1], ACTIVATIONS[0]!);
        const { bound: value } = await refined(twin.network, { evaluations: 300 });
        expectOptimal(value, twin, `widths ${widths},1, seed ${seed}`);
      }
    });

    it('on residual networks', async () => {
      for (let seed = 1; seed <= runs(9); seed++) {
        const random = new Random(seed);
        const twin = residual(random, 1 + (seed % 3));
        const { bound: value } = await refined(twin.network, { evaluations: 300 });
        expectOptimal(value, twin, `residual, seed ${seed}`);
      }
    });
  });

  const some = chain(new Random(7), [5, 8, 7, 4], ACTIVATIONS[0]!);

  function expectSound(result: BoundResult): void {
    const { bound: value, trace } = result;
    expect(value!).toBeGreaterThanOrEqual(sampledLowerBound(some.network, 200, 1) * (1 - 1e-9));
    expect(value! / lipsdp(some.layers, some.inputs)).toBeGreaterThanOrEqual(1 - ROUNDING);
    expect(trace!.at(-1)!.log10).toBeCloseTo(Math.log10(value!), 9);
  }

  describe('says how its search ended', () => {
    it('converged', async () => {
      const result = await refined(some.network, { evaluations: 1000 });
      const { status, evaluations, gap } = searchOf(result);
      expect(status).toBe('converged');
      expect(evaluations).toBeLessThan(1000);
      expect(gap).toBeGreaterThanOrEqual(0);
      expect(gap).toBeLessThan(1e-3);
      expectSound(result);
    });

    it('stopped at N evaluations', async () => {
      const result = await refined(some.network, { evaluations: 3 });
      const { status, evaluations, gap } = searchOf(result);
      expect(status).toBe('evaluations');
      expect(evaluations).toBe(3);
      expect(gap).toBeGreaterThan(0);
      expect(gap).toBeLessThan(Infinity);
      expectSound(result);
    });

    it('time limit', async () => {
      const result = await refined(some.network, { timeLimit: 1, evaluations: 1e6, tolerance: 0 });
      expect(searchOf(result).status).toBe('time limit');
      expect(result.seconds).toBeLessThan(20);
      expectSound(result);
    });

    it('interrupted, with the best so far', async () => {
      const controller = new AbortController();
      const result = await refined(some.network, {
        interrupt: controller.signal,
        onTrace: ({ evaluation }) => evaluation === 3 && controller.abort(),
      });
      expect(searchOf(result).status).toBe('interrupted');
      expect(searchOf(result).evaluations).toBe(3);
      expect(Number.isFinite(searchOf(result).gap)).toBe(true);
      expectSound(result);
    });

    it('evaluation by evaluation, never rising', async () => {
      const heard: TracePoint[] = [];
      const result = await refined(some.network, { evaluations: 40, onTrace: (point) => heard.push(point) });
      const { trace } = result;
      expect(trace).toEqual(heard);
      expect(trace!.map((point) => point.evaluation)).toEqual(
        Array.from({ length: searchOf(result).evaluations }, (_, k) => k + 1),
      );
      trace!.slice(1).forEach((point, k) => {
        expect(point.log10).toBeLessThanOrEqual(trace![k]!.log10);
        expect(point.seconds).toBeGreaterThanOrEqual(trace![k]!.seconds);
      });
      expect(trace!.some((point) => point.estimate)).toBe(false);
    });
  });

  describe('of differences of outputs', () => {
    it('reaches the optimum of the pair that is asked for', async () => {
      const { bound: global } = await refined(some.network);
      for (const [i, j] of [
        [0, 1],
        [3, 1],
      ] as const) {
        const result = await refined(some.network, { target: [i, j], evaluations: 300 });
        expect(result.target).toEqual([i, j]);
        const difference = differenceOf(some, i, j);
        expectOptimal(result.bound, difference, `outputs ${i} and ${j}`);
        expect(result.bound!).toBeGreaterThanOrEqual(sampledLowerBound(difference.network, 200, 1));
        expect(result.bound!).toBeLessThanOrEqual(Math.SQRT2 * global!);
      }
    });

    it('bounds all of them together, closer than the global target does', async () => {
      const squares = (margins: BoundResult['margins']) => margins!.flat().reduce((sum, m) => sum + m * m, 0);
      const { margins } = await refined(some.network, { target: 'margins' });
      for (let i = 0; i < 4; i++) {
        for (let j = 0; j < i; j++) {
          const { layers, inputs } = differenceOf(some, i, j);
          expect(margins![i]![j]! / lipsdp(layers, inputs)).toBeGreaterThanOrEqual(1 - ROUNDING);
        }
      }
      expect(squares(margins)).toBeLessThan(squares((await refined(some.network)).margins));
    });

    it('bounds them by the whole where a signal is only flattened at the end', async () => {
      const builder = new NetworkBuilder('flattened');
      const x = builder.input('x', [1, 2]);
      const relu = builder.add('relu', { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
      const sum = builder.add('sum', { kind: 'add', coefficients: [1, 1] }, [relu, x]);
      const network = builder.build(
        builder.add('flat', { kind: 'reindex', permutation: [0, 1], shape: [2] }, [sum]),
      );
      const { bound: whole } = await refined(network);
      expect((await refined(network, { target: 'margins' })).bound).toBeCloseTo(whole!, 9);
      expect((await refined(network, { target: [0, 1] })).bound).toBeCloseTo(Math.SQRT2 * whole!, 9);
    });
  });

  describe('starts from stored multipliers', () => {
    it('and gives the bound that they gave', async () => {
      const found = await refined(some.network);
      const again = await refined(some.network, { multipliers: found.multipliers!, evaluations: 1 });
      expect(Math.abs(again.bound! / found.bound! - 1)).toBeLessThan(1e-9);
      const anew = await refined(some.network, { evaluations: 1 });
      expect(anew.bound!).toBeGreaterThan(found.bound! * 1.001);
    });

    it('but not from those of another network', async () => {
      const { multipliers } = await refined(some.network, { evaluations: 5 });
      for (const widths of [
        [5, 8, 4],
        [5, 8, 6, 4],
      ]) {
        const other = chain(new Random(1), widths, ACTIVATIONS[0]!);
        await expect(refined(other.network, { multipliers: multipliers! })).rejects.toThrow(InputError);
      }
    });
  });

  describe('in little memory', () => {
    const random = new Random(5);
    const convolution = (outputs: number, inputs: number): Operator => ({
      kind: 'convolution',
      outputs,
      inputs,
      groups: 1,
      kernel: [3, 3],
      stride: [1, 1],
      dilation: [1, 1],
      padding: { mode: 'zero', before: [1, 1], after: [1, 1] },
      weight: random.normals(outputs * inputs * 9, 1 / Math.sqrt(inputs * 9)),
    });
    const cnn = (side: number) => {
      const builder = new NetworkBuilder('cnn');
      let tensor = builder.input('x', [2, side, side]);
      for (const operator of [convolution(6, 2), convolution(6, 6), convolution(6, 6)]) {
        tensor = builder.add('', operator, [tensor]);
        tensor = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [tensor]);
      }
      return builder.build(builder.add('', convolution(2, 6), [tensor]));
    };
    const network = cnn(12);

    it('searches those of the frequencies that have room, and bounds with all of them', async () => {
      const plenty = await refined(network, { memory: 1e7 });
      const some = await refined(network, { memory: 3e5 });
      const few = await refined(network, { memory: 6e4, evaluations: 30 });
      expect([plenty, some, few].map((result) => searchOf(result).partial)).toEqual([
        undefined,
        undefined,
        true,
      ]);
      for (const { trace, bound: value } of [plenty, some, few]) {
        expect(trace!.some((point) => point.estimate)).toBe(true);
        // The last pass is the one that counts; what came before it was no estimate.
        expect(trace!.at(-1)!.estimate).toBeUndefined();
        expect(trace!.at(-1)!.log10).toBeCloseTo(Math.log10(value!), 6);
        expect(value!).toBeGreaterThanOrEqual(sampledLowerBound(network, 20, 1));
        expect(value!).toBeGreaterThanOrEqual(plenty.bound! * 0.999);
      }
      expect(some.bound!).toBeLessThanOrEqual(plenty.bound! * 1.002);
    });

    it('says where not even that fits', async () => {
      // As much as a closed form takes, which is less than the search in many layers.
      const { network } = chain(new Random(1), new Array(13).fill(20), ACTIVATIONS[0]!);
      const refusal = await refined(network, { memory: 1000 }).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(MemoryError);
      const memory = (refusal as MemoryError).bytes;
      const [row] = (await refined(network, { memory })).methods.filter((m) => m.method === 'refined');
      expect(row!.error).toMatch(/does not fit the memory budget/);
    });
  });
});

/** The models stay where they are; without them these tests are skipped. */
const models = new URL('../../../shared/models/', import.meta.url);
const present = existsSync(new URL('reference.json', models));

/** LipSDP by an interior-point solver, published with nine digits. */
const INTERIOR_POINT: Readonly<Record<string, number>> = {
  'fnn2_seed0.onnx': 5.10971477,
  'fnn2_seed1.onnx': 5.22694964,
  'fnn3_seed0.onnx': 9.7286139,
  'fnn3_seed1.onnx': 9.79178633,
};

/** Published optima and exact constants: the bound may be at most `most`, and is wrong below `least`. */
const PUBLISHED: Readonly<Record<string, { readonly most: number; readonly least?: number }>> = {
  ...Object.fromEntries(
    Object.entries(INTERIOR_POINT).map(([file, optimum]) => [
      file,
      { most: PROMISE * optimum, least: (1 - ROUNDING) * optimum },
    ]),
  ),
  'lipsdp_random.onnx': { most: 36.484, least: 36.48223 * (1 - 1e-9) },
  'eclipse_lyr2n80.onnx': { most: 0.7374, least: 0.737256 },
  'lipsdp_mnist.onnx': { most: 24.38, least: 24.0265 },
  'chain_L3_W64.onnx': { most: PROMISE * 0.877468, least: 0.999 * 0.877468 },
  'chain_L9_W32.onnx': { most: PROMISE * 0.173387, least: 0.999 * 0.173387 },
  'chain_L17_W64.onnx': { most: PROMISE * 0.0146308, least: 0.999 * 0.0146308 },
  'chain_L65_W16.onnx': { most: 8.2e-9 },
  'stack_C3_CH8.onnx': { most: 7.648757 + 1e-4 },
  'stack_C5_CH8.onnx': { most: 28.48988 },
  'stack_C9_CH8.onnx': { most: 274.0045 },
  'stack_C5_CH16.onnx': { most: 36.09973 },
};

describe.skipIf(!present)('refined, on reference models', () => {
  const reference: Record<string, { readonly 'refined at most': number }> = present
    ? JSON.parse(readFileSync(new URL('reference.json', models), 'utf8'))
    : {};
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: 'cpu-blas', threads: 1 });
  });
  afterAll(() => engine.close());

  const load = (file: string) => loadNetwork(new URL(file, models).pathname);

  /** Five seconds and more on two cores: with LIPSOID_RUNS only. Smaller ones of their kind are looked at. */
  const long = (file: string) =>
    runs(1) === 1 &&
    /^(cnn_C3_CH8|cnn_C5_CH16|cnn_C9_CH8|cnn_C17_CH8|cnn2_seed0|stack_C5_CH16|stack_C9_CH8|2C2F|mlp_L65_W16|mlp_L17_W64|chain_L65_W16)\.onnx$/.test(
      file,
    );
  const looked = Object.entries(reference).filter(([file]) => !long(file));
  for (const [file, { 'refined at most': reached }] of looked) {
    it(file, { timeout: 600_000 }, async () => {
      const result = await bound(await load(file), {
        engine,
        method: 'refined',
        timeLimit: 600,
        lower: false,
      });
      const { bound: value, search } = result.methods.find((m) => m.method === 'refined')!;
      expect(search!.evaluations).toBeLessThanOrEqual(150);
      expect(value!).toBeLessThanOrEqual(1.01 * reached);
      const published = PUBLISHED[file];
      if (published) expect(value!).toBeLessThanOrEqual(published.most);
      if (published?.least) expect(result.bound!).toBeGreaterThanOrEqual(published.least);
    });
  }

  it('the referee finds published optima again', async () => {
    for (const file of ['fnn2_seed0.onnx', 'fnn3_seed0.onnx']) {
      const network = simplify(await load(file));
      const value = lipsdp(layersOf(network), network.tensors[network.input]!.shape[0]!);
      expect(Math.abs(value / INTERIOR_POINT[file]! - 1), file).toBeLessThan(1e-7);
    }
  });

  it('refuses multipliers of another network of the same shape', async () => {
    const [one, other] = [await load('fnn2_seed0.onnx'), await load('fnn2_seed1.onnx')];
    const { multipliers } = await bound(one, { engine, method: 'refined', evaluations: 5, lower: false });
    const misled = bound(other, { engine, method: 'refined', multipliers: multipliers! });
    await expect(misled).rejects.toThrow(InputError);
  });

  it('covers every published value', () => {
    expect(Object.keys(reference)).toEqual(expect.arrayContaining(Object.keys(PUBLISHED)));
  });

  it('is tighter per neuron than per channel', async () => {
    const network = await load('cnn2_seed0.onnx');
    // Too little memory to unroll anything: per channel alone.
    const options = { engine, lower: false, evaluations: 40 } as const;
    const perChannel = (await bound(network, { ...options, method: 'refined', memory: 3e6 })).methods;
    const perNeuron = (await bound(network, { ...options, method: 'unrolled' })).methods;
    const channel = perChannel.find((m) => m.method === 'refined')!.bound!;
    const neuron = perNeuron.find((m) => m.method === 'unrolled' && m.rule === 'refined')!.bound!;
    // Closed forms alone come to 0.98 of it.
    expect(neuron / channel).toBeLessThan(0.9);
  });
});

describe('where entries are moved, a search ends nowhere above its start', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  });
  afterAll(() => engine.close());

  const convolution = (random: Random, outputs: number, inputs: number): Operator => ({
    ...{ kind: 'convolution', outputs, inputs, groups: 1, kernel: [2], stride: [1], dilation: [1] },
    ...{ padding: { mode: 'zero', before: [0], after: [1] }, weight: random.normals(2 * outputs * inputs) },
  });
  const every = (count: number, of: (k: number) => number) =>
    Int32Array.from({ length: count }, (_, k) => of(k));
  it.each([
    ['channels for positions', [6, 3], every(18, (k) => (k % 3) * 6 + Math.floor(k / 3))],
    ['in their order, as other channels', [2, 9], every(18, (k) => k)],
    ['some twice', [4, 6], every(24, (k) => (k * 5 + Math.floor(k / 18)) % 18)],
  ] as const)('%s', async (_, shape, sources) => {
    const random = new Random(8);
    const b = new NetworkBuilder('moved');
    let x = b.add('', convolution(random, 3, 2), [b.input('x', [2, 6])]);
    x = b.add('', { kind: 'gather', sources, shape }, [x]);
    x = b.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
    const network = b.build(b.add('', convolution(random, 3, shape[0]), [x]));
    for (const evaluations of [0, 10]) {
      const { methods } = await bound(network, { engine, evaluations, lower: false, timeLimit: 4 });
      const of = (wanted: string) =>
        methods.flatMap(({ method, bound: value }) => (method === wanted && value !== null ? [value] : []));
      // The boundary of D ⪰ S has a margin.
      expect(of('refined')[0]).toBeLessThanOrEqual(Math.min(...of('closed-form')) * (1 + 1e-8));
    }
  });
});
