/** Searches in regions: of networks that have everywhere the slopes which these have there. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { type LocalRow, localBound } from '../../src/certify/certify.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { slopeInterval } from '../../src/network/elementwise/elementwise.ts';
import type { Network } from '../../src/network/network.ts';
import { narrowed } from '../../src/network/simplify/narrowed.ts';
import { Layers } from '../support/layers.ts';
import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

const random = new Random(5);
const dense = (inputs: number, outputs: number) => random.normals(inputs * outputs, 1 / Math.sqrt(inputs));
const perceptron = new Layers(6)
  .affine(14, 6, dense(6, 14), random.normals(14, 0.5))
  .apply({ name: 'relu' })
  .affine(14, 14, dense(14, 14), random.normals(14, 0.5))
  .apply({ name: 'tanh' })
  .affine(3, 14, dense(14, 3))
  .build();
const centre = random.normals(6);

async function rowsOf(network: Network, at: Float64Array, radius: number, kind?: 'anchored') {
  const rows: LocalRow[] = [];
  const options = { engine, method: 'refined' as const, onMethod: (row: LocalRow) => rows.push(row) };
  const least = await localBound(network, at, radius, { ...options, ...(kind && { kind }) });
  expect(least).toBe(Math.min(...rows.map((row) => row.bound)));
  expect(rows.map((row) => row.method)).toEqual(['closed-form', 'refined']);
  return rows.map((row) => row.bound) as [closed: number, refined: number];
}

describe('a search in a region', () => {
  it('begins where the closed form is, and ends below it', async () => {
    for (const kind of [undefined, 'anchored'] as const) {
      const [closed, refined] = await rowsOf(perceptron, centre, 0.5, kind);
      expect(refined).toBeLessThan(0.98 * closed);
    }
  });

  it('grows with the region, from the slope at a point to the bound for all inputs', async () => {
    const [closed, point] = await rowsOf(perceptron, centre, 0);
    expect(point / closed).toBeCloseTo(1, 6);
    const everywhere = (await bound(perceptron, { engine, method: 'refined', lower: false })).bound!;
    let before = point;
    for (const radius of [0.1, 0.5, 2, 1e3]) {
      const [, refined] = await rowsOf(perceptron, centre, radius);
      expect(refined).toBeGreaterThan(before * (1 - 1e-3));
      before = refined;
    }
    expect(before / everywhere).toBeCloseTo(1, 2);
  });

  it('knows winners of maxima that are certain', async () => {
    const network = new Layers(4)
      .affine(8, 4, dense(4, 8), [9, 0, 9, 0, 9, 0, 9, 0])
      .add({
        kind: 'max-gather',
        windows: [0, 2, 4, 6].map((k) => Int32Array.of(k, k + 1)),
      })
      .affine(2, 4, dense(4, 2))
      .build();
    const [closed, refined] = await rowsOf(network, new Float64Array(4), 0.5);
    // Linear there.
    expect(refined / closed).toBeCloseTo(1, 6);
    const far = await rowsOf(network, new Float64Array(4), 1e3);
    expect(far[1]).toBeGreaterThan(1.05 * refined);
  });

  it('ends where it is interrupted, with what there is', async () => {
    const stop = new AbortController();
    const onMethod = () => stop.abort();
    const options = { engine, method: 'refined', interrupt: stop.signal, onMethod } as const;
    const closed = await localBound(perceptron, centre, 0.5, { engine, method: 'closed-form' });
    expect(await localBound(perceptron, centre, 0.5, options)).toBe(closed);
    await expect(
      localBound(perceptron, centre, 0.5, { engine, interrupt: AbortSignal.abort(new Error('stopped')) }),
    ).rejects.toThrow('stopped');
  });
});

describe('a narrowed network', () => {
  const end = fc.oneof(
    fc.constantFrom(0, 1, -1, 0.5, 1e-300, 5e-324, -1e-200, 1e200),
    fc.double({ min: -2, max: 2, noNaN: true }),
  );

  it('has just the slopes that are given', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(end, end), { minLength: 1, maxLength: 6 }), (pairs) => {
        const lower = Float64Array.from(pairs, ([a, b]) => Math.min(a, b));
        const upper = Float64Array.from(pairs, ([a, b]) => Math.max(a, b));
        const network = new Layers(pairs.length).apply({ name: 'relu' }).build();
        const own = narrowed(network, new Map([[network.nodes[0]!, { lower, upper }]]));
        const { low, high } = slopesOf(own, pairs.length);
        for (let i = 0; i < pairs.length; i++) {
          expect(low[i]!).toBeLessThanOrEqual(lower[i]!);
          expect(high[i]!).toBeGreaterThanOrEqual(upper[i]!);
          const size = Math.max(Math.abs(lower[i]!), Math.abs(upper[i]!));
          expect(lower[i]! - low[i]!).toBeLessThanOrEqual(size * 2 ** -50 + 1e-320);
          expect(high[i]! - upper[i]!).toBeLessThanOrEqual(size * 2 ** -50 + 1e-320);
        }
      }),
      { numRuns: runs(200), seed: 3 },
    );
  });
});

/** Least and largest slope of each output, which depends on the input of its place alone. */
function slopesOf({ nodes, input, output }: Network, size: number) {
  const ones = () => new Float64Array(size).fill(1);
  const of = new Map([[input, { low: ones(), high: ones(), place: Int32Array.from(ones().keys()) }]]);
  for (const node of nodes) {
    const [a, b] = node.inputs.map((id) => of.get(id)!);
    const { operator } = node;
    const { low, high, place } = a!;
    if (operator.kind === 'scale') {
      const [x, y] = [low.map((v, i) => v * operator.scale[i]!), high.map((v, i) => v * operator.scale[i]!)];
      of.set(node.output, {
        low: x.map((v, i) => Math.min(v, y[i]!)),
        high: x.map((v, i) => Math.max(v, y[i]!)),
        place,
      });
    } else if (operator.kind === 'nonlinearity') {
      const { lower, upper } = slopeInterval(operator.function);
      expect([...low, ...high].every((slope) => slope === 1)).toBe(true);
      of.set(node.output, {
        low: low.map((_, i) => lower[i % lower.length]!),
        high: high.map((_, i) => upper[i % upper.length]!),
        place,
      });
    } else if (operator.kind === 'gather') {
      const picked = (values: Float64Array) =>
        Float64Array.from(operator.sources, (s) => (s < 0 ? 0 : values[s]!));
      of.set(node.output, {
        low: picked(low),
        high: picked(high),
        place: operator.sources.map((s) => (s < 0 ? -1 : place[s]!)),
      });
    } else {
      expect(operator.kind).toBe('add');
      of.set(node.output, {
        low: low.map((v, i) => v + b!.low[i]!),
        high: high.map((v, i) => v + b!.high[i]!),
        place: place.map((p, i) => (p < 0 ? b!.place[i]! : p)),
      });
    }
  }
  const { low, high, place } = of.get(output)!;
  for (const [i, p] of place.entries()) if (low[i] !== 0 || high[i] !== 0) expect(p).toBe(i);
  return { low, high };
}
