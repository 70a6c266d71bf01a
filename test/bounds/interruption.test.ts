/** Whoever interrupts has an answer at once: what is left then is done in a moment, or not at all. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import type { BoundOptions, BoundResult } from '../../src/bounds/result.ts';
import { lastPass } from '../../src/ellipsoid/search/lastPass.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { Random } from '../support/random.ts';

vi.mock(import('../../src/ellipsoid/search/lastPass.ts'), { spy: true });

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu', threads: 1 });
});
afterAll(() => engine.close());
beforeEach(() => {
  vi.mocked(lastPass).mockReset();
});

/** A pass that goes on until somebody ends it. */
function endless() {
  vi.mocked(lastPass).mockImplementation(
    (_engine, _program, _theta, { signal }) =>
      new Promise((_, reject) => {
        if (signal!.aborted) reject(signal!.reason);
        signal!.addEventListener('abort', () => reject(signal!.reason));
      }),
  );
}

const cnn = () => loadNetwork(new URL('../../examples/cnn.onnx', import.meta.url).pathname);

/** Three convolutions of signals. */
function signals(): Network {
  const random = new Random(3);
  const builder = new NetworkBuilder('signals');
  let x = builder.input('x', [2, 40]);
  for (let k = 0; k < 3; k++) {
    const ones = [1];
    const sizes = { outputs: 2, inputs: 2, groups: 1, kernel: [3], stride: ones, dilation: ones };
    const padding = { mode: 'zero', before: ones, after: ones } as const;
    const weight = random.normals(12, 0.5);
    x = builder.add(`conv${k}`, { kind: 'convolution', ...sizes, padding, weight }, [x]);
    x = builder.add(`relu${k}`, { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
  }
  return builder.build(x);
}

/** Interrupted at the second evaluation of the search. */
async function interrupted(options: BoundOptions, network?: Network): Promise<BoundResult> {
  const interruption = new AbortController();
  return bound(network ?? (await cnn()), {
    ...{ engine, interrupt: interruption.signal, timeLimit: 600, ...options },
    onTrace: ({ evaluation }) => evaluation === 2 && interruption.abort(),
  });
}

describe('an interrupted search', () => {
  it.each(['all', 'refined'] as const)(
    'whose last pass takes long leaves the closed form: %s',
    async (method) => {
      endless();
      const result = await interrupted({ method }, signals());
      expect(vi.mocked(lastPass)).toHaveBeenCalled();
      expect(result.rule).not.toBe('refined');
      expect(result.bound).toBeGreaterThan(0);
      const row = result.methods.find((one) => one.method === 'refined')!;
      expect(row).toMatchObject({ bound: null, interrupted: true });
      expect(row.error).toMatch(/interrupted/);
      expect(row.late).toBeUndefined();
    },
  );

  it('of any length leaves what was proven before it', async () => {
    endless();
    const result = await interrupted({ length: 'any', lower: false }, signals());
    expect(result.method).toBe('closed-form');
    expect(result.methods.find((one) => one.method === 'refined')).toMatchObject({ interrupted: true });
  });

  it('is brought home where that takes no longer', async () => {
    const { search } = (await interrupted({ method: 'refined' })).methods.find((one) => one.search)!;
    expect(search!.status).toBe('interrupted');
  });

  it('before it has found anything leaves the closed form', async () => {
    const interruption = new AbortController();
    // In the first pass of the search, or before its first evaluation has ended.
    const result = await bound(await cnn(), {
      ...{ engine, interrupt: interruption.signal, timeLimit: 600 },
      onProgress: ({ layer }) => {
        if (/evaluation 1$/.test(layer)) interruption.abort();
      },
    });
    expect(result.bound).toBeGreaterThan(0);
  });
});
