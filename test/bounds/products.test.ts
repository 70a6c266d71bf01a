/** Products with convolutions on an engine are those of their own loops, and large networks have the slopes that small ones have. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MatrixProducts, workOnEngine } from '../../src/bounds/lower/products.ts';
import { sampledLowerBound } from '../../src/bounds/lower/sample.ts';
import { norm } from '../../src/bounds/lower/vectors.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { encloseDerivative, enclosing } from '../../src/network/evaluation/enclosure.ts';
import { linearMap } from '../../src/network/evaluation/linearMap.ts';
import { evaluationNeeds } from '../../src/network/evaluation/needs.ts';
import { PreparedNetwork } from '../../src/network/evaluation/preparedNetwork.ts';
import { atOnce, plainProduct, type Steps } from '../../src/network/evaluation/steps.ts';
import type { Convolution, TransposedConvolution } from '../../src/network/operator.ts';
import { outputShape } from '../../src/network/shape.ts';
import { product } from '../../src/network/size.ts';
import { toNumber } from '../../src/scaled.ts';
import { Random } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

const SHAPES = [
  { kind: 'convolution', sides: [40, 40], kernel: [3, 3], stride: 1, dilation: 1, groups: 1, mode: 'zero' },
  {
    kind: 'convolution',
    sides: [41, 30],
    kernel: [5, 3],
    stride: 2,
    dilation: 2,
    groups: 1,
    mode: 'circular',
  },
  { kind: 'convolution', sides: [3000], kernel: [9], stride: 1, dilation: 3, groups: 2, mode: 'reflect' },
  {
    kind: 'convolution',
    sides: [14, 14, 14],
    kernel: [3, 3, 3],
    stride: 1,
    dilation: 1,
    groups: 1,
    mode: 'replicate',
  },
  // More windows than are there at a time.
  { kind: 'convolution', sides: [110, 100], kernel: [3, 3], stride: 1, dilation: 1, groups: 1, mode: 'zero' },
  {
    kind: 'transposed-convolution',
    sides: [24, 24],
    kernel: [4, 4],
    stride: 2,
    dilation: 1,
    groups: 1,
    mode: 'zero',
  },
  {
    kind: 'transposed-convolution',
    sides: [24, 24],
    kernel: [4, 4],
    stride: 2,
    dilation: 1,
    groups: 2,
    mode: 'zero',
  },
] as const;

const CHANNELS = 16;

function operatorOf(shape: (typeof SHAPES)[number], random: Random): Convolution | TransposedConvolution {
  const { kind, kernel, groups, stride, dilation, mode } = shape;
  const all = (value: number) => kernel.map(() => value);
  const sizes = {
    outputs: CHANNELS,
    inputs: CHANNELS,
    groups,
    kernel,
    stride: all(stride),
    dilation: all(dilation),
  };
  const weight = Float32Array.from(random.normals(((CHANNELS * CHANNELS) / groups) * product(kernel)));
  const pads = { before: all(1), after: all(2) };
  return kind === 'convolution'
    ? { kind, ...sizes, padding: { mode, ...pads }, weight }
    : { kind, ...sizes, ...pads, outputPadding: all(0), weight };
}

function distance(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  const difference = norm(a.map((value, n) => value - b[n]!));
  return difference / norm(b);
}

describe('products on an engine', () => {
  it.each(SHAPES)('are those of loops, both ways: %o', async (shape) => {
    const random = new Random(5);
    const operator = operatorOf(shape, random);
    const input = [CHANNELS, ...shape.sides];
    const output = outputShape('test', operator, [input]);
    const map = linearMap(operator, input, output);
    // Else the engine is not asked, and this shows nothing.
    expect(workOnEngine(map)).toBeLessThan(map.work);
    const products = new MatrixProducts(engine);
    // Twice: what was there before does not matter.
    for (let k = 0; k < 2; k++) {
      const [x, y] = [random.normals(product(input)), random.normals(product(output))];
      for (const [vector, adjoint] of [
        [x, false],
        [y, true],
      ] as const) {
        const made = products.of({ map, x: vector, adjoint });
        expect(made).toBeInstanceOf(Promise);
        expect(distance(await made, plainProduct({ map, x: vector, adjoint }))).toBeLessThan(1e-13);
      }
    }
  });

  it('of what is small are made at once', () => {
    const operator = operatorOf(SHAPES[0], new Random(1));
    const map = linearMap(operator, [CHANNELS, 4, 4], [CHANNELS, 5, 5]);
    const x = new Random(2).normals(CHANNELS * 16);
    expect(new MatrixProducts(engine).of({ map, x, adjoint: false })).toEqual(map.apply(x));
  });

  it('take the work that shapes say', () => {
    const { network } = wide();
    const { work, leastWork } = evaluationNeeds(network);
    const prepared = new PreparedNetwork(network);
    expect(prepared.work).toBe(work);
    expect(prepared.workBy(workOnEngine)).toBeCloseTo(leastWork, 0);
    expect(leastWork).toBeLessThan(0.5 * work);
  });
});

/** Two convolutions with ReLU between them. */
function wide() {
  const random = new Random(9);
  const builder = new NetworkBuilder('wide');
  let last = builder.input('x', [CHANNELS, 40, 40]);
  const operator = operatorOf(SHAPES[0], random);
  for (const name of ['first', 'second']) {
    last = builder.add(name, { ...operator, bias: random.normals(CHANNELS) }, [last]);
    last = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [last]);
    last = builder.add(
      '',
      { kind: 'max-pool', kernel: [2, 2], stride: [2, 2], dilation: [1, 1], before: [0, 0], after: [0, 0] },
      [last],
    );
  }
  return { network: builder.build(last), random };
}

async function onEngine<T>(steps: Steps<T>): Promise<T> {
  const products = new MatrixProducts(engine);
  let next = steps.next();
  while (!next.done) next = steps.next(await products.of(next.value));
  return next.value;
}

describe('evaluations in steps', () => {
  it('are those at once, whoever makes the products', async () => {
    const { network, random } = wide();
    const prepared = new PreparedNetwork(network);
    const [x, v] = [random.normals(prepared.inputs), random.normals(prepared.inputs)];
    const [plain, other] = [prepared.linearise(x), await onEngine(prepared.linearising(x))];
    expect(distance(other.value, plain.value)).toBeLessThan(1e-13);
    expect(distance(await onEngine(other.pushing(v)), plain.push(v))).toBeLessThan(1e-12);
    const u = plain.push(v);
    expect(distance(await onEngine(other.pulling(u)), plain.pull(u))).toBeLessThan(1e-12);
  });

  it('enclose the same derivative', async () => {
    const { network, random } = wide();
    const entries = new PreparedNetwork(network).inputs;
    const [x, v] = [random.normals(entries), random.normals(entries)];
    const plain = encloseDerivative(network, x, v)!;
    const other = (await onEngine(enclosing(network, x, v, 1)))!;
    const apart = plain.middle.map(
      (value, n) => Math.abs(value - other.middle[n]!) - plain.radius[n]! - other.radius[n]!,
    );
    expect(Math.max(...apart)).toBeLessThanOrEqual(0);
    expect(norm(plain.radius)).toBeLessThan(1e-9 * norm(plain.middle));
  });

  it('are given up where the derivative is lost', () => {
    const { network, random } = wide();
    const entries = new PreparedNetwork(network).inputs;
    const [x, v] = [random.normals(entries), random.normals(entries)];
    expect(atOnce(enclosing(network, x, v, 1e-20))).toBeUndefined();
    expect(atOnce(enclosing(network, x, v, 1))).toBeDefined();
  });
});

describe('a search on an engine', () => {
  it('finds about what a search in loops finds, with proof', async () => {
    const { network } = wide();
    const options = { seed: 1, share: 0.3 };
    const plain = (await sampledLowerBound(network, options))!;
    const other = (await sampledLowerBound(network, { ...options, engine }))!;
    expect(other.assurance).toBe('rounding-safe');
    // It is made with more products, as they take less.
    expect(toNumber(other.value)!).toBeGreaterThan(0.95 * toNumber(plain.value)!);
  });

  it('ends where nothing more can be found', async () => {
    const builder = new NetworkBuilder('linear');
    const weight = new Random(3).normals(30 * 20);
    const x = builder.input('x', [20]);
    const network = builder.build(
      builder.add('fc', { kind: 'affine', outputs: 30, inputs: 20, weight }, [x]),
    );
    const known = toNumber((await sampledLowerBound(network, { seed: 0 }))!.value)!;
    // Of a matrix any point will do.
    const points = vi.spyOn(PreparedNetwork.prototype, 'linearising');
    const count = async (upper?: number) => {
      points.mockClear();
      await sampledLowerBound(network, { seed: 0, upper });
      return points.mock.calls.length;
    };
    try {
      expect(2 * (await count(0.9 * known))).toBeLessThan(await count());
    } finally {
      points.mockRestore();
    }
  });

  it('begins no proof that there is no time for', async () => {
    const { network } = wide();
    const deadline = { end: performance.now(), over: false };
    const found = await sampledLowerBound(network, { seed: 1, share: 0.1, deadline });
    expect(found!.assurance).toBe('nominal');
  });
});

describe('lengths of vectors', () => {
  it.each([
    [[3, 4], 5],
    [[3e300, 4e300], 5e300],
    [[3e-300, 4e-300], 5e-300],
    [[0, 0], 0],
    [[], 0],
    [[Infinity, 1], Infinity],
  ])('of %j is %d', (x, expected) => {
    const length = norm(Float64Array.from(x));
    expect(length === expected || Math.abs(length / expected - 1) < 1e-15).toBe(true);
  });

  it('of what is no number is none', () => {
    expect(norm(Float64Array.of(1, Number.NaN))).toBeNaN();
  });
});
