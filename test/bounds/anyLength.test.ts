/** Bounds for signals of any length: above those of every length, and hardly so. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { Ledger } from '../../src/bounds/ledger.ts';
import type { BoundOptions } from '../../src/bounds/result.ts';
import { closedForms } from '../../src/bounds/runs/closedForm.ts';
import { interpolated } from '../../src/ellipsoid/anyLength/plan.ts';
import { stepNorms } from '../../src/ellipsoid/anyLength/taps.ts';
import { normsOf } from '../../src/ellipsoid/norms/norms.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { lengthened, sidesAt } from '../../src/network/lengths/lengths.ts';
import type { Network } from '../../src/network/network.ts';
import type { Operator } from '../../src/network/operator.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { compile } from '../../src/program/compile.ts';
import { squareRoot, toNumber } from '../../src/scaled.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { Random } from '../support/random.ts';
import {
  chain,
  convolution,
  family,
  MEAN,
  maxPool,
  nonlinearity,
  RELU,
  SIGNAL_FAMILIES,
} from '../support/signals.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const NAMES = Object.keys(SIGNAL_FAMILIES);
const LENGTHS = [16, 50, 128, 1000, 4096];

async function value(network: Network, options: BoundOptions): Promise<number> {
  const { bound: found } = await bound(network, { engine, lower: false, ...options });
  return found!;
}

/** SN(1) with so few frequencies, whatever they add. */
async function coarse(network: Network, frequencies: number): Promise<number> {
  const base = compile(simplify(lengthened(network, 16)), {
    lengths: { shortest: (node) => sidesAt(network, 16).get(node) },
  });
  const norms = await stepNorms(engine, base, undefined);
  const fine = interpolated(base, norms, 256, new Map());
  const program = interpolated(base, norms, frequencies, new Map());
  const gains = await normsOf(engine, fine, { memory: 1e9 });
  const [outcome] = await closedForms(engine, program, gains, ['SN(1)'], {
    ...{ method: 'test', memory: 1e9 },
    ledger: new Ledger(undefined),
  });
  return toNumber(squareRoot(outcome!.squared))!;
}

// Its D grows with S, so that more frequencies never make for less.
const rule = 'SN(1)' as const;

describe('a bound for any length', () => {
  it.each(NAMES)('is above those of all lengths and close to their supremum: %s', async (name) => {
    const make = SIGNAL_FAMILIES[name]!;
    let supremum = 0;
    for (const n of LENGTHS) supremum = Math.max(supremum, await value(make(n), { rule }));
    for (const frequencies of [3, 8, 21]) {
      expect((await coarse(make(16), frequencies)) / supremum).toBeGreaterThanOrEqual(1 - 1e-9);
    }
    const any = await bound(make(16), { engine, rule, lower: false, length: 'any', smallestLength: 16 });
    expect(any.length!.added).toBeLessThanOrEqual(0.01);
    expect(any.bound! / supremum).toBeGreaterThanOrEqual(1 - 1e-9);
    // Circular leaky layers lose what slopes from 0 on lose against those from 0.1 on.
    if (name !== 'circular, leaky') expect(any.bound! / supremum).toBeLessThan(1.0101);
    for (const n of [16, 40]) expect(sampledLowerBound(make(n), 20, n)).toBeLessThan(any.bound!);
  });

  it.each(['chain with a stride', 'pooled', 'residual block with a shortcut of stride 2'])(
    'is so with multipliers that were searched for: %s',
    async (name) => {
      const make = SIGNAL_FAMILIES[name]!;
      const search = { method: 'refined', evaluations: 80, lower: false } as const;
      const any = await bound(make(16), { engine, ...search, length: 'any' });
      const closed = await bound(make(16), { engine, method: 'closed-form', length: 'any', lower: false });
      expect(any.bound!).toBeLessThan(closed.bound! * 0.99);
      let supremum = 0;
      for (const n of [16, 128, 500]) {
        const interruption = new AbortController();
        const { methods } = await bound(make(n), {
          ...{ engine, ...search, interrupt: interruption.signal },
          onTrace: (point) => point.method === 'unrolled' && interruption.abort(),
        });
        supremum = Math.max(supremum, methods.find((row) => row.method === 'refined')!.bound!);
      }
      // Neither search ends exactly at its optimum.
      expect(any.bound! / supremum).toBeGreaterThan(0.998);
      expect(any.bound! / supremum).toBeLessThan(1.02);
      for (const n of [16, 40]) expect(sampledLowerBound(make(n), 20, n)).toBeLessThan(any.bound!);
    },
  );

  it('meets the norm of a filter whose peak lies between the frequencies, in one dimension and in two', async () => {
    const tone = (turns: number, axes: number): Network => {
      const side = 9;
      const size = side ** axes;
      // Rotations by ωt: the symbol at −ω has the norm Σ_t 1.
      const weight = new Float64Array(4 * size);
      for (let t = 0; t < size; t++) {
        const position = Math.floor(t / side) * (axes - 1) + (t % side);
        const angle = 2 * Math.PI * turns * position;
        weight.set([Math.cos(angle)], t);
        weight.set([-Math.sin(angle)], size + t);
        weight.set([Math.sin(angle)], 2 * size + t);
        weight.set([Math.cos(angle)], 3 * size + t);
      }
      const builder = new NetworkBuilder('tone');
      const ones = Array.from({ length: axes }, () => 1);
      const operator: Operator = {
        ...{ kind: 'convolution', outputs: 2, inputs: 2, groups: 1 },
        ...{ kernel: ones.map(() => side), stride: ones, dilation: ones },
        padding: { mode: 'zero', before: ones.map(() => 4), after: ones.map(() => 4) },
        weight,
      };
      const input = builder.input('x', [2, ...ones.map(() => 12)]);
      return builder.build(builder.add('', operator, [input]));
    };
    for (const axes of [1, 2]) {
      // Where a pass begins: 64 frequencies, or 16 per axis.
      const first = axes === 1 ? 64 : 16;
      for (const turns of [10.5 / first, 3.3 / first, 0.2]) {
        const any = await value(tone(turns, axes), { length: 'any', rule, cellTolerance: 10 });
        expect(any / 9 ** axes).toBeGreaterThanOrEqual(1);
        expect(any / 9 ** axes).toBeLessThan(axes === 1 ? 1.05 : 3);
        const fine = await value(tone(turns, axes), { length: 'any', rule, cellTolerance: 0.01 });
        expect(fine / 9 ** axes).toBeGreaterThanOrEqual(1);
        expect(fine / 9 ** axes).toBeLessThan(1.0101);
      }
    }
  });

  it.each([
    ['linear', []],
    ['nearly linear', [nonlinearity({ name: 'leaky-relu', slope: 0.9999 })]],
  ] as const)('sees what small delays add up to: %s layers', async (_, between) => {
    const layers = 4;
    // Two pairs of channels, moved apart by a sample per layer, meet again: 2 |cos(layers · ω − θ/2)|, at its largest between two of 64 frequencies.
    const theta = (2 * layers * 2 * Math.PI) / 128;
    const shifts = (outputs: number, inputs: number, taps: readonly (readonly number[])[]): Operator => {
      const weight = new Float64Array(outputs * inputs * 3);
      for (const [o, i, t, x] of taps) weight[(o! * inputs + i!) * 3 + t!] = x!;
      return {
        ...{ kind: 'convolution', outputs, inputs, groups: 1, kernel: [3], stride: [1], dilation: [1] },
        ...{ padding: { mode: 'zero', before: [0], after: [0] }, weight },
      };
    };
    const apart = shifts(
      4,
      4,
      [0, 1, 2, 3].map((c) => [c, c, c < 2 ? 0 : 2, 1]),
    );
    const [cos, sin] = [Math.cos(theta), Math.sin(theta)];
    const make = family(
      15,
      chain(() => [
        shifts(
          4,
          2,
          [0, 1, 2, 3].map((c) => [c, c % 2, c < 2 ? 0 : 2, 1]),
        ),
        ...between,
        ...Array.from({ length: layers - 2 }, () => [apart, ...between]).flat(),
        shifts(2, 4, [
          ...[0, 1].map((c) => [c, c, 0, 1]),
          ...[
            [0, 2, 2, cos],
            [0, 3, 2, -sin],
            [1, 2, 2, sin],
            [1, 3, 2, cos],
          ],
        ]),
      ]),
    );
    const options: BoundOptions = between.length === 0 ? { rule } : { method: 'refined' };
    const any = await bound(make(128), { engine, ...options, length: 'any', cellTolerance: 1e3 });
    expect(any.length!.frequencies).toBe(64);
    expect(any.bound!).toBeGreaterThanOrEqual(2 * 0.9999 ** 3);
  });

  it('is the same in little memory', async () => {
    for (const name of ['chain with a stride', 'residual stream']) {
      const network = SIGNAL_FAMILIES[name]!(16);
      const plenty = await value(network, { length: 'any', rule });
      const little = await value(network, { length: 'any', rule, memory: 30_000 });
      expect(little / plenty).toBeCloseTo(1, 9);
    }
  });

  it('holds for means over whole signals from a smallest length on', async () => {
    const make = family(
      10,
      chain((r) => [
        convolution(r, 4, 2, 5),
        RELU,
        convolution(r, 4, 4, 3, { stride: 2 }),
        RELU,
        MEAN,
        { kind: 'affine', outputs: 3, inputs: 4, weight: r.normals(12, 0.6) },
      ]),
    );
    const any = await bound(make(64), { engine, rule, lower: false, length: 'any', smallestLength: 16 });
    expect(any.length!.smallest).toBe(16);
    for (const n of [16, 17, 32, 200]) {
      expect(await value(make(n), { rule })).toBeLessThan(any.bound!);
      expect(sampledLowerBound(make(n), 20, n)).toBeLessThan(any.bound!);
    }
    // Means over twice as many samples are smaller by √2.
    const longer = await value(make(64), { rule, length: 'any', smallestLength: 32 });
    expect(any.bound! / longer).toBeCloseTo(Math.SQRT2, 6);
  });

  it('of a mean of a signal is one over the root of its samples', async () => {
    const make = family(
      11,
      chain(() => [MEAN]),
    );
    expect(await value(make(64), { length: 'any', smallestLength: 25 })).toBeCloseTo(1 / 5, 9);
  });
});

describe('what has no bound for any length', () => {
  const refused = (network: Network, options: BoundOptions = {}) =>
    bound(network, { engine, length: 'any', ...options });

  it('is refused with the reason', async () => {
    const flat = family(
      12,
      chain((r) => [
        convolution(r, 2, 2, 3),
        RELU,
        { kind: 'reindex', permutation: [0, 1], shape: [32] },
        { kind: 'affine', outputs: 2, inputs: 32, weight: r.normals(64) },
      ]),
    );
    await expect(refused(flat(16))).rejects.toThrow(/flatten.*the length is that of the file/s);
    await expect(
      refused(
        family(
          13,
          chain(() => [MEAN]),
        )(16),
      ),
    ).rejects.toThrow(/the option smallestLength/);
    const sum = family(
      14,
      chain(() => [{ kind: 'global-average-pool', sum: true }]),
    );
    await expect(refused(sum(16), { smallestLength: 4 })).rejects.toThrow(/grows with the length/);
    const edges = family(
      15,
      chain(() => [{ kind: 'pad', padding: { mode: 'replicate', before: [1], after: [1] } }]),
    );
    await expect(refused(edges(16))).rejects.toThrow(/no symbol.*bound it without the option length/s);
    const builder = new NetworkBuilder('vector');
    await expect(refused(builder.build(builder.input('x', [4])))).rejects.toThrow(/got a vector/);
  });

  it('nor do options that make no sense pass', async () => {
    const network = SIGNAL_FAMILIES['chain with a stride']!(16);
    for (const options of [
      { method: 'unrolled' },
      { method: 'spectral-product' },
      { smallestLength: 0 },
      { cellTolerance: 0 },
      { cellTolerance: Number.NaN },
    ] as const) {
      await expect(refused(network, options)).rejects.toThrow(/^(length|smallest|cell)/);
    }
    await expect(bound(network, { engine, smallestLength: 3 })).rejects.toThrow(/goes with length any/);
  });
});

describe('circular padding at any length', () => {
  const circular = { mode: 'circular' } as const;
  // At length 3 the rows that a stride of 2 leaves of a circulant matrix are neighbours: their norm is √3, that of their symbol √2.
  const pair = { mode: 'circular', stride: 2, before: 0, after: 1 } as const;
  it.each([
    ['a stride', [convolution(new Random(1), 1, 2, 2, pair)]],
    [
      'zero padding',
      [convolution(new Random(1), 3, 2, 3, circular), RELU, convolution(new Random(2), 2, 3, 3)],
    ],
    ['a pooling with a stride', [convolution(new Random(1), 3, 2, 3, circular), RELU, maxPool(2, 2)]],
    ['another length', [convolution(new Random(1), 3, 2, 4, { ...circular, before: 3, after: 3 }), RELU]],
  ])('is refused beside %s', async (_, operators) => {
    const make = family(
      1,
      chain(() => operators),
    );
    const refused = bound(make(24), { engine, length: 'any' });
    await expect(refused).rejects.toThrow(UnsupportedError);
    await expect(refused).rejects.toThrow(/beside circular padding/);
  });

  it('is refused where no signal is: what wraps one sample counts it twice', async () => {
    const channels = 2;
    const make = family(
      1,
      chain(() => [
        RELU,
        { kind: 'global-max-pool' },
        { kind: 'reindex', permutation: [0], shape: [channels, 1] },
        { kind: 'pad', padding: { mode: 'circular', before: [1], after: [0] } },
      ]),
    );
    await expect(bound(make(24), { engine, length: 'any' })).rejects.toThrow(/pad beside circular padding/);
  });
});

it('of signals with four axes are refused, and not with an error of the program', async () => {
  const builder = new NetworkBuilder('four');
  const scale = { kind: 'scale', scale: Float64Array.of(2) } as const;
  const network = builder.build(builder.add('mul', scale, [builder.input('x', [3, 2, 2, 2, 4])]));
  await expect(bound(network, { length: 'any', method: 'closed-form', lower: false })).rejects.toThrow(
    /one axis to 3/,
  );
});
