/**
 * What simplifying does to weights: networks whose weights under- or overflow when they are multiplied, and cancel when they are added
 * up, against their Jacobians in numbers that do not round.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { certify } from '../../src/certificate/certify.ts';
import { createEngine, type EngineOptions } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network, Node, Tensor } from '../../src/network/network.ts';
import type { Operator, PaddingMode } from '../../src/network/operator.ts';
import { sourced } from '../certificate/networks.ts';
import { useSwiftShader, withoutGpu } from '../engine/webgpu/hosts.ts';
import { Dyadic } from '../support/dyadic.ts';
import { exactJacobian, squaredSlope } from '../support/exactJacobian.ts';
import { volume } from '../support/grid.ts';
import { linearNode } from '../support/linearNode.ts';
import { Random } from '../support/random.ts';
import { patience, runs } from '../support/runs.ts';

/** A tensor, and what it is where the input is 0. */
interface Value {
  readonly id: number;
  readonly shape: readonly number[];
  readonly atZero: readonly Dyadic[];
}

const RELU: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };

/** How far weights go: powers of two of scales, and where terms are cut off that cancel. */
interface Sizes {
  readonly power: number;
  readonly rest: number;
}

class Planner {
  readonly #random: Random;
  readonly #sizes: Sizes;
  readonly #builder = new NetworkBuilder('folding');
  #nodes = 0;
  /** Of all scales so far. */
  #exponent = 0;

  constructor(seed: number, sizes: Sizes) {
    this.#random = new Random(seed);
    this.#sizes = sizes;
  }

  network(): Network {
    const random = this.#random;
    const shape = random.integer(0, 1) === 0 ? [3] : [2, random.integer(2, 3)];
    const zeros = new Array<Dyadic>(volume(shape)).fill(Dyadic.ZERO);
    let x: Value = { id: this.#builder.input('x', shape), shape, atZero: zeros };
    for (let k = random.integer(3, 9); k > 0; k--) {
      const steps = [
        () => this.#scaled(x),
        () => this.#scaled(x),
        () => this.#scaled(x),
        () => this.#cancelling(x),
        () => this.#mixed(x, 1),
        () => this.#mixed(x, x.shape[1] ?? 1),
        () => this.#rectified(x),
        () => this.#rectified(x),
      ];
      x = steps[random.integer(0, steps.length - 1)]!();
    }
    while (this.#exponent !== 0) {
      const step = Math.max(-this.#sizes.power, Math.min(this.#sizes.power, -this.#exponent));
      x = this.#times(x, Float64Array.of(2 ** step));
      this.#exponent += step;
    }
    return this.#builder.build(x.id);
  }

  #add(operator: Operator, inputs: readonly Value[]): Value {
    const name = `${operator.kind}_${this.#nodes++}`;
    const id = this.#builder.add(
      name,
      operator,
      inputs.map((value) => value.id),
    );
    const shape = this.#builder.shape(id);
    const tensors: Tensor[] = [...inputs, { shape }].map((value) => ({ name, shape: value.shape }));
    const node: Node = { name, operator, inputs: [...inputs.keys()], output: inputs.length };
    const linear = linearNode({ tensors } as unknown as Network, node);
    if (!linear) return { id, shape, atZero: inputs[0]!.atZero };
    const atZero = Array.from(linear.offset, Dyadic.of);
    linear.matrices.forEach(({ row, column, value }, k) => {
      value.forEach((v, e) => {
        const product = Dyadic.of(v).times(inputs[k]!.atZero[column[e]!]!);
        atZero[row[e]!] = atZero[row[e]!]!.plus(product);
      });
    });
    return { id, shape, atZero };
  }

  /** Few digits as often as all of them. */
  #number(): number {
    const x = this.#random.normal();
    return this.#random.integer(0, 1) === 0 ? Math.fround(x) : x;
  }

  #times(x: Value, scale: Float64Array): Value {
    return this.#add({ kind: 'scale', scale }, [x]);
  }

  #scaled(x: Value): Value {
    const random = this.#random;
    const most = this.#sizes.power;
    const power =
      random.integer(0, 1) === 0 ? random.integer(-most, most) : most * (2 * random.integer(0, 1) - 1);
    this.#exponent += power;
    const channels = random.integer(0, 1) === 0 ? 1 : x.shape[0]!;
    return this.#times(
      x,
      Float64Array.from({ length: channels }, () => this.#number() * 2 ** power),
    );
  }

  /** x on one of many ways, and what it is multiplied by on it. */
  #path(x: Value): [Value, factor: number] {
    const random = this.#random;
    const factor = random.integer(0, 2) === 0 ? 1 : this.#number();
    const reshaped = (value: Value, shape: readonly number[]) =>
      this.#add({ kind: 'reindex', permutation: [...value.shape.keys()], shape }, [value]);
    switch (random.integer(0, 5)) {
      case 0:
        return [this.#times(x, Float64Array.of(factor)), factor];
      case 1:
        return [this.#diagonal(x, factor), factor];
      case 2:
        return [reshaped(reshaped(x, [volume(x.shape)]), x.shape), 1];
      case 3:
        return [this.#add({ kind: 'add', coefficients: [factor, factor] }, [x, x]), 2 * factor];
      case 4:
        return [this.#times(this.#times(x, Float64Array.of(1 / 3)), Float64Array.of(3)), 1];
      default:
        return [x, 1];
    }
  }

  #diagonal(x: Value, factor: number): Value {
    const n = x.shape[0]!;
    const weight = new Float64Array(n * n);
    for (let i = 0; i < n; i++) weight[i * n + i] = factor;
    if (x.shape.length === 1) return this.#add({ kind: 'affine', outputs: n, inputs: n, weight }, [x]);
    return this.#add(convolution(n, [1], 'zero', weight), [x]);
  }

  /** Copies of x that all but cancel in sums within sums. */
  #cancelling(x: Value): Value {
    const random = this.#random;
    let [sum, factor] = this.#path(x);
    for (let k = random.integer(1, 3); k > 0; k--) {
      const [other, own] = this.#path(x);
      const rest = random.integer(0, 2) === 0 ? 0 : 2 ** -random.integer(1, this.#sizes.rest);
      const coefficient = k === 1 ? -factor / own + rest : random.normal();
      const swap = random.integer(0, 1) === 0;
      const coefficients = swap ? [coefficient, 1] : [1, coefficient];
      sum = this.#add({ kind: 'add', coefficients }, swap ? [other, sum] : [sum, other]);
      factor += coefficient * own;
    }
    return sum;
  }

  /** Random weights; of circular taps that fall on one sample the last all but cancels the others. */
  #mixed(x: Value, more: number): Value {
    const random = this.#random;
    const n = x.shape[0]!;
    if (x.shape.length === 1) {
      const weight = Float64Array.from({ length: n * n }, () => this.#number());
      return this.#add({ kind: 'affine', outputs: n, inputs: n, weight }, [x]);
    }
    const taps = x.shape[1]! + more;
    const weight = Float64Array.from({ length: n * n * taps }, () => this.#number());
    for (let k = 0; k < n * n; k++) {
      const rest = 2 ** -random.integer(1, this.#sizes.rest);
      if (random.integer(0, 2) > 0)
        weight[k * taps + taps - 1] = rest - weight[k * taps + taps - 1 - x.shape[1]!]!;
    }
    return this.#add(convolution(n, [taps], 'circular', weight), [x]);
  }

  /** Where the input is near 0, all of it passes. */
  #rectified(x: Value): Value {
    const top = Math.max(0, ...x.atZero.map((v) => v.exponent)) + 2;
    if (top > 1000) return x;
    const shifted = this.#add(
      { kind: 'scale', scale: Float64Array.of(1), shift: Float64Array.of(2 ** top) },
      [x],
    );
    return this.#add(RELU, [shifted]);
  }
}

function convolution(
  channels: number,
  kernel: readonly [number],
  mode: PaddingMode,
  weight: Float64Array,
): Operator {
  const before = [Math.floor((kernel[0] - 1) / 2)];
  const after = [kernel[0] - 1 - before[0]!];
  return {
    kind: 'convolution',
    outputs: channels,
    inputs: channels,
    groups: 1,
    kernel,
    stride: [1],
    dilation: [1],
    padding: { mode, before, after },
    weight,
  };
}

const logOf = (slope: Dyadic) => (Math.log10(slope.mantissa) + slope.exponent * Math.log10(2)) / 2;

/** What is below the truth, in words; nothing where all is well. */
async function violations(engine: Engine, network: Network): Promise<string[]> {
  const slope = squaredSlope(exactJacobian(network));
  const least = logOf(slope) - 1e-12;
  const result = await bound(network, { engine, lower: false, evaluations: 4 }).catch((error: unknown) => {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  });
  const found = (result?.methods ?? []).flatMap(({ method, rule, bound: value, log10 }) => {
    const isBelow = log10 === null ? value === 0 && slope.isPositive : log10 < least;
    return isBelow ? [`${method} ${rule ?? ''}: 1e${log10} below 1e${least}`] : [];
  });
  if (!result?.proof) return found;
  const certificate = await certify(network, result).catch((error: unknown) => {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  });
  if (certificate && certificate.claim.log10 < least) found.push(`certificate below 1e${least}`);
  return found;
}

const SIZES: Readonly<Record<string, Sizes>> = {
  ordinary: { power: 3, rest: 60 },
  large: { power: 120, rest: 120 },
  'beyond float64': { power: 700, rest: 900 },
};

const ENGINES: readonly EngineOptions[] = [
  { engine: 'cpu-wasm', threads: 1 },
  { engine: 'cpu-blas', threads: 1 },
];

describe.each(ENGINES)('$engine', (options) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine(options);
  });
  afterAll(() => engine.close());

  it.each(Object.entries(SIZES))(
    'is above the truth where weights are %s',
    async (_, sizes) => {
      for (let seed = 1; seed <= runs(25); seed++) {
        const network = sourced(new Planner(seed, sizes).network());
        expect(await violations(engine, network), `seed ${seed}`).toEqual([]);
      }
    },
    patience(),
  );
});

describe('taps that fall on one sample and all but cancel, behind a scale', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  });
  afterAll(() => engine.close());

  it.each(['circular', 'reflect', 'replicate'] as const)('%s', async (mode) => {
    for (let seed = 1; seed <= runs(40); seed++) {
      const random = new Random(seed);
      const builder = new NetworkBuilder('taps');
      let x = builder.input('x', [1, 2]);
      const w = 1 + Math.abs(random.normal());
      const outer = [w, w * (-1 - 2 ** -52)];
      const weight = Float64Array.of(
        outer[0]!,
        mode === 'replicate' ? outer[1]! : 2 ** -80,
        mode === 'replicate' ? 2 ** -80 : outer[1]!,
      );
      x = builder.add('taps', convolution(1, [3], mode, weight), [x]);
      x = builder.add('scale', { kind: 'scale', scale: Float64Array.of(random.normal()) }, [x]);
      if (seed % 2 === 0) {
        const shift = { kind: 'scale', scale: Float64Array.of(1), shift: Float64Array.of(1) } as const;
        x = builder.add('relu', RELU, [builder.add('shift', shift, [x])]);
      }
      x = builder.add('up', { kind: 'scale', scale: Float64Array.of(2 ** 60) }, [x]);
      expect(await violations(engine, sourced(builder.build(x))), `seed ${seed}`).toEqual([]);
    }
  });
});

describe('webgpu', () => {
  it.skipIf(withoutGpu)(
    'is above the truth',
    async () => {
      useSwiftShader();
      const engine = await createEngine({ engine: 'webgpu' });
      for (const sizes of Object.values(SIZES)) {
        for (let seed = 101; seed <= 100 + runs(1); seed++) {
          const network = sourced(new Planner(seed, sizes).network());
          expect(await violations(engine, network), `seed ${seed}`).toEqual([]);
        }
      }
      await engine.close();
    },
    patience(),
  );
});
