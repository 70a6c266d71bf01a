/** Searches that go on from what an earlier one has left: they come to what one search comes to, and believe nothing. */
import { describe, expect, it } from 'vitest';
import { type ExactOptions, type ExactResult, exactConstant } from '../../src/exact/exact.ts';
import type { TreeNode } from '../../src/exact/record.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { Random } from '../support/random.ts';
import { type Layer, largestSlope } from './regions.ts';

const EXACT = 1e-6;

function layersOf(seed: number, sizes: readonly number[], entry = (x: number) => x): Layer[] {
  const random = new Random(seed);
  return sizes.slice(1).map((rows, k) => ({
    weight: Array.from({ length: rows }, () => [...random.normals(sizes[k]!)].map(entry)),
    bias: [...random.normals(rows, 0.5)].map(entry),
  }));
}

function dense(layers: readonly Layer[]) {
  const last = layers.length - 1;
  return NetworkBuilder.fromDense(
    layers.map((layer, k) => ({ ...layer, ...(k < last && { activation: 'relu' as const }) })),
  );
}

/** Until so many nodes have been looked at. */
async function stopped(network: ReturnType<typeof dense>, most: number, options: ExactOptions = {}) {
  let seen = 0;
  return exactConstant(network, {
    ...options,
    isOver: () => seen >= most,
    onProgress: ({ nodes }) => {
      seen = nodes;
    },
  });
}

const beginning = ({ tree, steepest }: ExactResult) => ({ tree: tree!, input: steepest?.x });

const side = (at: number, entries = 3) => new Float64Array(entries).fill(at);
const RANDOM = layersOf(11, [3, 5, 4, 1]);
const LARGER = layersOf(7, [8, 10, 8, 2]);

describe('searches that were stopped', () => {
  it.each<[string, readonly Layer[], ExactOptions]>([
    ['everywhere', RANDOM, {}],
    ['in a box', RANDOM, { box: { low: side(-1), high: side(1) } }],
    ['in a ball', RANDOM, { ball: { centre: side(0.1), radius: 0.8 } }],
    ['with parts that are flat', layersOf(2, [3, 4, 3, 1], (x) => Math.round(1.5 * x)), {}],
    ['of more inputs', LARGER, {}],
  ])('come to what one search comes to, %s', async (_, layers, where) => {
    const network = dense(layers);
    const whole = await exactConstant(network, where);
    expect(whole.status).toBe('exact');
    const most = Math.max(1, Math.floor(whole.nodes / 3));
    let part = await stopped(network, most, where);
    expect(part.upper).toBeGreaterThanOrEqual(whole.lower);
    for (let k = 0; k < 12 && part.status !== 'exact'; k++) {
      const next = await stopped(network, most, { ...where, beginning: beginning(part) });
      expect(next.upper).toBeLessThanOrEqual(part.upper * (1 + 1e-8));
      expect(next.lower).toBeGreaterThanOrEqual(part.lower * (1 - 1e-12));
      part = next;
    }
    expect(part.status).toBe('exact');
    expect(part.upper).toBeLessThanOrEqual(whole.lower * (1 + EXACT));
    expect(part.upper).toBeGreaterThanOrEqual(whole.lower);
  });

  it('need not look again at what is closed', async () => {
    const network = dense(LARGER);
    const whole = await exactConstant(network);
    expect(whole.nodes).toBeGreaterThan(10);
    expect((await exactConstant(network, { beginning: beginning(whole) })).nodes).toBe(0);
    const half = await stopped(network, Math.floor(whole.nodes / 2));
    expect(half.status).toBe('stopped');
    const rest = await exactConstant(network, { beginning: beginning(half) });
    expect(rest.nodes).toBeLessThan(0.8 * whole.nodes);
  });

  it('are not believed: parts that are called empty are looked at', async () => {
    const network = dense(RANDOM);
    const { tree, upper } = await exactConstant(network);
    const truth = largestSlope(RANDOM, { name: 'relu' });
    const proof = tree!.find(({ kind }) => kind === 'empty')!;
    const one = { kind: 'bounded' as const, units: [0], sigma: Float64Array.of(1e-3) };
    for (const lie of [
      tree!.map((node): TreeNode => (node.kind === 'bounded' ? proof : node)),
      tree!.map((node): TreeNode => (node.kind === 'bounded' ? { kind: 'unreachable' } : node)),
      tree!.map((node): TreeNode => (node.kind === 'bounded' ? { kind: 'flat', rows: [] } : node)),
      tree!.map((node): TreeNode => (node.kind === 'bounded' ? one : node)),
    ]) {
      const result = await exactConstant(network, { beginning: { tree: lie } });
      expect(result.upper).toBeGreaterThanOrEqual(truth * (1 - 1e-9));
      expect(result.upper).toBeLessThanOrEqual(upper * (1 + EXACT));
    }
  });

  it('are refused where they do not hold all inputs, or are of another network', async () => {
    const network = dense(RANDOM);
    const { tree } = await exactConstant(network);
    const all = tree!;
    const split = { kind: 'split' as const, unit: 0, at: 0 };
    const from = (nodes: readonly TreeNode[]) => exactConstant(network, { beginning: { tree: nodes } });
    await expect(from(all.slice(0, -1))).rejects.toThrow(/all inputs, got less/);
    await expect(from([])).rejects.toThrow(/all inputs, got less/);
    await expect(from([...all, all.at(-1)!])).rejects.toThrow(/all inputs, got more/);
    await expect(from([split, split, ...all])).rejects.toThrow(/got a split of unit 0 at 0/);
    await expect(from([{ ...split, unit: 99 }, ...all])).rejects.toThrow(/got a split of unit 99/);
    const bad = { kind: 'bounded' as const, units: [0], sigma: Float64Array.of(-1) };
    await expect(from([bad])).rejects.toThrow(/multipliers above 0/);
    const input = new Float64Array(7);
    await expect(exactConstant(network, { beginning: { tree: all, input } })).rejects.toThrow(
      /of 3 numbers, got 7/,
    );
  });
});
