/** Index maps that do the same at all positions: found as such, and bounded from above by their symbols. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { boxOf, isUpsampling, latticeOf } from '../../src/network/lattice.ts';
import type { Operator } from '../../src/network/operator.ts';
import { product, strides } from '../../src/network/size.ts';
import { jacobianNorm } from '../support/forward.ts';
import { positions } from '../support/grid.ts';
import { Random } from '../support/random.ts';
import { patience, runs } from '../support/runs.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

interface Plan {
  readonly axes: number;
  readonly seed: number;
  readonly way: 'in place' | 'up' | 'down';
}

const plans = fc.record({
  axes: fc.integer({ min: 1, max: 3 }),
  seed: fc.nat(),
  way: fc.constantFrom('in place', 'up', 'down'),
});

interface Drawn {
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly sources: Int32Array;
}

/** y_o[up·q + p] = x_i[stride·q + d], by its definition. */
function drawn({ axes, seed, way }: Plan): Drawn {
  const random = new Random(seed);
  const integer = (least: number, most: number) => random.integer(least, most);
  const factor = way === 'in place' ? 1 : 2;
  const sides = Array.from({ length: axes }, () => factor * integer(2, axes === 1 ? 4 : 2));
  const [up, stride] = way === 'up' ? [factor, 1] : [1, factor];
  const input = [integer(1, 3), ...sides];
  // In place the sides may differ, by a crop or by zeros.
  const other = (n: number) => (way === 'up' ? n * factor : way === 'down' ? n / factor : n + integer(-1, 1));
  const output = [integer(1, 3), ...sides.map(other)];
  const classes = output[0]! * up ** axes;
  const rules = Array.from({ length: classes }, () => ({
    channel: random.uniform() < 0.15 ? -1 : integer(0, input[0]! - 1),
    offset: sides.map(() => integer(-1, 1)),
  }));
  const steps = strides(input);
  const sources = Int32Array.from(positions(output), ([channel, ...at]) => {
    const phase = at.reduce((k, i) => k * up + (i % up), 0);
    const { channel: from, offset } = rules[channel! * up ** axes + phase]!;
    const read = at.map((i, a) => stride * Math.floor(i / up) + offset[a]!);
    const inside = from >= 0 && read.every((i, a) => i >= 0 && i < sides[a]!);
    return inside ? from * steps[0]! + read.reduce((sum, i, a) => sum + i * steps[a + 1]!, 0) : -1;
  });
  return { input, output, sources };
}

describe('index maps', () => {
  it('that do the same everywhere are found', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const { input, output, sources } = drawn(plan);
        const lattice = latticeOf(sources, input, output);
        expect(lattice).toBeDefined();
        // Entry by entry the same map.
        const again = new Int32Array(sources.length).fill(-1);
        const steps = strides(output);
        for (const { output: channel, phase, input: from, offset } of lattice!.entries) {
          for (const q of positions(input.slice(1).map((n, a) => Math.max(n, output[a + 1]!)))) {
            const to = q.map((i, a) => lattice!.up[a]! * i + phase[a]!);
            const at = q.map((i, a) => lattice!.stride[a]! * i + offset[a]!);
            if (to.some((i, a) => i >= output[a + 1]!) || at.some((i, a) => i < 0 || i >= input[a + 1]!))
              continue;
            const flat = at.reduce((k, i, a) => k * input[a + 1]! + i, from);
            again[channel * steps[0]! + to.reduce((sum, i, a) => sum + i * steps[a + 1]!, 0)] = flat;
          }
        }
        expect(again).toEqual(sources);
        expect(product(boxOf(lattice!).sides)).toBeGreaterThan(0);
        if (isUpsampling(lattice!)) expect(lattice!.stride.every((s) => s === 1)).toBe(true);
      }),
      { numRuns: runs(300) },
    );
  });

  it('that do not are none', () => {
    fc.assert(
      fc.property(plans, fc.nat(), (plan, at) => {
        const { input, output, sources } = drawn(plan);
        if (product(output.slice(1)) < 9 || product(input) < 2) return;
        const broken = sources.slice();
        const n = at % broken.length;
        // An entry of its own in the midst of a class of at least two.
        broken[n] = (broken[n]! + 1) % product(input);
        const lattice = latticeOf(broken, input, output);
        if (!lattice) return;
        // Classes of a single entry may be any; then it is another lattice.
        expect(lattice.entries.length).toBeGreaterThan(0);
        expect(latticeOf(sources, input, output)).not.toEqual(lattice);
      }),
      { numRuns: runs(200) },
    );
  });

  it(
    'are bounded from above, padded layers behind them or not',
    async () => {
      let tight = 0;
      await fc.assert(
        fc.asyncProperty(plans, fc.boolean(), async (plan, padded) => {
          const { input, output, sources } = drawn(plan);
          const random = new Random(plan.seed + 1);
          const builder = new NetworkBuilder('lattice');
          const x = builder.input('x', input);
          const moved = builder.add('moved', { kind: 'gather', sources, shape: output }, [x]);
          const axes = output.length - 1;
          const kernel = new Array<number>(axes).fill(padded ? 2 : 1);
          const [ones, before] = [kernel.map(() => 1), kernel.map((k) => k - 1)];
          const mix: Operator = {
            ...{ kind: 'convolution', outputs: 1, inputs: output[0]!, groups: 1, kernel, stride: ones },
            ...{ dilation: ones, padding: { mode: 'zero', before, after: before.map(() => 0) } },
            weight: random.normals(output[0]! * product(kernel)),
          };
          const network = builder.build(builder.add('mixed', mix, [moved]));
          const norm = jacobianNorm(network, random.normals(product(input)));
          for (const method of ['closed-form', 'spectral-product'] as const) {
            const result = await bound(network, { engine, method, lower: false });
            expect(result.bound!).toBeGreaterThanOrEqual(norm * (1 - 1e-9));
            if (method === 'closed-form' && result.bound! < 1.1 * norm) tight++;
          }
        }),
        { numRuns: runs(60) },
      );
      expect(tight).toBeGreaterThan(runs(60) / 5);
    },
    patience(),
  );

  it('read zeros beyond their end: a difference of neighbours is steeper than on a circle of so many', async () => {
    const builder = new NetworkBuilder('difference');
    const x = builder.input('x', [1, 3]);
    const sources = Int32Array.of(0, 1, 2, 1, 2, -1);
    const pair = builder.add('pair', { kind: 'gather', sources, shape: [2, 3] }, [x]);
    const minus: Operator = {
      ...{ kind: 'convolution', outputs: 1, inputs: 2, groups: 1, kernel: [1], stride: [1], dilation: [1] },
      ...{ padding: { mode: 'zero', before: [0], after: [0] }, weight: Float64Array.of(1, -1) },
    };
    const network = builder.build(builder.add('minus', minus, [pair]));
    const result = await bound(network, { engine, method: 'closed-form', lower: false });
    // Of a circle of 3 it is 2 cos(π/6).
    expect(result.bound!).toBeGreaterThanOrEqual(2 * Math.cos(Math.PI / 7));
    expect(result.bound!).toBeLessThanOrEqual(2 + 1e-9);
  });

  it('are moved the way that other branches see', async () => {
    const builder = new NetworkBuilder('branches');
    const n = 24;
    const x = builder.input('x', [1, n]);
    const sources = Int32Array.from({ length: n }, (_, k) => (k + 1 < n ? k + 1 : -1));
    const next = builder.add('next', { kind: 'gather', sources, shape: [1, n] }, [x]);
    const filter = (taps: readonly number[], after: number): Operator => ({
      ...{ kind: 'convolution', outputs: 1, inputs: 1, groups: 1, kernel: [taps.length], stride: [1] },
      ...{
        dilation: [1],
        padding: { mode: 'zero', before: [0], after: [after] },
        weight: Float64Array.from(taps),
      },
    });
    // Twice x_{j+1} − x_{j+3}; were the samples moved back instead, each would be least where the other is largest.
    const a = builder.add('a', filter([1, 0, -1], 0), [next]);
    const b = builder.add('b', filter([0, 1, 0, -1], 1), [x]);
    const network = builder.build(builder.add('sum', { kind: 'add', coefficients: [1, 1] }, [a, b]));
    const norm = jacobianNorm(network, new Float64Array(n));
    expect(norm).toBeGreaterThan(3.9);
    const result = await bound(network, { engine, method: 'closed-form', lower: false });
    expect(result.bound!).toBeGreaterThanOrEqual(norm);
    expect(result.bound!).toBeLessThan(4.001);
  });
});
