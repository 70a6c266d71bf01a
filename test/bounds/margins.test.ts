/** Bounds of all differences of two outputs: of each about what it has when it is asked for alone, and never less than the network shows. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import type { BoundOptions, BoundResult } from '../../src/bounds/result.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { jacobian } from '../support/forward.ts';
import { Random } from '../support/random.ts';

/** A pair alone goes on until it has converged; in the table it has ten gradients. */
const AGREED = 1.01;

let engine: Engine;
let mlp: Network;
let table: BoundResult;
let common: BoundResult;

beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu' });
  mlp = await loadNetwork('examples/mlp.onnx');
  table = await asked(mlp, { target: 'margins' });
  common = await asked(mlp, { target: 'margins', multipliers: table.multipliers!, evaluations: 0 });
});
afterAll(() => engine.close());

function asked(network: Network, options: BoundOptions): Promise<BoundResult> {
  return bound(network, { engine, lower: false, ...options });
}

function evaluations({ methods, pairs }: BoundResult): number {
  return methods.reduce((sum, { search }) => sum + (search?.evaluations ?? 0), pairs?.evaluations ?? 0);
}

function pairsOf(outputs: number): [number, number][] {
  return Array.from({ length: outputs }, (_, i) =>
    Array.from({ length: i }, (_, j): [number, number] => [i, j]),
  ).flat();
}

describe('margins of the example', () => {
  it.each([
    [5, 3],
    [1, 0],
    [7, 3],
    [9, 0],
    [7, 6],
  ] as const)('of outputs %i and %i are what they are alone', async (i, j) => {
    const alone = await asked(mlp, { target: [i, j] });
    const ratio = table.margins![i]![j]! / alone.bound!;
    expect(ratio).toBeLessThan(AGREED);
    expect(ratio).toBeGreaterThan(1 / AGREED);
  });

  it('take less than five searches', async () => {
    expect(table.pairs).toMatchObject({ pairs: 45, of: 45 });
    expect(evaluations(table)).toBeLessThan(5 * evaluations(await asked(mlp, {})));
  });

  it('are symmetric, 0 on the diagonal, and nowhere above what the multipliers for all give', () => {
    expect(common.pairs).toBeUndefined();
    let least = Infinity;
    for (const [i, j] of pairsOf(10)) {
      const value = table.margins![i]![j]!;
      expect(table.margins![j]![i]).toBe(value);
      expect(value).toBeLessThanOrEqual(common.margins![i]![j]! * (1 + 1e-9));
      least = Math.min(least, 1 - value / common.margins![i]![j]!);
    }
    expect(table.margins!.every((row, i) => row[i] === 0)).toBe(true);
    // Every pair has something of its own here.
    expect(least).toBeGreaterThan(0.03);
    expect(table.pairs!.mean).toBeGreaterThan(0.08);
    expect(table.pairs!.largest).toBeGreaterThan(table.pairs!.mean);
  });

  it('are nowhere below slopes that a search for them finds, which come near', async () => {
    const nearness: number[] = [];
    for (const [i, j] of pairsOf(10).filter((_, k) => k % 4 === 0)) {
      const { lower } = await asked(mlp, { target: [i, j], method: 'spectral-product', lower: true });
      nearness.push(lower!.value! / table.margins![i]![j]!);
    }
    expect(Math.max(...nearness)).toBeLessThanOrEqual(1);
    expect(Math.min(...nearness)).toBeGreaterThan(0.75);
  });

  it('keep the best so far of every pair where somebody interrupts', async () => {
    const controller = new AbortController();
    let visits = 0;
    const cut = await asked(mlp, {
      ...{ target: 'margins', interrupt: controller.signal },
      onProgress: ({ layer }) => {
        if (layer.startsWith('outputs') && ++visits === 7) controller.abort();
      },
    });
    expect(cut.pairs).toMatchObject({ status: 'interrupted', pairs: 7, of: 45 });
    let less = 0;
    for (const [i, j] of pairsOf(10)) {
      expect(cut.margins![i]![j]).toBeLessThanOrEqual(common.margins![i]![j]! * (1 + 1e-9));
      if (cut.margins![i]![j]! < 0.99 * common.margins![i]![j]!) less++;
    }
    expect(less).toBeGreaterThanOrEqual(7);
  });

  it('end at the time limit with what they have', async () => {
    const start = performance.now();
    const cut = await asked(mlp, { target: 'margins', timeLimit: 0.5, evaluations: 1e5 });
    expect((performance.now() - start) / 1000).toBeLessThan(5);
    expect(['time limit', undefined]).toContain(cut.pairs?.status);
    for (const [i, j] of pairsOf(10)) expect(cut.margins![i]![j]!).toBeLessThan(Infinity);
  });

  it('are cancelled', async () => {
    const controller = new AbortController();
    const work = asked(mlp, {
      ...{ target: 'margins', signal: controller.signal },
      onProgress: ({ layer }) => {
        if (layer.startsWith('outputs')) controller.abort(new Error('enough'));
      },
    });
    await expect(work).rejects.toThrow('enough');
  });
});

describe('margins of random networks', () => {
  it.each([1, 2, 3, 4])('are nowhere below their Jacobians (%i)', async (seed) => {
    const random = new Random(seed);
    const sizes = [4, 6, 6, 5];
    const builder = new NetworkBuilder('random');
    let id = builder.input('x', [sizes[0]!]);
    for (const [k, outputs] of sizes.slice(1).entries()) {
      const inputs = sizes[k]!;
      const weight = random.normals(outputs * inputs, 1);
      id = builder.add(`affine_${k}`, { kind: 'affine', outputs, inputs, weight }, [id]);
      const f = seed % 2 === 0 ? ({ name: 'relu' } as const) : ({ name: 'tanh' } as const);
      if (k < 2) id = builder.add(`f_${k}`, { kind: 'nonlinearity', function: f }, [id]);
    }
    const network = builder.build(id);
    const { margins } = await asked(network, { target: 'margins' });
    for (let sample = 0; sample < 300; sample++) {
      const j = jacobian(network, random.normals(4, sample % 3 === 0 ? 0.1 : 2));
      for (const [a, b] of pairsOf(5)) {
        const row = Array.from({ length: 4 }, (_, k) => j[a * 4 + k]! - j[b * 4 + k]!);
        expect(Math.hypot(...row)).toBeLessThanOrEqual(margins![a]![b]! * (1 + 1e-12));
      }
    }
  });
});
