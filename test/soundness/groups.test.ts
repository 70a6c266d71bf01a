/** Networks with functions of groups: no bound is below a slope, whichever path and method gives it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { certify } from '../../src/certificate/certify.ts';
import { verify } from '../../src/certificate/verify.ts';
import { localBound } from '../../src/certify/certify.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { EngineHandle } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { PreparedNetwork } from '../../src/network/evaluation/preparedNetwork.ts';
import { GROUP_FUNCTIONS, type GroupFunction, groupDefinitionOf } from '../../src/network/groups/table.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import type { Grouped, Operator } from '../../src/network/operator.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { unroll } from '../../src/network/unroll.ts';
import { sourced } from '../certificate/networks.ts';
import { useSwiftShader, withoutGpu } from '../engine/webgpu/hosts.ts';
import { closeCpuEngines, openCpuEngines } from '../support/cpuEngines.ts';
import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';

let engine: EngineHandle;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

const EXAMPLES = Object.values(GROUP_FUNCTIONS).flatMap(
  ({ examples }) => examples as readonly GroupFunction[],
);

/** A partition of the channels into groups of one size or of several. */
function groupsOf(random: Random, channels: number): Int32Array[] {
  const order = [...Array(channels).keys()].sort(() => random.uniform() - 0.5);
  const groups: Int32Array[] = [];
  while (order.length > 0) groups.push(Int32Array.from(order.splice(0, random.integer(1, channels))));
  return groups;
}

function grouped(random: Random, channels: number, positions: boolean): Grouped {
  const f =
    random.uniform() < 0.1 ? ({ name: 'max' } as const) : EXAMPLES[random.integer(0, EXAMPLES.length - 1)]!;
  const wide = positions && !groupDefinitionOf(f).scalar && random.uniform() < 0.4;
  return { kind: 'grouped', function: f, groups: groupsOf(random, channels), wide };
}

function conv(random: Random, inputs: number, outputs: number, axes: number): Operator {
  const side = random.integer(1, 3);
  const kernel = Array<number>(axes).fill(side);
  const before = kernel.map(() => random.integer(0, side - 1));
  const stride = kernel.map(() => random.integer(1, 2));
  return {
    ...{ kind: 'convolution', outputs, inputs, groups: 1, kernel, stride, dilation: kernel.map(() => 1) },
    padding: { mode: 'zero', before, after: kernel.map(() => random.integer(0, side - 1)) },
    weight: random.normals(outputs * inputs * side ** axes, 0.8),
    bias: random.normals(outputs),
  };
}

/** Layers, functions of groups between them, sometimes something that goes on beside these. */
function networkOf(seed: number): Network {
  const random = new Random(seed);
  const axes = random.integer(0, 2);
  const sides = Array.from({ length: axes }, () => random.integer(3, axes === 1 ? 7 : 5));
  const b = new NetworkBuilder(`groups ${seed}`);
  let x: TensorId = b.input('x', [random.integer(1, 4), ...sides]);
  const linear = () => {
    const [channels, ...image] = b.shape(x);
    const outputs = random.integer(2, 5);
    if (image.length === 0) {
      const weight = random.normals(outputs * channels!, 0.8);
      const bias = random.normals(outputs);
      x = b.add('', { kind: 'affine', outputs, inputs: channels!, weight, bias }, [x]);
    } else x = b.add('', conv(random, channels!, outputs, image.length), [x]);
  };
  linear();
  for (let k = random.integer(1, 3); k > 0; k--) {
    const [channels, ...image] = b.shape(x);
    const before = x;
    x = b.add('', grouped(random, channels!, image.length > 0), [x]);
    const same = b.shape(x).join() === b.shape(before).join();
    const choice = random.uniform();
    if (same && choice < 0.3) x = b.add('', { kind: 'add', coefficients: [1, random.normal()] }, [before, x]);
    else if (choice < 0.5) x = b.add('', { kind: 'concat' }, [x, before]);
    if (random.uniform() < 0.5) x = b.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
    if (
      b
        .shape(x)
        .slice(1)
        .every((side) => side >= 3)
    )
      linear();
  }
  if (b.shape(x).length > 1 && random.uniform() < 0.5) {
    x = b.add('', { kind: 'global-average-pool', sum: random.uniform() < 0.5 }, [x]);
  }
  return b.build(x);
}

const size = (x: Float64Array) => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));

/** The steepest slope that some points and a way up from them show. */
function climbed(network: Network, random: Random): number {
  const prepared = new PreparedNetwork(network);
  let most = 0;
  for (let start = 0; start < 6; start++) {
    let x = random.normals(prepared.inputs, [1e-3, 0.1, 1, 1, 3, 10][start]!);
    let v = random.normals(prepared.inputs);
    let here = 0;
    for (let step = 0; step < 25; step++) {
      const line = prepared.linearise(x);
      const image = line.push(v.map((value) => value / size(v)));
      here = Math.max(here, size(image));
      most = Math.max(most, here);
      const back = line.pull(image);
      if (size(back) === 0) break;
      v = back;
      const moved = x.map((value) => value + 0.1 * random.normal());
      const other = prepared.linearise(moved).push(v.map((value) => value / size(v)));
      if (size(other) > here) x = moved;
    }
  }
  return most;
}

describe('no bound is below a slope', () => {
  const count = runs(40);
  it.each(Array.from({ length: count }, (_, seed) => seed))('network %i', async (seed) => {
    const network = sourced(networkOf(seed));
    const slope = climbed(network, new Random(seed + 1000));
    const result = await bound(network, { engine, evaluations: 15, timeLimit: 5 });
    const { methods } = result;
    if (result.proof) {
      const certificate = await certify(network, result);
      expect((await verify(network, certificate)).accepted).toBe(true);
      expect(certificate.claim.bound!).toBeGreaterThanOrEqual(slope * (1 - 1e-9));
    }
    let least = Infinity;
    for (const row of methods) {
      if (row.bound !== null)
        expect(row.bound, `${row.method} ${row.rule}`).toBeGreaterThanOrEqual(slope * (1 - 1e-9));
      least = Math.min(least, row.bound ?? Infinity);
    }
    expect(least).toBeLessThan(Infinity);
    // Unrolled it is the same function.
    const simple = simplify(network);
    const x = new Random(seed).normals(new PreparedNetwork(network).inputs);
    const [a, b, c] = [network, simple, unroll(simple, 0)].map(
      (n) => new PreparedNetwork(n).evaluate(x)[n.output]!,
    );
    for (const other of [b!, c!]) {
      expect(size(a!.map((value, k) => value - other[k]!))).toBeLessThan(1e-9 * (1 + size(a!)));
    }
  });
});

it('a network of 1-Lipschitz steps that sort has the bound 1', async () => {
  const b = new NetworkBuilder('sorting');
  const rotation = (angle: number): Operator => ({
    ...{ kind: 'affine', outputs: 2, inputs: 2 },
    weight: Float64Array.of(Math.cos(angle), -Math.sin(angle), Math.sin(angle), Math.cos(angle)),
  });
  let x = b.input('x', [2]);
  for (let k = 0; k < 5; k++) {
    x = b.add('', rotation(0.3 + k), [x]);
    const f = { name: 'sort', descending: k % 2 === 0 } as const;
    x = b.add('', { kind: 'grouped', function: f, groups: [Int32Array.of(0, 1)], wide: false }, [x]);
  }
  const { methods, bound: least } = await bound(b.build(x), { engine, evaluations: 10, timeLimit: 5 });
  for (const { bound: value } of methods) expect(value ?? 1).toBeGreaterThanOrEqual(1);
  expect(least).toBeLessThan(1 + 1e-6);
});

describe('a normalised vector between a linear map and scales', () => {
  const random = new Random(5);
  const [n, floor] = [6, 0.04];
  const weight = random.normals(n * 3);
  const network = (scale: Float64Array, f: GroupFunction | undefined) => {
    const b = new NetworkBuilder('scaled');
    let x = b.add('', { kind: 'affine', outputs: n, inputs: 3, weight }, [b.input('x', [3])]);
    const groups = [Int32Array.from({ length: n }, (_, k) => k)];
    if (f) x = b.add('', { kind: 'grouped', function: f, groups, wide: false }, [x]);
    return sourced(b.build(b.add('', { kind: 'scale', scale }, [x])));
  };
  const found = async (scale: Float64Array, f: GroupFunction | undefined) => {
    const made = await bound(network(scale, f), { engine, evaluations: 40, lower: false });
    if (f) {
      expect((await verify(network(scale, f), await certify(network(scale, f), made))).accepted).toBe(true);
    }
    return made.bound!;
  };

  it.each(['root', 'sum'] as const)('%s: has the bound of what is linear', async (form) => {
    const scale = Float64Array.of(1, 0.05, 2, 0.4, 0.9, 1.3);
    const linear = await found(scale, undefined);
    const f: GroupFunction = { name: 'normalize', form, centred: false, rate: 0.3, floor };
    const slope = form === 'root' ? 5 : 25;
    expect(await found(scale, f)).toBeLessThan(linear * slope * (1 + 1e-6));
    expect(await found(scale, f)).toBeGreaterThanOrEqual(linear * slope * (1 - 1e-9));
  });

  it('of an entry that hardly moves but is scaled most, half the product of norms', async () => {
    for (const k of [3, 4, 5]) weight[k]! *= 1e-3;
    for (const largest of [3, 30]) {
      const scale = Float64Array.of(1, largest, 0.2, 1, 0.5, 1);
      const f: GroupFunction = { name: 'normalize', form: 'root', centred: false, rate: 1, floor };
      const most = climbed(network(scale, f), new Random(largest));
      const value = await found(scale, f);
      expect(value).toBeGreaterThanOrEqual(most * (1 - 1e-9));
      const product = largest * (await found(new Float64Array(n).fill(1), undefined));
      expect(value).toBeLessThan(5 * Math.max(await found(scale, undefined), product / 2) * (1 + 1e-4));
    }
  });
});

/** A function of groups whose constant, squared, is below all numbers, and a factor that brings its slope at 0 back. */
interface Tiny {
  readonly function: GroupFunction;
  readonly factor: number;
}

const TINY: Record<string, Tiny> = {
  'LRN, 1e-170': { function: response(1e34, 5), factor: 1e170 },
  'LRN, 1e-600': { function: response(1e30, 20), factor: 1e300 },
  'x / (‖x‖ + 1e200)': { function: division('sum', 1e200), factor: 1e200 },
  'x / max(‖x‖, 1e200)': { function: division('most', 1e200), factor: 1e200 },
};

function response(bias: number, beta: number): GroupFunction {
  return { name: 'local-response', before: 0, after: 0, rate: 1e-4, beta, bias };
}

function division(form: 'root' | 'sum' | 'most', floor: number): GroupFunction {
  return { name: 'normalize', form, centred: false, rate: 1, floor };
}

function tiny({ function: f, factor }: Tiny): Network {
  const b = new NetworkBuilder('tiny');
  const groups = [Int32Array.of(0, 1)];
  let x = b.add('', { kind: 'grouped', function: f, groups, wide: false }, [b.input('x', [2, 3])]);
  x = b.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
  return b.build(b.add('', { kind: 'scale', scale: Float64Array.of(factor) }, [x]));
}

async function holdsTiny(of: Tiny, own: EngineHandle): Promise<void> {
  const network = tiny(of);
  const slope = climbed(network, new Random(2));
  const { methods } = await bound(network, { engine: own, evaluations: 1, lower: false, timeLimit: 5 });
  const told = methods.filter((row) => row.bound !== null);
  expect(told.length).toBeGreaterThan(0);
  for (const row of told) {
    expect(row.bound, `${row.method} ${row.rule}`).toBeGreaterThan(0);
    expect(row.bound, `${row.method} ${row.rule}`).toBeGreaterThanOrEqual(slope * (1 - 1e-9));
  }
}

describe('constants that vanish when they are squared', () => {
  it.each(Object.entries(TINY))('%s', async (_, of) => {
    const { wasm, blas } = await openCpuEngines();
    for (const own of blas ? [wasm, blas] : [wasm]) await holdsTiny(of, own);
    await closeCpuEngines({ wasm, blas });
  });

  it.skipIf(withoutGpu)('in float32', async () => {
    useSwiftShader();
    const gpu = await createEngine({ engine: 'webgpu' });
    await holdsTiny({ function: division('sum', 1e23), factor: 1e23 }, gpu);
    await gpu.close();
  });
});

describe('around inputs', () => {
  const over = (name: 'max' | 'softmax') => {
    const random = new Random(5);
    const b = new NetworkBuilder(name);
    const x = b.add('conv', conv(random, 2, 4, 1), [b.input('x', [2, 6])]);
    const f = name === 'max' ? { name } : { name, logarithm: false };
    const groups = [Int32Array.of(0, 2), Int32Array.of(1, 3)];
    const y = b.add('groups', { kind: 'grouped', function: f, groups, wide: false }, [x]);
    return b.build(y);
  };

  it('maxima of groups are maxima like others', async () => {
    const network = over('max');
    const centre = new Random(6).normals(12);
    const local = await localBound(network, centre, 0.3, { engine });
    expect(local).toBeCloseTo(await localBound(unroll(network, 0), centre, 0.3, { engine }), 10);
    const everywhere = await bound(network, { engine, method: 'closed-form' });
    expect(local).toBeLessThanOrEqual(everywhere.bound! * (1 + 1e-9));
  });

  it('other functions of groups are refused', async () => {
    const centre = new Random(6).normals(12);
    await expect(localBound(over('softmax'), centre, 0.3, { engine })).rejects.toThrow(/functions of groups/);
  });
});
