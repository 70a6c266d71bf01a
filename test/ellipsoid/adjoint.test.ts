/** Gradients of whole passes against finite differences, one network per rule and kind of joint. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { normals } from '../../bench/networks.ts';
import { nonlinearSteps, parametersOf } from '../../src/ellipsoid/multipliers/relative.ts';
import { allFrequencies } from '../../src/ellipsoid/search/frequencies.ts';
import { DifferentiablePass } from '../../src/ellipsoid/search/gradient/differentiablePass.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { compile } from '../../src/program/compile.ts';
import { networks } from './adjointNetworks.ts';

describe.each(['cpu-blas', 'cpu-wasm'] as const)('%s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: name, threads: 1 });
  });
  afterAll(() => engine.close());

  it.each(Object.keys(networks))('%s', async (key) => {
    const program = compile(networks[key]!());
    const chunks = program.segments.map(allFrequencies);
    const pass = new DifferentiablePass(engine, program, chunks);
    const next = normals(5);
    const theta = nonlinearSteps(program).map((step) =>
      Float64Array.from({ length: parametersOf(step) }, () => 0.5 + 0.2 * next()),
    );
    const smoothing = { doublings: 3, barrier: 0.05 };
    const here = await pass.evaluate(theta, smoothing);
    expect(here.objective).toBeLessThan(Infinity);
    expect(here.objective).toBeGreaterThanOrEqual(here.bound);
    expect(here.gradient.map((g) => g.length)).toEqual(theta.map((t) => t.length));
    const step = 1e-5;
    for (const [k, layer] of theta.entries()) {
      for (let i = 0; i < layer.length; i++) {
        const at = async (shift: number) => {
          const moved = theta.map((t) => t.slice());
          moved[k]![i]! += shift;
          return (await pass.evaluate(moved, smoothing)).objective;
        };
        const difference = ((await at(step)) - (await at(-step))) / (2 * step);
        const found = here.gradient[k]![i]!;
        expect(
          Math.abs(found - difference),
          `layer ${k}, entry ${i}: ${found} against ${difference}`,
        ).toBeLessThan(1e-6 + 1e-4 * Math.abs(difference));
      }
    }
    pass.close();
  });

  it.each(Object.keys(networks))('%s, tapes kept block by block', async (key) => {
    const program = compile(networks[key]!());
    const chunks = program.segments.map(allFrequencies);
    const theta = nonlinearSteps(program).map((step) => new Float64Array(parametersOf(step)).fill(0.4));
    const evaluate = async (blocks: number) => {
      const pass = new DifferentiablePass(engine, program, chunks, { blocks });
      const result = await pass.evaluate(theta, { doublings: 3, barrier: 0.02 });
      pass.close();
      return result;
    };
    const whole = await evaluate(1);
    expect(whole.objective).toBeLessThan(Infinity);
    for (const blocks of [2, 3, 100]) expect(await evaluate(blocks)).toEqual(whole);
  });
});
