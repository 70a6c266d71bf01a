/** Every operation on every engine against the oracle, on the same batches. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { assertClose } from './compare.ts';
import { choices, tolerances } from './engines.ts';
import { type Case, cases, type Operation } from './operations/cases.ts';
import { estimates, LEAST_ESTIMATE, operations, radii } from './operations.ts';
import { oracleEngine } from './oracle/engine.ts';

/** Storage that is NaN before its first use and after its last. */
vi.mock('../../src/engine/cpu/storage.ts', async (original) => {
  const storage = await original<typeof import('../../src/engine/cpu/storage.ts')>();
  const lent = new WeakSet<Float64Array>();
  return {
    ...storage,
    allocate: (length: number) => {
      const array = storage.allocate(length).fill(Number.NaN);
      lent.add(array);
      return array;
    },
    recycle: (array: Float64Array) => {
      if (lent.delete(array)) array.fill(Number.NaN);
      storage.recycle(array);
    },
  };
});

const oracle = oracleEngine();
const known = new Map<string, Promise<Float64Array[]>>();

/** The oracle's answer, found once for all engines. */
function expectation(name: string, operation: Operation, given: Case): Promise<Float64Array[]> {
  const key = `${name} ${given.n} ${given.batch} ${given.complex}`;
  const answer = known.get(key) ?? oracle.read(...operation(oracle, given));
  known.set(key, answer);
  return answer;
}

/** Several threads share the work of large matrices alone. */
const shared = ({ n }: Case) => n >= 64;

describe.each(choices)('$engine, $threads threads', (choice) => {
  const looked = choice.engine === 'cpu-wasm' && choice.threads > 1 ? cases.filter(shared) : cases;
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine(choice);
  });
  afterAll(() => engine.close());

  describe.each(operations)('%s', (name, tolerance, operation) => {
    it.each(looked)('n = $n, batch = $batch, complex = $complex', async (given) => {
      const actual = await engine.read(...operation(engine, given));
      const expected = await expectation(name, operation, given);
      actual.forEach((values, k) => {
        assertClose(values, expected[k]!, tolerances[tolerance], `result ${k}`);
      });
    });
  });

  it.each(cases)('estimates: n = $n, batch = $batch, complex = $complex', async (given) => {
    const actual = await engine.read(...estimates(engine, given));
    const expected = await expectation('estimates', estimates, given);
    for (const [k, [truth]] of expected.entries()) {
      expect(actual[k]![0]).toBeGreaterThanOrEqual(truth! * LEAST_ESTIMATE);
      expect(actual[k]![0]).toBeLessThanOrEqual(truth! * (1 + 1e-9));
    }
  });

  it.each(cases)(
    'radii from above, within 1e-9: n = $n, batch = $batch, complex = $complex',
    async (given) => {
      const actual = await engine.read(...radii(engine, given));
      const expected = await expectation('radii', radii, given);
      // Jacobi's own error is a few units of rounding.
      for (const [k, [truth]] of expected.entries()) {
        expect(actual[k]![0]).toBeGreaterThanOrEqual(truth! * (1 - 1e-14));
        expect(actual[k]![0]).toBeLessThanOrEqual(truth! * (1 + 1e-9));
      }
    },
  );
});
