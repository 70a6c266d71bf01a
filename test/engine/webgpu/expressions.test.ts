/** Chains of vector operations in one dispatch: the numbers that operations one by one give, whatever is released and asked for in between. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dispatch, idleGpu } from '../../../bench/counts/idleGpu.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine, Vector } from '../../../src/engine/engine.ts';
import { useSwiftShader, withoutGpu } from './hosts.ts';

/** What is done to vectors made before, by how many places before the last they were made. */
type Action =
  | { readonly kind: 'combine'; readonly of: readonly number[]; readonly coefficients: readonly number[] }
  | { readonly kind: 'multiply' | 'maximum'; readonly of: readonly number[] }
  | {
      readonly kind: 'squareRoot' | 'reciprocal' | 'largest' | 'exponent' | 'release' | 'read';
      readonly of: readonly number[];
    };

const place = fc.nat(7);
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant('combine' as const),
    of: fc.array(place, { minLength: 1, maxLength: 9 }),
    // Powers of two: all is exact, in whatever order.
    coefficients: fc.array(fc.constantFrom(0.5, 1, 2), { minLength: 9, maxLength: 9 }),
  }),
  fc.record({ kind: fc.constantFrom('multiply' as const, 'maximum' as const), of: fc.tuple(place, place) }),
  fc.record({
    kind: fc.constantFrom(
      ...(['squareRoot', 'reciprocal', 'largest', 'exponent', 'release', 'read'] as const),
    ),
    of: fc.tuple(place),
  }),
);

/** Every number that was read on the way and all that are left. */
async function numbers(engine: Engine, actions: readonly Action[]): Promise<number[]> {
  const made: Vector[] = [[1], [3, 0.25, 9], [4, 2, 0.5]].map((data) => engine.vector(data));
  const released = new Set<Vector>();
  const found: number[] = [];
  for (const { kind, of, ...rest } of actions) {
    const operands = of.map((back) => made.at(-1 - (back % made.length))!);
    if (operands.some((one) => released.has(one))) continue;
    const [a, b] = operands as [Vector, Vector];
    if (kind === 'release') {
      engine.release(a);
      released.add(a);
    } else if (kind === 'read') {
      found.push(...(await engine.read(a))[0]!);
    } else if (kind === 'combine') {
      const { coefficients } = rest as { readonly coefficients: readonly number[] };
      made.push(engine.combine(operands.map((one, k) => [coefficients[k]!, one] as const)));
    } else if (kind === 'multiply' || kind === 'maximum') {
      made.push(engine[kind](a, b));
    } else {
      made.push(engine[kind](a));
    }
  }
  const left = made.filter((one) => !released.has(one));
  found.push(...(await engine.read(...left)).flatMap((values) => [...values]));
  engine.release(...left);
  return found;
}

describe.skipIf(withoutGpu)('expressions', () => {
  let gpu: Engine;
  let cpu: Engine;
  beforeAll(async () => {
    useSwiftShader();
    gpu = await createEngine({ engine: 'webgpu' });
    cpu = await createEngine({ engine: 'cpu-wasm' });
  });
  afterAll(async () => {
    await gpu.close();
    await cpu.close();
  });

  it('are what operations one by one give', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 30 }), async (actions) => {
        const [actual, expected] = [await numbers(gpu, actions), await numbers(cpu, actions)];
        expect(actual.length).toBe(expected.length);
        for (const [k, x] of expected.entries()) {
          const y = actual[k]!;
          // Beyond the range of float32, or of its normal numbers, where the GPU may say anything that is no bound.
          if (!(Math.abs(x) < 2 ** 100) || (x !== 0 && Math.abs(x) < 2 ** -100)) break;
          expect(Math.abs(y - x)).toBeLessThanOrEqual(2e-5 * Math.abs(x));
        }
      }),
      { numRuns: 20, seed: 7 },
    );
  });
});

describe('what is recorded', () => {
  const counted = async (work: (engine: Engine) => Promise<unknown>) => {
    const seen: Dispatch[] = [];
    const { engine } = await idleGpu(2 ** 27, (dispatch) => seen.push(dispatch));
    await work(engine);
    await engine.settle();
    return { seen, engine };
  };

  it('is one dispatch for a chain, and none for what nobody asks for', async () => {
    const { seen } = await counted(async (e) => {
      const [a, b] = [e.vector([1, 2]), e.vector([3, 4])];
      const product = e.multiply(a, b);
      const root = e.squareRoot(
        e.combine([
          [2, product],
          [1, a],
        ]),
      );
      e.release(product, a, b);
      e.reciprocal(root);
      await e.read(e.maximum(root, e.vector([1])));
    });
    expect(seen.length).toBe(1);
  });

  it('gives back what expressions are made of once they are computed', async () => {
    const { engine } = await counted(async (e) => {
      for (let round = 0; round < 100; round++) {
        const a = e.vector(new Float64Array(1000));
        const b = e.multiply(a, a);
        e.release(a);
        await e.read(b);
        e.release(b);
      }
    });
    expect(engine.peakBytes).toBeLessThan(16_000);
  });
});
