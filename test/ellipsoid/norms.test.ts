/** Norms of maps by themselves, whatever form they are computed in: against the frequencies of the map as it is. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { normPlan } from '../../src/ellipsoid/norms/form.ts';
import { pickNorm } from '../../src/ellipsoid/norms/gains.ts';
import { termSpectrum } from '../../src/ellipsoid/norms/layerSpectrum.ts';
import { type NormsOptions, normsOf } from '../../src/ellipsoid/norms/norms.ts';
import { Rounding } from '../../src/ellipsoid/rounding/rounding.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Operator } from '../../src/network/operator.ts';
import { compile } from '../../src/program/compile.ts';
import { toNumber } from '../../src/scaled.ts';
import { Random } from '../support/random.ts';

interface Layer {
  readonly transposed: boolean;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly seed: number;
}

const pair = (least: number, most: number) =>
  fc.tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }));

const layer: fc.Arbitrary<Layer> = fc.record({
  transposed: fc.boolean(),
  inputs: fc.integer({ min: 1, max: 5 }),
  outputs: fc.integer({ min: 1, max: 5 }),
  kernel: pair(1, 4),
  stride: pair(1, 3),
  seed: fc.nat(1000),
});

function programOf({ transposed, inputs, outputs, kernel, stride, seed }: Layer) {
  const builder = new NetworkBuilder('one layer');
  const input = builder.input('x', [inputs, 9, 8]);
  const weight = new Random(seed).normals(inputs * outputs * kernel[0] * kernel[1], 1);
  const common = { outputs, inputs, groups: 1, kernel, stride, dilation: [1, 1], weight };
  const operator: Operator = transposed
    ? { kind: 'transposed-convolution', ...common, before: [0, 0], after: [0, 0], outputPadding: [0, 0] }
    : {
        kind: 'convolution',
        ...common,
        padding: { mode: 'zero', before: kernel.map((n) => n >> 1), after: kernel.map((n) => (n - 1) >> 1) },
      };
  return compile(builder.build(builder.add('layer', operator, [input])));
}

describe('the norm of a map', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  });
  afterAll(() => engine.close());

  it('is the largest over its frequencies, strides, upsampling and turned maps included', async () => {
    await fc.assert(
      fc.asyncProperty(layer, async (given) => {
        const program = programOf(given);
        const segment = program.segments[0]!;
        const step = segment.steps[0]!;
        if (step.kind !== 'linear') throw new Error('a linear step was expected');
        const placed = step.terms[0]!;
        const rounding = new Rounding(engine.information, 0);
        const { values } = await termSpectrum(engine, segment, 0, placed, rounding, undefined);
        const expected = Math.sqrt(values.reduce((most, x) => Math.max(most, x), 0));
        const found = async (options: Pick<NormsOptions, 'rounding' | 'about'>) => {
          const norms = await normsOf(engine, program, { memory: 1e9, ...options });
          return toNumber(norms.get(placed.term.map)!)! / expected;
        };
        expect(await found({ rounding })).toBeCloseTo(1, 7);
        const about = await found({ about: true });
        expect(about).toBeLessThan(1 + 1e-7);
        expect(about).toBeGreaterThan(0.7);
        const plan = normPlan(segment, 0, placed);
        const { kernel, stride, transposed } = given;
        expect(plan.constant).toBe(kernel.every((n) => n === 1));
        // Nothing larger than the smaller side, of samples that a stride takes apart.
        if (!plan.constant) {
          const lifted = stride[0] * stride[1];
          const sides = transposed
            ? [given.outputs * lifted, given.inputs]
            : [given.outputs, given.inputs * lifted];
          expect(plan.rows).toBe(Math.min(...sides));
          expect(plan.copies).toBe(1);
        }
      }),
      { numRuns: 40, seed: 3 },
    );
  });

  it('is about the largest at a few frequencies, where that is all that is asked for', async () => {
    const network = (side: number) => {
      const builder = new NetworkBuilder('large');
      const sizes = { outputs: 3, inputs: 3, groups: 1, kernel: [3, 3], stride: [1, 1], dilation: [1, 1] };
      const padding = { mode: 'zero', before: [1, 1], after: [1, 1] } as const;
      const weight = new Random(4).normals(81, 1);
      const x = builder.input('x', [3, side, side]);
      return builder.build(builder.add('conv', { kind: 'convolution', ...sizes, padding, weight }, [x]));
    };
    const looked = async (side: number) => {
      const radius = vi.spyOn(engine, 'estimatedRadius');
      await normsOf(engine, compile(network(side)), { memory: 1e9, about: true });
      const frequencies = radius.mock.calls.reduce((sum, [s]) => sum + s.batch, 0);
      radius.mockRestore();
      return frequencies;
    };
    // On a torus of one more, as many as the 5 × 5 coefficients of W Wᴴ take, up to a divisor; of a prime number all.
    expect(await looked(55)).toBe(25);
    expect(await looked(19)).toBe(13);
    expect(await looked(6)).toBe(25);
  });

  it('of what it does to every channel alike is computed of one', async () => {
    const builder = new NetworkBuilder('pooling');
    const input = builder.input('x', [64, 8, 8]);
    const pool: Operator = {
      ...{ kind: 'average-pool', kernel: [2, 2], stride: [2, 2], countIncludesPadding: true },
      padding: { mode: 'zero', before: [0, 0], after: [0, 0] },
    };
    const program = compile(builder.build(builder.add('pool', pool, [input])));
    const segment = program.segments[0]!;
    const step = segment.steps.find((one) => one.kind === 'linear');
    if (step?.kind !== 'linear') throw new Error('a linear step was expected');
    const plan = normPlan(segment, segment.steps.indexOf(step), step.terms[0]!);
    expect([plan.rows, plan.columns]).toEqual([1, 1]);
    const norms = await normsOf(engine, program, { memory: 1e9 });
    expect(toNumber(norms.get(step.terms[0]!.term.map)!)).toBeCloseTo(0.5, 9);
  });
});

describe('the norm of entries that are picked', () => {
  const norm = (sources: readonly number[], scale: readonly number[]) =>
    toNumber(pickNorm({ kind: 'pick', sources: Int32Array.from(sources), scale: Float64Array.from(scale) }));

  it('is the length of what one and the same entry is scaled by', () => {
    expect(norm([0, 0, 1], [3, 4, -1])).toBeCloseTo(5, 12);
    expect(norm([0, 0, 0, 2], [2])).toBeCloseTo(2 * Math.sqrt(3), 12);
    expect(norm([-1, -1], [7])).toBe(0);
  });

  it('does not vanish beside a large scale of what reads no entry', () => {
    for (const large of [1e100, 1e162, 1e200, 1e300]) {
      const found = norm([-1, 0, 1], [large, 1e-100, 1e-100]);
      expect(found).toBeGreaterThanOrEqual(1e-100);
      expect(found).toBeLessThan(1.001e-100);
    }
  });
});
