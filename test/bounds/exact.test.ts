/** The method `exact`: what it answers, and when it is tried unasked. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { type DenseLayer, NetworkBuilder } from '../../src/network/builder.ts';
import { jacobian } from '../../src/network/evaluation/jacobian.ts';
import { Random } from '../support/random.ts';

function dense(sizes: readonly number[], activation: DenseLayer['activation'], seed: number) {
  const random = new Random(seed);
  return NetworkBuilder.fromDense(
    sizes.slice(1).map((outputs, k) => ({
      weight: Array.from({ length: outputs }, () => [...random.normals(sizes[k]!, Math.sqrt(2 / sizes[k]!))]),
      bias: random.normals(outputs, 0.5),
      ...(k + 2 < sizes.length && activation && { activation }),
    })),
  );
}

describe('exact', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  });
  afterAll(() => engine.close());

  it('is the slope at its steepest point, and is found unasked in small networks', async () => {
    const network = dense([4, 8, 8, 3], 'relu', 1);
    const { method, bound: upper, exact, lower } = await bound(network, { engine });
    expect(method).toBe('exact');
    expect(exact!.status).toBe('exact');
    expect(exact!.neurons).toBe(16);
    expect(lower!.value).toBe(exact!.lower);
    const { input, direction } = exact!.steepest!;
    const { data } = jacobian(network, Float64Array.from(input));
    const image = [0, 1, 2].map((row) => direction.reduce((sum, d, n) => sum + data[4 * row + n]! * d, 0));
    const slope = Math.hypot(...image) / Math.hypot(...direction);
    expect(Math.abs(slope / exact!.lower - 1)).toBeLessThan(1e-10);
    expect(upper! / slope - 1).toBeLessThan(1e-6);
    expect(upper!).toBeGreaterThanOrEqual(slope * (1 - 1e-12));
  });

  it('bounds the difference of two outputs', async () => {
    const network = dense([3, 6, 6, 3], { name: 'clip', min: -1, max: 1 }, 2);
    const result = await bound(network, { engine, method: 'exact', target: [0, 2] });
    const { data } = jacobian(network, Float64Array.from(result.exact!.steepest!.input));
    const slope = Math.hypot(...[0, 1, 2].map((n) => data[n]! - data[6 + n]!));
    expect(result.exact!.status).toBe('exact');
    expect(Math.abs(result.bound! / slope - 1)).toBeLessThan(1e-6);
  });

  it('ends at the gap that is asked for', async () => {
    const network = dense([6, 10, 10, 1], 'relu', 3);
    const wide = await bound(network, { engine, method: 'exact', gap: 0.2 });
    const exact = await bound(network, { engine, method: 'exact' });
    expect(wide.exact!.status).toBe('gap');
    expect(wide.exact!.nodes).toBeLessThan(exact.exact!.nodes);
    expect(wide.bound! / wide.exact!.lower).toBeLessThanOrEqual(1.2);
    expect(wide.bound!).toBeGreaterThanOrEqual(exact.exact!.lower);
  });

  it('keeps what it has at the limit of time', async () => {
    const network = dense([12, 40, 40, 1], 'relu', 4);
    const { exact, bound: upper } = await bound(network, { engine, method: 'exact', timeLimit: 0.5 });
    expect(exact!.status).toBe('stopped');
    expect(exact!.lower).toBeGreaterThan(0);
    expect(upper!).toBeLessThan(Infinity);
    expect(upper!).toBeGreaterThanOrEqual(exact!.lower);
  });

  it('reports how lower and upper close in', async () => {
    const seen: number[] = [];
    await bound(dense([8, 16, 16, 1], 'relu', 5), {
      engine,
      method: 'exact',
      onProgress: ({ method, done, total }) => {
        if (method === 'exact') seen.push(done / total);
      },
    });
    expect(seen.length).toBeGreaterThan(3);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
  });

  it('ends when it is cancelled', async () => {
    const controller = new AbortController();
    const running = bound(dense([12, 40, 40, 1], 'relu', 6), {
      engine,
      method: 'exact',
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(new Error('enough')), 200);
    await expect(running).rejects.toThrow('enough');
  });

  it('refuses what is not of straight pieces, by name, and other norms', async () => {
    const smooth = dense([3, 4, 2], 'tanh', 7);
    await expect(bound(smooth, { engine, method: 'exact' })).rejects.toThrow(UnsupportedError);
    await expect(bound(smooth, { engine, method: 'exact' })).rejects.toThrow(/tanh 1: tanh/);
    const straight = dense([3, 4, 2], 'relu', 7);
    await expect(bound(straight, { engine, method: 'exact', norm: 'inf' })).rejects.toThrow(/norm 2/);
    await expect(bound(straight, { engine, method: 'exact', gap: -1 })).rejects.toThrow(/gap/);
    await expect(bound(straight, { engine, method: 'exact', target: 'margins' })).rejects.toThrow(/target/);
    const { methods } = await bound(smooth, { engine });
    expect(methods.map((row) => row.method)).not.toContain('exact');
  });
});
