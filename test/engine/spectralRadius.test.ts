import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { choices, randomHermitian, randomNumbers } from './engines.ts';
import { jacobiEigenvalues } from './oracle/eigenvalues.ts';

/** Symmetric with the given eigenvalues: reflected on two random hyperplanes. */
function withEigenvalues(values: readonly number[], seed: number): Float64Array {
  const n = values.length;
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) a[i * n + i] = values[i]!;
  for (const turn of [0, 1]) {
    const v = randomNumbers(seed + turn, n);
    const square = v.reduce((sum, x) => sum + x * x, 0);
    for (const side of ['rows', 'columns']) {
      for (let k = 0; k < n; k++) {
        const at = (i: number) => (side === 'rows' ? i * n + k : k * n + i);
        let dot = 0;
        for (let i = 0; i < n; i++) dot += v[i]! * a[at(i)]!;
        for (let i = 0; i < n; i++) a[at(i)]! -= ((2 * dot) / square) * v[i]!;
      }
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) a[j * n + i] = a[i * n + j]!;
  return a;
}

describe.each(choices)('$engine, $threads threads', (choice) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine(choice);
  });
  afterAll(() => engine.close());

  async function radius(data: Float64Array, batch: number, n: number, complex = false): Promise<number> {
    const s = engine.matrices(data, batch, n, n, complex);
    const [[value]] = (await engine.read(engine.spectralRadius(s))) as [Float64Array];
    return value!;
  }

  function expectTight(value: number, truth: number): void {
    expect(value).toBeGreaterThanOrEqual(truth * (1 - 1e-14));
    expect(value).toBeLessThanOrEqual(truth * (1 + 1e-9));
  }

  it('is 0 for zero matrices', async () => {
    expect(await radius(new Float64Array(2 * 9), 2, 3)).toBe(0);
    expect(await radius(new Float64Array(2), 1, 1, true)).toBe(0);
  });

  it('is NaN if any entry is, and infinite if one is', async () => {
    for (const place of [0, 7, 17]) {
      const data = randomHermitian(1, 2, 3, false);
      data[place] = Number.NaN;
      expect(await radius(data, 2, 3)).toBeNaN();
      data[place] = Number.POSITIVE_INFINITY;
      expect(await radius(data, 2, 3)).toBe(Number.POSITIVE_INFINITY);
      data[(place + 1) % 18] = Number.NaN;
      expect(await radius(data, 2, 3)).toBeNaN();
    }
  });

  it('is the modulus of a matrix of one entry', async () => {
    expectTight(await radius(Float64Array.of(-3), 1, 1), 3);
    expectTight(await radius(Float64Array.of(2, 0, -5, 0), 2, 1, true), 5);
  });

  it.each([1e-320, 1e-300, 1e-150, 1e150, 1e300])('keeps its accuracy at scale %d', async (scale) => {
    const data = randomHermitian(3, 2, 12, false);
    const truth = Math.max(
      ...[0, 1].flatMap((b) => jacobiEigenvalues(data.subarray(144 * b, 144 * b + 144), 12).map(Math.abs)),
    );
    const value = await radius(
      data.map((x) => x * scale),
      2,
      12,
    );
    // Entries near 1e-320 have two or three digits left.
    const lost = scale < 1e-310 ? 0.02 : 1e-9;
    expect(value).toBeGreaterThanOrEqual(truth * scale * (1 - (scale < 1e-310 ? 0.02 : 1e-14)));
    expect(value).toBeLessThanOrEqual(truth * scale * (1 + lost));
  });

  it('stays above the smallest numbers there are', async () => {
    for (const units of [1, 3, 1000]) {
      const value = await radius(Float64Array.of(units * Number.MIN_VALUE), 1, 1);
      expect(value).toBeGreaterThanOrEqual(units * Number.MIN_VALUE);
      expect(value).toBeLessThanOrEqual((units + 1) * Number.MIN_VALUE);
    }
  });

  it('meets negative, repeated and crowded extreme eigenvalues', async () => {
    const crowd = (gap: number) => Array.from({ length: 60 }, (_, i) => 1 - i * gap);
    expectTight(await radius(withEigenvalues([-4, 3, 1, 0], 1), 1, 4), 4);
    expectTight(await radius(withEigenvalues([2, 2, 2, -2, 0], 2), 1, 5), 2);
    for (const gap of [0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3]) {
      expectTight(await radius(withEigenvalues(crowd(gap), 3), 1, 60), 1);
      expectTight(
        await radius(
          withEigenvalues(
            crowd(gap).map((x) => -x),
            4,
          ),
          1,
          60,
        ),
        1,
      );
    }
  });

  it('meets a negative eigenvalue in an entry that does not look large', async () => {
    // The first entry has the larger row sums and Frobenius norm, so its radius is tried as a bound for both.
    const broad = withEigenvalues([1, -1, 1, -1, 1, -1], 5);
    const narrow = new Float64Array(36);
    narrow[14] = -1.3;
    expectTight(await radius(Float64Array.of(...broad, ...narrow), 2, 6), 1.3);
  });

  it('meets batches of equal and of nearly equal norms', async () => {
    const n = 6;
    for (const spread of [0, 1e-15, 1e-13, 1e-11, 1e-8]) {
      const entries = Array.from({ length: 300 }, (_, b) =>
        withEigenvalues([1 + b * spread, 0.9, 0.5, -0.2, 0, 0.1], b),
      );
      const data = Float64Array.from(entries.flatMap((entry) => [...entry]));
      expectTight(await radius(data, 300, n), 1 + 299 * spread);
    }
  });

  it('finds the one large entry of a batch, wherever it is', async () => {
    for (const place of [0, 57, 199]) {
      const data = randomHermitian(11, 200, 5, true).map((x, i) =>
        Math.floor(i / 50) === place ? x * 1.001 + 0 : x * 0.2,
      );
      const one = data.slice(place * 50, place * 50 + 50);
      const alone = await radius(one, 1, 5, true);
      expect(Math.abs((await radius(data, 200, 5, true)) / alone - 1)).toBeLessThanOrEqual(1e-9);
    }
  });

  it('bounds any small symmetric matrix', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 4 }),
        // Subnormal numbers have a test of their own.
        fc.array(
          fc.double({ min: -1e3, max: 1e3, noNaN: true }).map((x) => (Math.abs(x) < 1e-290 ? 0 : x)),
          { minLength: 324, maxLength: 324 },
        ),
        async (n, batch, numbers) => {
          const data = new Float64Array(batch * n * n);
          let truth = 0;
          for (let b = 0; b < batch; b++) {
            for (let i = 0; i < n; i++) {
              for (let j = 0; j <= i; j++) {
                const value = numbers[(b * n + i) * n + j]!;
                data[(b * n + i) * n + j] = value;
                data[(b * n + j) * n + i] = value;
              }
            }
            const entry = data.subarray(b * n * n, (b + 1) * n * n);
            if (entry.some((x) => x !== 0))
              truth = Math.max(truth, ...jacobiEigenvalues(entry, n).map(Math.abs));
          }
          expectTight(await radius(data, batch, n), truth);
        },
      ),
      { numRuns: 60 },
    );
  });
});
