/** Closed-form bounds of networks that others trained: float32 on WebGPU against float64 on the CPU. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../../src/bounds/bound.ts';
import type { RuleName } from '../../../src/ellipsoid/multipliers/closedForms.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { loadNetwork } from '../../../src/formats/load.node.ts';
import { runs } from '../../support/runs.ts';
import { useSwiftShader, withoutGpu } from './hosts.ts';

/** The models stay where they are; without them these tests are skipped. */
const models = new URL('../../../../shared/models/', import.meta.url);
const present = existsSync(new URL('reference.json', models));

/** Small enough for a software adapter. With LIPSOID_RUNS larger ones, two of which leave the range of float32, squares near 1e28 and bounds
 *  near 1e-5 (by one rule in every check: remoteModels.test.ts). */
const files = [
  ...(runs(1) > 1 ? ['mlp_L65_W16.onnx', 'chain_L65_W16.onnx', 'mlp_L3_W64.onnx', 'chain_L9_W32.onnx'] : []),
  'fnn3_seed0.onnx',
  'cnn2_seed0.onnx',
  'lipsdp_random.onnx',
  'eclipse_lyr2n80.onnx',
];

/** `mixed` chooses by estimates: where two rules come to nearly the same, rounding decides which. */
const toleranceOf = (rule: string | undefined) => (rule === 'mixed' ? 0.05 : 1e-3);
/** Values from rules that are nearly infeasible, which rounding alone decides. */
const meaningless = (rule: string | undefined, value: number) => rule === 'GC(1.99)' || value >= 1e20;

describe.skipIf(withoutGpu || !present)('closed forms in float32', () => {
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

  it.each(files)('%s', async (file) => {
    const network = await loadNetwork(new URL(file, models).pathname);
    const methods = async (engine: Engine, rigor: boolean) => [
      ...(await bound(network, { engine, rigor, lower: false, method: 'spectral-product' })).methods,
      ...(
        await bound(network, { engine, rigor, lower: false, method: 'closed-form', inflationLimit: Infinity })
      ).methods,
    ];
    const [actual, expected] = [await methods(gpu, false), await methods(cpu, false)];
    expect(actual.map((row) => row.rule ?? row.method)).toEqual(
      expected.map((row) => row.rule ?? row.method),
    );
    let compared = 0;
    for (const [k, { rule, method, bound: value }] of expected.entries()) {
      if (meaningless(rule, value!)) continue;
      const found = actual[k]!.bound;
      const difference = Math.abs(found! / value! - 1);
      expect(difference, `${rule ?? method}: ${found} instead of ${value}`).toBeLessThanOrEqual(
        toleranceOf(rule),
      );
      compared++;
    }
    expect(compared).toBeGreaterThanOrEqual(8);
    // What rounding may have done in float32 costs a little.
    const best = expected
      .filter(({ rule }) => rule && rule !== 'mixed')
      .reduce((a, b) => (b.bound! < a.bound! ? b : a));
    for (const options of [
      { method: 'spectral-product' },
      { method: 'closed-form', rule: best.rule as RuleName },
    ] as const) {
      const [row] = (
        await bound(network, { engine: gpu, lower: false, ...options, inflationLimit: Infinity })
      ).methods;
      const bare = expected.find(({ method, rule }) => method === row!.method && rule === row!.rule)!.bound!;
      expect(row!.bound! / bare, `${row!.rule ?? row!.method} from above`).toBeGreaterThanOrEqual(1);
      expect(row!.bound! / bare, `${row!.rule ?? row!.method} from above`).toBeLessThanOrEqual(1.05);
    }
  });
});
