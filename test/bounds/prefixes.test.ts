import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { inspect } from '../../src/bounds/inspect.ts';
import { prefixBounds } from '../../src/bounds/prefixes.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { prune } from '../../src/network/prune.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { sampledLowerBound } from '../support/forward.ts';

const example = (name: string) =>
  loadNetwork(new URL(`../../examples/${name}.onnx`, import.meta.url).pathname);

describe('prefix bounds', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: 'cpu', threads: 1 });
  });
  afterAll(() => engine.close());

  it.each(['mlp', 'cnn', 'resnet'])('of %s end with the bound of the network', async (name) => {
    const network = await example(name);
    const prefixes = await prefixBounds(network, { engine, rule: 'GC(1.5)' });
    const closed = await bound(network, { engine, rule: 'GC(1.5)' });
    const product = await bound(network, { engine, method: 'spectral-product' });
    const last = prefixes.at(-1)!;
    expect(last.index).toBe(closed.layers.length - 1);
    expect(last.bound! / closed.bound!).toBeCloseTo(1, 9);
    expect(last.product.bound! / product.bound!).toBeCloseTo(1, 9);
  });

  it('end with the bound of a pair of outputs where that is asked for', async () => {
    const network = await example('mlp');
    const target = [3, 5] as const;
    const prefixes = await prefixBounds(network, { engine, rule: 'GC(1.5)', target });
    const closed = await bound(network, { engine, rule: 'GC(1.5)', target });
    const product = await bound(network, { engine, method: 'spectral-product', target });
    expect(prefixes.at(-1)!.bound! / closed.bound!).toBeCloseTo(1, 9);
    expect(prefixes.at(-1)!.product.bound! / product.bound!).toBeCloseTo(1, 9);
    const whole = await prefixBounds(network, { engine, rule: 'GC(1.5)' });
    expect(prefixes.slice(0, -1)).toEqual(whole.slice(0, -1));
    await expect(prefixBounds(network, { engine, target: [3, 10] })).rejects.toThrow(/two different outputs/);
  });

  it('have lower bounds beside them where these are asked for', async () => {
    const network = await example('resnet');
    const prefixes = await prefixBounds(network, { engine, rule: 'SN(1)', lower: true });
    for (const { bound, lower } of prefixes) {
      expect(lower!.bound).toBeGreaterThan(0);
      expect(lower!.bound).toBeLessThanOrEqual(bound!);
    }
    // A first layer is bounded by its norm, which sampling finds.
    const [first] = prefixes;
    expect(first!.lower!.bound! / first!.bound!).toBeGreaterThan(0.9);
  });

  it('are above what samples of each prefix show', async () => {
    const network = simplify(await example('cnn'));
    const prefixes = await prefixBounds(network, { engine });
    expect(prefixes.length).toBe(network.nodes.length);
    for (const { index, bound } of prefixes) {
      const cut = prune({ ...network, output: network.nodes[index]!.output });
      const lower = sampledLowerBound(cut, 3, 7);
      expect(lower).toBeGreaterThan(0);
      expect(lower).toBeLessThanOrEqual(bound!);
    }
  });

  it('leave out what lies beside a skip connection', async () => {
    const network = await example('resnet');
    const { layers } = inspect(network);
    const seen: string[] = [];
    const prefixes = await prefixBounds(network, {
      engine,
      rule: 'SN(1)',
      onPrefix: ({ layer }) => seen.push(layer),
    });
    expect(seen).toEqual(prefixes.map((p) => p.layer));
    expect(seen).toEqual(prefixes.map((p) => layers[p.index]!.name));
    const ops = prefixes.map((p) => layers[p.index]!.op);
    // One sum ends each of the two blocks, and between their convolutions nothing can be cut.
    expect(ops.filter((op) => op === 'add').length).toBe(2);
    expect(ops.filter((op) => op === 'convolution').length).toBe(1);
  });

  it('account for what rounding hides: of terms that cancel, what is left', async () => {
    const builder = new NetworkBuilder('cancelling');
    const x = builder.input('x', [2]);
    const share = (factor: number) =>
      ({ kind: 'scale', scale: Float64Array.of(factor), roundings: 1 }) as const;
    const small = builder.add('small', { kind: 'scale', scale: Float64Array.of(1e-55) }, [x]);
    // (x + 1e-55 x − x) / 3, each third rounded on its own.
    const terms = [x, small, x].map((id, k) => builder.add(`third${k}`, share((k === 2 ? -1 : 1) / 3), [id]));
    const sum = builder.add('sum', { kind: 'add', coefficients: [1, 1, 1] }, terms);
    const network = builder.build(sum);
    for (const rule of ['SN(1)', 'mixed'] as const) {
      const last = (await prefixBounds(network, { engine, rule })).at(-1)!;
      expect(last.bound!).toBeGreaterThanOrEqual(1e-55 / 3);
      expect(last.product.bound!).toBeGreaterThanOrEqual(1e-55 / 3);
    }
  });

  it('do not exist where the closed form does not', async () => {
    const builder = new NetworkBuilder('reflected');
    const input = builder.input('x', [1, 4, 4]);
    const padding = { mode: 'reflect', before: [1, 1], after: [1, 1] } as const;
    const network = builder.build(builder.add('pad', { kind: 'pad', padding }, [input]));
    await expect(prefixBounds(network, { engine })).rejects.toThrow(UnsupportedError);
  });

  it('can be cancelled', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(prefixBounds(await example('mlp'), { engine, signal })).rejects.toBe(reason);
  });
});
