/** Where one pass takes a good part of the time, norms are only tested: passes say far more. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import type { BoundOptions } from '../../src/bounds/result.ts';
import { secondsOf } from '../../src/ellipsoid/memory/seconds.ts';
import { normsOf } from '../../src/ellipsoid/norms/norms.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { Random } from '../support/random.ts';

vi.mock(import('../../src/ellipsoid/memory/seconds.ts'), { spy: true });
vi.mock(import('../../src/ellipsoid/norms/norms.ts'), { spy: true });

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu', threads: 1 });
});
afterAll(() => engine.close());
afterEach(() => {
  vi.resetAllMocks();
});

/** relu(x + conv relu(conv x)), of signals. */
function residual(): Network {
  const random = new Random(5);
  const builder = new NetworkBuilder('residual');
  const convolution = () => ({
    ...({
      kind: 'convolution',
      outputs: 3,
      inputs: 3,
      groups: 1,
      kernel: [3],
      stride: [1],
      dilation: [1],
    } as const),
    padding: { mode: 'zero', before: [1], after: [1] } as const,
    weight: random.normals(27, 0.4),
  });
  const relu = { kind: 'nonlinearity', function: { name: 'relu' } } as const;
  const x = builder.input('x', [3, 20]);
  const inner = builder.add('', relu, [builder.add('', convolution(), [x])]);
  const sum = { kind: 'add', coefficients: [1, 1] } as const;
  return builder.build(
    builder.add('', relu, [builder.add('', sum, [x, builder.add('', convolution(), [inner])])]),
  );
}

async function asked(options: BoundOptions) {
  const result = await bound(residual(), {
    engine,
    lower: false,
    evaluations: 1,
    timeLimit: 600,
    ...options,
  });
  const norms = vi.mocked(normsOf).mock.calls.map(([, , { about = false, seconds }]) => ({ about, seconds }));
  vi.mocked(normsOf).mockClear();
  const product = result.methods.find((row) => row.method === 'spectral-product')?.bound;
  const closed = result.methods.find((row) => row.rule === 'GC(1.5)')!.bound!;
  return { norms, product, closed, note: result.note };
}

it('but not where there is time, or where norms are what is asked for', async () => {
  const usual = await asked({});
  // Of the torus, and of the network unrolled.
  const exact = { about: false, seconds: Infinity };
  expect(usual.norms).toEqual([exact, exact]);
  vi.mocked(secondsOf).mockReturnValue(100);
  const first = await asked({});
  const [tested, about] = [
    { about: false, seconds: 0 },
    { about: true, seconds: Infinity },
  ];
  expect(first.norms).toEqual([tested, about, tested, about]);
  expect(first.product!).toBeGreaterThan(usual.product!);
  expect(first.note).toMatch(/sums of entries/);
  // Rules choose by about the same.
  expect(Math.abs(first.closed / usual.closed - 1)).toBeLessThan(0.05);
  const { norms } = await asked({ method: 'closed-form' });
  expect(norms).toEqual([about]);
  const product = await bound(residual(), { engine, method: 'spectral-product', lower: false });
  expect(product.bound).toBe(usual.product);
});
