import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { normals } from '../../bench/networks.ts';
import { bound } from '../../src/bounds/bound.ts';
import { MemoryError } from '../../src/bounds/budget.ts';
import { inspect } from '../../src/bounds/inspect.ts';
import type { BoundResult } from '../../src/bounds/result.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import type { Operator, PaddingMode } from '../../src/network/operator.ts';

const RELU: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };

function affine(outputs: number, inputs: number, next: () => number, scale = 1): Operator {
  const weight = Float64Array.from({ length: outputs * inputs }, () => (scale * next()) / Math.sqrt(inputs));
  return { kind: 'affine', outputs, inputs, weight };
}

function convolution(
  outputs: number,
  inputs: number,
  next: () => number,
  stride = 1,
  mode: PaddingMode = 'zero',
): Operator {
  const weight = Float64Array.from({ length: outputs * inputs * 9 }, () => next() / Math.sqrt(inputs * 9));
  return {
    kind: 'convolution',
    outputs,
    inputs,
    groups: 1,
    kernel: [3, 3],
    stride: [stride, stride],
    dilation: [1, 1],
    padding: { mode, before: [1, 1], after: [1, 1] },
    weight,
  };
}

function chain(name: string, shape: readonly number[], operators: readonly Operator[]): Network {
  const builder = new NetworkBuilder(name);
  let last = builder.input('x', shape);
  operators.forEach((operator, k) => {
    last = builder.add(`${operator.kind}_${k}`, operator, [last]);
  });
  return builder.build(last);
}

function rows(result: BoundResult): Map<string, number | null> {
  return new Map(result.methods.map((m) => [`${m.method} ${m.rule ?? ''}`, m.bound]));
}

describe('bound', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: 'cpu', threads: 1 });
  });
  afterAll(() => engine.close());

  it('of a linear network is its spectral norm, by every method', async () => {
    const diagonal = Float64Array.of(3, 0, 0, 0, -4, 0, 0, 0, 1);
    const network = chain('linear', [3], [{ kind: 'affine', outputs: 3, inputs: 3, weight: diagonal }]);
    const result = await bound(network, { engine });
    for (const row of result.methods) expect(row.bound).toBeCloseTo(4, 9);
    expect(result.assurance).toBe('rounding-safe');
  });

  it('of a network whose weights are zero is 0', async () => {
    const zero: Operator = { kind: 'affine', outputs: 2, inputs: 2, weight: new Float64Array(4) };
    const result = await bound(chain('zero', [2], [zero, RELU, zero]), { engine });
    expect(result.bound).toBe(0);
    expect(result.log10).toBeNull();
  });

  it('of a network with dead channels is refined all the same', async () => {
    const next = normals(21);
    const first = affine(6, 4, next);
    if (first.kind === 'affine') (first.weight as Float64Array).fill(0, 4, 12);
    const network = chain('pruned', [4], [first, RELU, affine(5, 6, next), RELU, affine(2, 5, next)]);
    const { methods } = await bound(network, { engine });
    const closed = methods.filter((m) => m.method === 'closed-form').map((m) => m.bound!);
    const found = methods.find((m) => m.method === 'refined')!;
    expect(found.search!.evaluations).toBeGreaterThan(5);
    expect(found.bound).toBeLessThan(Math.min(...closed));
  });

  it('of the identity is 1', async () => {
    const builder = new NetworkBuilder('identity');
    const result = await bound(builder.build(builder.input('x', [2, 5, 5])), { engine });
    expect(result.bound).toBeCloseTo(1, 12);
  });

  it('is the same in little memory, where covariances are recomputed chunk by chunk', async () => {
    const next = normals(3);
    const operators: Operator[] = [
      convolution(4, 2, next),
      RELU,
      convolution(6, 4, next, 2),
      RELU,
      convolution(6, 6, next),
      RELU,
      affine(3, 150, next),
    ];
    const network = chain('cnn', [2, 10, 10], operators);
    const plenty = await bound(network, { engine, method: 'closed-form' });
    const little = await bound(network, { engine, method: 'closed-form', memory: 50_000 });
    const expected = rows(plenty);
    for (const [name, value] of rows(little)) expect(value! / expected.get(name)!).toBeCloseTo(1, 9);
  });

  it('is refused with what it would take where no cut fits the memory, and fits what it was told', async () => {
    const next = normals(3);
    const network = chain('wide', [40], [affine(60, 40, next), RELU, affine(3, 60, next)]);
    const options = { engine, method: 'closed-form', rule: 'GC(1.5)' } as const;
    const refusal = await bound(network, { ...options, memory: 1000 }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(MemoryError);
    const { bytes, items } = refusal as MemoryError;
    expect(bytes).toBeGreaterThan(8 * 60 * 60);
    expect(items[0]!.reason).toMatch(/more than the memory budget of 1 kB; raise --memory/);
    await expect(bound(network, { ...options, memory: bytes - 1 })).rejects.toThrow(MemoryError);
    const enough = await bound(network, { ...options, memory: bytes });
    expect(enough.bound! / (await bound(network, options)).bound!).toBeCloseTo(1, 9);
  });

  it('holds the deepest networks: beyond the range of float64 only the logarithm is left', async () => {
    const next = normals(4);
    const deep = (scale: number) =>
      chain(
        'deep',
        [4],
        Array.from({ length: 241 }, (_, k) => (k % 2 === 0 ? affine(4, 4, next, scale) : RELU)),
      );
    for (const scale of [1e-30, 1e30]) {
      const result = await bound(deep(scale), { engine, evaluations: 5 });
      expect(result.bound).toBeNull();
      expect(Math.abs(result.log10! / (Math.log10(scale) * 121) - 1)).toBeLessThan(0.05);
      expect(result.methods.filter((m) => m.error).length).toBe(0);
    }
  });

  it('gives margins no larger than √2 times itself, symmetric, and the norm of a difference for linear networks', async () => {
    const weight = Float64Array.of(1, 2, 3, 4, 5, 6);
    const linear = chain('linear', [2], [{ kind: 'affine', outputs: 3, inputs: 2, weight }]);
    const { margins } = await bound(linear, { engine });
    expect(margins![0]![2]).toBeCloseTo(Math.hypot(4, 4), 9);
    expect(margins![1]![2]).toBeCloseTo(Math.hypot(2, 2), 9);
    const next = normals(9);
    const mlp = await bound(chain('mlp', [6], [affine(8, 6, next), RELU, affine(4, 8, next)]), { engine });
    for (let i = 0; i < 4; i++) {
      expect(mlp.margins![i]![i]).toBe(0);
      for (let j = 0; j < i; j++) {
        expect(mlp.margins![i]![j]).toBeCloseTo(mlp.margins![j]![i]!, 12);
        expect(mlp.margins![i]![j]).toBeLessThanOrEqual(Math.SQRT2 * mlp.bound! * (1 + 1e-12));
      }
    }
  });

  it('covers reflect padding by the unrolled method alone, and says why the others do not', async () => {
    const next = normals(6);
    const network = chain(
      'reflect',
      [1, 5, 5],
      [convolution(2, 1, next, 1, 'reflect'), RELU, affine(2, 50, next)],
    );
    const result = await bound(network, { engine });
    expect(result.method).toBe('exact');
    expect(result.methods.find((m) => m.method === 'unrolled')!.bound).toBeGreaterThan(result.bound!);
    expect(result.methods.find((m) => m.method === 'closed-form')!.error).toMatch(/reflect padding/);
    await expect(bound(network, { engine, method: 'closed-form' })).rejects.toThrow(UnsupportedError);
    expect(inspect(network).refused[0]!.node).toBe('convolution_0');
  });

  it('names what a network has no rule for', async () => {
    const next = normals(8);
    const big = chain(
      'big',
      [1, 80, 80],
      [convolution(2, 1, next, 1, 'replicate'), RELU, affine(2, 12800, next)],
    );
    const closed = bound(big, { engine, memory: 1e6, method: 'closed-form' });
    await expect(closed).rejects.toThrow(/convolution_0: replicate padding/);
    // Its norm is known: that of the convolution, times that of repeating samples.
    const { methods } = await bound(big, { engine, memory: 1e6 });
    const rows = methods.map(({ method, bound: value }) => [method, value !== null]);
    expect(rows).toContainEqual(['spectral-product', true]);
    expect(rows).toContainEqual(['closed-form', false]);
  });

  it('stops when it is told to', async () => {
    const next = normals(10);
    const network = chain(
      'mlp',
      [30],
      [affine(30, 30, next), RELU, affine(30, 30, next), RELU, affine(2, 30, next)],
    );
    const controller = new AbortController();
    const stopped = bound(network, {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
  });

  it('counts work up to its total', async () => {
    const next = normals(11);
    const network = chain('cnn', [1, 6, 6], [convolution(3, 1, next), RELU, affine(2, 108, next)]);
    let last = { done: 0, total: 0 };
    await bound(network, {
      engine,
      onProgress: ({ done, total }) => {
        expect(done).toBeGreaterThanOrEqual(last.done);
        expect(done).toBeLessThanOrEqual(total);
        last = { done, total };
      },
    });
    expect(last.done).toBeCloseTo(last.total, 3);
  });

  it('releases what it made', async () => {
    const own = await createEngine();
    const next = normals(12);
    const network = chain('cnn', [1, 6, 6], [convolution(3, 1, next), RELU, affine(2, 108, next)]);
    const options = { engine: own, evaluations: 10, lower: false };
    await bound(network, options);
    const once = own.peakBytes;
    for (let k = 0; k < 5; k++) await bound(network, options);
    expect(own.peakBytes).toBeLessThan(1.01 * once + 1000);
    await own.close();
  });
});
