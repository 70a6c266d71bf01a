/** Every closed-form rule on networks that others trained, against values of an independent implementation. */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';

/** The models stay where they are; without them these tests are skipped. */
const models = new URL('../../../shared/models/', import.meta.url);
const present = existsSync(new URL('reference.json', models));

type Reference = Record<string, Record<string, number | number[]>>;

/** Values from rules that are nearly infeasible, which rounding alone decides. */
const MEANINGLESS = 1e20;

describe.skipIf(!present)('reference models', () => {
  const reference: Reference = present
    ? JSON.parse(readFileSync(new URL('reference.json', models), 'utf8'))
    : {};

  for (const engineName of ['cpu-blas', 'cpu-wasm'] as const) {
    describe(engineName, () => {
      let engine: Engine;
      beforeAll(async () => {
        engine = await createEngine({ engine: engineName, threads: 1 });
      });
      afterAll(() => engine.close());

      for (const [file, expected] of Object.entries(reference)) {
        it(file, async () => {
          const network = await loadNetwork(new URL(file, models).pathname);
          const product = await bound(network, { engine, method: 'spectral-product', lower: false });
          const { methods, layers } = await bound(network, { engine, method: 'closed-form', lower: false });
          const results = [...product.methods, ...methods];
          const found = new Map<string, number | null>(results.map((r) => [r.rule ?? r.method, r.bound]));
          let compared = 0;
          for (const [name, value] of Object.entries(expected)) {
            if (typeof value !== 'number' || name === 'refined at most' || value >= MEANINGLESS) continue;
            const difference = Math.abs(found.get(name)! / value - 1);
            expect(
              difference,
              `${file}, ${name}: ${found.get(name)} instead of ${value}`,
            ).toBeLessThanOrEqual(1e-6);
            compared++;
          }
          expect(compared).toBeGreaterThanOrEqual(9);
          const sides = layers.flatMap((l) => (l.op === 'convolution' ? [l.torus![0]] : []));
          expect(sides).toEqual(expected.torus);
          // Nothing is below what the best multipliers reach, but for their own tolerance.
          const floor = expected['refined at most'] as number;
          for (const [name, value] of found) expect(value, name).toBeGreaterThan(floor * 0.5);
        });
      }
    });
  }
});
