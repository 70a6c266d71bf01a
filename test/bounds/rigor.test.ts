/** Bounds with and without an analysis of rounding: what it costs, and what happens where float32 costs too much. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { normals } from '../../bench/networks.ts';
import { bound } from '../../src/bounds/bound.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { useSwiftShader, withoutGpu } from '../engine/webgpu/hosts.ts';

const RULES = ['SN(1)', 'SN(1.3)', 'GC(1.5)', 'GC(1.99)', 'Shift(1.5)', 'mixed'] as const;

function perceptron(widths: readonly number[]): Network {
  const next = normals(7);
  const builder = new NetworkBuilder('perceptron');
  let tensor = builder.input('x', [widths[0]!]);
  widths.slice(1).forEach((outputs, k) => {
    const inputs = widths[k]!;
    const weight = Float64Array.from({ length: outputs * inputs }, () =>
      Math.fround(next() / Math.sqrt(inputs)),
    );
    tensor = builder.add(`fc${k}`, { kind: 'affine', outputs, inputs, weight }, [tensor]);
    if (k < widths.length - 2) {
      tensor = builder.add(`relu${k}`, { kind: 'nonlinearity', function: { name: 'relu' } }, [tensor]);
    }
  });
  return builder.build(tensor);
}

describe('in float64', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  });
  afterAll(() => engine.close());
  const network = perceptron([6, 12, 12, 9, 4]);

  it.each(RULES)('%s is within a millionth of the bare number', async (rule) => {
    const [safe, bare] = [
      await bound(network, { engine, rule, lower: false }),
      await bound(network, { engine, rule, rigor: false, lower: false }),
    ];
    expect([safe.assurance, bare.assurance]).toEqual(['rounding-safe', 'nominal']);
    // Multipliers follow the raised S: another bound, hardly ever below the bare one.
    expect(safe.bound! / bare.bound!).toBeGreaterThan(1 - 1e-9);
    expect(safe.bound! / bare.bound!).toBeLessThan(1 + 1e-6);
    expect(safe.inflation!.factor).toBeGreaterThan(1);
    expect(safe.inflation!.factor).toBeLessThan(1 + 1e-6);
    expect(safe.inflation!.layers.map(({ name }) => name)).toContain('relu1');
    expect(bare.inflation).toBeUndefined();
  });

  it('a search ends above what it found without', async () => {
    const options = { engine, method: 'refined', evaluations: 30, lower: false } as const;
    const [safe, bare] = [await bound(network, options), await bound(network, { ...options, rigor: false })];
    expect(safe.bound! / bare.bound! - 1).toBeGreaterThan(0);
    expect(safe.bound! / bare.bound! - 1).toBeLessThan(1e-5);
  });

  it('two runs print the same digits', async () => {
    const once = await bound(network, { engine, evaluations: 20 });
    const again = await bound(network, { engine, evaluations: 20 });
    expect(again.methods.map((row) => row.bound)).toEqual(once.methods.map((row) => row.bound));
    expect(again.lower!.value).toBe(once.lower!.value);
  });
});

describe.skipIf(withoutGpu)('in float32', () => {
  let gpu: Engine;
  let cpu: Engine;
  beforeAll(async () => {
    useSwiftShader();
    gpu = await createEngine({ engine: 'webgpu' });
    cpu = await createEngine({ engine: 'cpu', threads: 1 });
  });
  afterAll(async () => {
    await gpu.close();
    await cpu.close();
  });
  const network = perceptron([5, 17, 17, 3]);

  it.each(['SN(1.3)', 'GC(1.5)'] as const)('%s lies above float64, by at most 5 %%', async (rule) => {
    const safe = await bound(network, { engine: gpu, rule, lower: false });
    const exact = await bound(network, { engine: cpu, rule, lower: false });
    expect(safe.note).toBeUndefined();
    expect(safe.bound!).toBeGreaterThan(exact.bound!);
    expect(safe.bound! / exact.bound!).toBeLessThan(1.05);
  });

  it('is repeated in float64 where it costs more than the limit, and says so', async () => {
    const options = { rule: 'GC(1.5)', lower: false } as const;
    const repeated = await bound(network, { ...options, engine: gpu, inflationLimit: 1e-7 });
    const exact = await bound(network, { ...options, engine: cpu });
    expect(repeated.note).toMatch(/repeated in float64 \(cpu-.*would have added/);
    expect(repeated.bound! / exact.bound! - 1).toBeLessThan(1e-9);
    expect(repeated.inflation!.factor).toBeLessThan(1 + 1e-6);
    expect(repeated.assurance).toBe('rounding-safe');
  });

  it('stays above float64 in depth, repeated or not', async () => {
    const deep = perceptron([4, ...Array.from({ length: 24 }, () => 64), 3]);
    const found = await bound(deep, { engine: gpu, rule: 'GC(1.99)', lower: false });
    const exact = await bound(deep, { engine: cpu, rule: 'GC(1.99)', lower: false });
    expect(found.log10!).toBeGreaterThan(exact.log10! - 1e-9);
    if (found.note !== undefined) expect(found.log10! - exact.log10!).toBeLessThan(1e-6);
  });
});
