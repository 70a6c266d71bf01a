/** Gradients in float32 on WebGPU against those in float64, and bounds that a search finds there. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { normals } from '../../bench/networks.ts';
import { bound } from '../../src/bounds/bound.ts';
import { nonlinearSteps, parametersOf } from '../../src/ellipsoid/multipliers/relative.ts';
import { allFrequencies } from '../../src/ellipsoid/search/frequencies.ts';
import { DifferentiablePass } from '../../src/ellipsoid/search/gradient/differentiablePass.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { compile } from '../../src/program/compile.ts';
import { useSwiftShader, withoutGpu } from '../engine/webgpu/hosts.ts';
import { runs } from '../support/runs.ts';
import { networks } from './adjointNetworks.ts';

describe.skipIf(withoutGpu)('on WebGPU', () => {
  let gpu: Engine;
  let cpu: Engine;
  beforeAll(async () => {
    useSwiftShader();
    gpu = await createEngine({ engine: 'webgpu' });
    cpu = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  });
  afterAll(async () => {
    await gpu.close();
    await cpu.close();
  });

  it.each(Object.keys(networks))('the gradient of %s', async (key) => {
    const program = compile(networks[key]!());
    const chunks = program.segments.map(allFrequencies);
    const next = normals(5);
    const theta = nonlinearSteps(program).map((step) =>
      Float64Array.from({ length: parametersOf(step) }, () => 0.5 + 0.2 * next()),
    );
    const [found, expected] = await Promise.all(
      [gpu, cpu].map(async (engine) => {
        const pass = new DifferentiablePass(engine, program, chunks);
        const result = await pass.evaluate(theta, { doublings: 5, barrier: 0.01 });
        pass.close();
        return result;
      }),
    );
    expect(Math.abs(found!.bound - expected!.bound)).toBeLessThan(1e-3);
    expect(Math.abs(found!.objective - expected!.objective)).toBeLessThan(1e-3);
    const largest = Math.max(...expected!.gradient.flatMap((g) => [...g.map(Math.abs)]));
    expect(largest).toBeGreaterThan(1e-3);
    expected!.gradient.forEach((layer, k) => {
      layer.forEach((value, i) => {
        const difference = Math.abs(found!.gradient[k]![i]! - value);
        expect(difference, `layer ${k}, entry ${i}`).toBeLessThan(5e-3 * largest);
      });
    });
  });

  it.each([
    ['chain of vectors', runs(16)],
    // Software takes a second for each.
    ['convolutions with stride and a fully connected head', runs(4)],
    ['residual blocks of vectors', runs(8)],
  ])('the refined bound of %s', async (key, evaluations) => {
    const network = networks[key]!();
    // Software on a busy machine takes minutes.
    const options = { method: 'refined', evaluations, lower: false, timeLimit: 300 } as const;
    const found = await bound(network, { ...options, engine: gpu });
    const expected = await bound(network, { ...options, engine: cpu });
    expect(Math.abs(found.bound! / expected.bound! - 1)).toBeLessThan(1e-2);
  });
});
