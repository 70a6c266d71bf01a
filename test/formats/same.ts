/** Whether two networks are one and the same, as far as anybody sees: their values, and every digit of every bound. */
import { expect } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { createEngine } from '../../src/engine/create.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../src/network/network.ts';
import { product } from '../../src/network/size.ts';

/** Every bound by method and rule. */
export async function boundsOf(network: Network): Promise<Record<string, number | null>> {
  const engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  try {
    const result = await bound(network, { engine, evaluations: 20, lower: false });
    return Object.fromEntries(
      result.methods.map(({ method, rule, bound: value }) => [`${method} ${rule}`, value]),
    );
  } finally {
    await engine.close();
  }
}

/** @param order where each entry of the other's input is in that of the network, where they have another order of axes */
export async function expectSame(network: Network, other: Network, order?: readonly number[]): Promise<void> {
  const size = product(other.tensors[other.input]!.shape);
  for (const seed of [1, 2, 3]) {
    const x = Float64Array.from({ length: size }, (_, k) => Math.sin(seed * 7.3 + k));
    const own = order ? Float64Array.from(x) : x;
    for (const [k, at] of (order ?? []).entries()) own[at] = x[k]!;
    const values = [evaluate(network, own), evaluate(other, x)] as const;
    expect(values[0].length).toBe(values[1].length);
    for (const [k, y] of values[0].entries()) expect(Math.abs(y - values[1][k]!)).toBeLessThan(1e-12);
  }
  const bounds = await boundsOf(other);
  expect(Object.keys(bounds).length).toBeGreaterThan(5);
  expect(await boundsOf(network)).toEqual(bounds);
}
