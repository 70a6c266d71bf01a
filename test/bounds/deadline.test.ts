/** One deadline for all that a call does: it ends with the best that it has by then. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { Deadline } from '../../src/bounds/deadline.ts';
import type { BoundOptions, BoundResult } from '../../src/bounds/result.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { Random } from '../support/random.ts';

/** Seconds that the end may be late: a machine may be busy with other things. */
const LATE = 5;

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu' });
});
afterAll(() => engine.close());

/** Convolutions of many channels on large images: all methods together take minutes. */
function large(channels = 64, side = 48, layers = 4): Network {
  const random = new Random(7);
  const builder = new NetworkBuilder('large');
  let x = builder.input('x', [3, side, side]);
  for (let k = 0; k < layers; k++) {
    const inputs = k === 0 ? 3 : channels;
    const weight = random.normals(channels * inputs * 9, Math.sqrt(1 / (9 * inputs)));
    const ones = [1, 1];
    const kind = 'convolution';
    const sizes = { outputs: channels, inputs, groups: 1, kernel: [3, 3], stride: ones, dilation: ones };
    const padding = { mode: 'zero', before: ones, after: ones } as const;
    x = builder.add(`conv${k}`, { kind, ...sizes, padding, weight }, [x]);
    x = builder.add(`relu${k}`, { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
  }
  return builder.build(x);
}

async function timed(network: Network, options: BoundOptions): Promise<BoundResult & { took: number }> {
  const start = performance.now();
  const result = await bound(network, { engine, ...options });
  return { ...result, took: (performance.now() - start) / 1000 };
}

describe('a call ends at its time limit', () => {
  it.each([1, 3])('of %i s, with a bound', async (timeLimit) => {
    const { took, ...result } = await timed(large(), { timeLimit });
    expect(took).toBeLessThan(timeLimit + LATE);
    expect(result.bound).toBeGreaterThan(0);
    expect(result.bound).toBeLessThan(Infinity);
    // What was left out is said.
    const ended = result.methods.filter((row) => row.late || row.search?.status === 'time limit');
    expect(ended.length).toBeGreaterThan(0);
    for (const { late, error } of ended) if (late) expect(error).toMatch(/time limit/);
  });

  it.each(['refined', 'closed-form', 'spectral-product', 'unrolled'] as const)(
    '%s, of none at all',
    async (method) => {
      const { took, ...result } = await timed(large(8, 12, 2), { method, timeLimit: 0 });
      expect(took).toBeLessThan(LATE);
      expect(result).toMatchObject({ method: 'spectral-product', assurance: 'rounding-safe' });
      expect(result.note).toMatch(
        /The time limit was over before any method came to its end|sums of entries/,
      );
      const { bound: exact } = await timed(large(8, 12, 2), { method: 'spectral-product', lower: false });
      expect(result.bound!).toBeGreaterThanOrEqual(exact!);
    },
  );

  it('with a bound on a pair', async () => {
    const builder = new NetworkBuilder('dense');
    const weight = new Random(3).normals(12, 1);
    const x = builder.add('fc', { kind: 'affine', outputs: 3, inputs: 4, weight }, [builder.input('x', [4])]);
    const network = builder.build(x);
    const whole = await timed(network, { timeLimit: 0 });
    const pair = await timed(network, { timeLimit: 0, target: [0, 1] });
    expect(pair.bound!).toBeCloseTo(Math.SQRT2 * whole.bound!, 6);
  });

  it('counted from when the caller says', async () => {
    const { took } = await timed(large(), { timeLimit: 60, since: performance.now() - 59_000 });
    expect(took).toBeLessThan(1 + LATE);
    await expect(bound(large(), { engine, since: Number.NaN })).rejects.toThrow(InputError);
  });

  it('of any length, with the frequencies reached', async () => {
    const signals = large(16, 24, 3);
    // Whether it is the time or somebody who ends it, what has been reached counts.
    const enough = new AbortController();
    let stages = 0;
    const { length, bound: value } = await timed(signals, {
      ...{ length: 'any', cellTolerance: 1e-9, timeLimit: 600, rule: 'GC(1.5)', lower: false },
      interrupt: enough.signal,
      onProgress: ({ method }) => {
        if (method === 'any length' && ++stages === 2) enough.abort();
      },
    });
    expect(stages).toBe(2);
    expect(value).toBeGreaterThan(0);
    expect(length!.added).toBeGreaterThan(length!.tolerance);
    await expect(bound(signals, { engine, length: 'any', timeLimit: 0 })).rejects.toThrow(/raise it/);
  });

  it('with the closed form that a search would have started from', async () => {
    const { methods } = await timed(large(), { method: 'refined', timeLimit: 4, lower: false });
    expect(methods.some((row) => row.bound !== null)).toBe(true);
  });
});

describe('where there is time', () => {
  it('the answer is what it is without a limit', async () => {
    const small = large(4, 8, 2);
    const options = { lower: true, evaluations: 5 } as const;
    const [limited, free] = [
      await timed(small, { ...options, timeLimit: 100 }),
      await timed(small, { ...options, timeLimit: Infinity }),
    ];
    expect(limited.bound).toBe(free.bound);
    expect(limited.methods.map((row) => row.rule)).toEqual(free.methods.map((row) => row.rule));
    expect(limited.lower!.value).toBe(free.lower!.value);
    expect(limited.note).toBeUndefined();
  });

  it('an engine goes on with other work after a call that has run out of it', async () => {
    const before = await timed(large(4, 8, 2), { lower: false, method: 'closed-form' });
    await timed(large(), { timeLimit: 1, lower: false });
    const after = await timed(large(4, 8, 2), { lower: false, method: 'closed-form' });
    expect(after.bound).toBe(before.bound);
    expect(after.took).toBeLessThan(before.took + LATE);
  });
});

describe('Deadline', () => {
  it('aborts at its end, and not when it is closed before', async () => {
    const soon = new Deadline(performance.now() + 20);
    const closed = new Deadline(performance.now() + 20);
    closed.close();
    expect(soon.over).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect([soon.over, soon.left, soon.signal.aborted]).toEqual([true, 0, true]);
    expect(closed.signal.aborted).toBe(false);
    expect(new Deadline(0).signal.aborted).toBe(true);
    const never = new Deadline(Infinity);
    expect([never.over, never.left, never.signal.aborted]).toEqual([false, Infinity, false]);
  });

  it('can be hastened, and not put off', async () => {
    const deadline = new Deadline(performance.now() + 1e6);
    deadline.hasten(performance.now() + 2e6);
    expect(deadline.left).toBeLessThan(1001);
    deadline.hasten(performance.now() + 20);
    expect(deadline.over).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect([deadline.over, deadline.left, deadline.signal.aborted]).toEqual([true, 0, true]);
    const never = new Deadline(Infinity);
    never.hasten(0);
    expect([never.end, never.signal.aborted]).toEqual([0, true]);
  });
});
