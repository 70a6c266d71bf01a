/** What the rows of a call come to: options that are left out, and lower bounds that cannot be. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { DEFAULTS } from '../../src/bounds/defaults.ts';
import * as sample from '../../src/bounds/lower/sample.ts';
import type { BoundResult } from '../../src/bounds/result.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { scaled } from '../../src/scaled.ts';

vi.mock('../../src/bounds/lower/sample.ts', { spy: true });

/** x ↦ (3 x₀, −4 x₁), whose constant is 4. */
const network = (() => {
  const builder = new NetworkBuilder('diagonal');
  const weight = Float64Array.of(3, 0, 0, -4);
  const x = builder.input('x', [2]);
  return builder.build(builder.add('fc', { kind: 'affine', outputs: 2, inputs: 2, weight }, [x]));
})();

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

describe('a lower bound above the bound', () => {
  const options = { method: 'closed-form' } as const;
  const sampling = (value: number, assurance: 'nominal' | 'rounding-safe') =>
    vi.mocked(sample.sampledLowerBound).mockResolvedValueOnce({ value: scaled(value), assurance });

  it('is dropped where it is nominal, and the note says why', async () => {
    sampling(4.001, 'nominal');
    const result = await bound(network, { engine, ...options });
    expect(result.bound).toBeCloseTo(4, 9);
    expect(result.lower).toBeUndefined();
    expect(result.note).toMatch(
      /^No lower bound: what was sampled lies above the bound, and nothing is known of the rounding in it/,
    );
  });

  it('stays where it is no larger, or where the bound is nominal too', async () => {
    for (const [value, rigor] of [
      [3.999, true],
      [4.001, false],
    ] as const) {
      sampling(value, 'nominal');
      const result = await bound(network, { engine, rigor, ...options });
      expect(result.lower).toMatchObject({ value, assurance: 'nominal' });
      expect(result.note).toBeUndefined();
    }
  });

  it('is an error where both are proofs', async () => {
    sampling(4.001, 'rounding-safe');
    await expect(bound(network, { engine, ...options })).rejects.toThrow(
      /^bound: the bound 10\^0\.60\d+ must not lie below the sampled 10\^0\.60\d+; please report this/,
    );
  });
});

describe('options that are left out', () => {
  it('are as the table of defaults has them', async () => {
    const timeless = (result: BoundResult) =>
      JSON.parse(JSON.stringify(result, (key, value) => (key === 'seconds' ? undefined : value)));
    const { method, target, memory, evaluations, tolerance, timeLimit } = DEFAULTS;
    const { inflationLimit, rigor, lower, seed } = DEFAULTS;
    const written = await bound(network, {
      ...{ engine, method, target, evaluations, tolerance, timeLimit, inflationLimit, rigor, lower, seed },
      memory: memory + 1e6,
    });
    expect(timeless(await bound(network, { engine }))).toEqual(timeless(written));
  });

  it('are no place for what is no engine', async () => {
    const other = { information: engine.information, close: async () => {} };
    await expect(bound(network, { engine: other })).rejects.toThrow(InputError);
    await expect(bound(network, { engine: other })).rejects.toThrow(/one that createEngine has made/);
  });
});
