/** Norms in float32, from above by what was computed: against float64, at sizes where rounding counts. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { gramErrors } from '../../../src/engine/gramIteration.ts';
import { Random } from '../../support/random.ts';
import { runs } from '../../support/runs.ts';
import { useSwiftShader, withoutGpu } from './hosts.ts';

vi.mock('../../../src/engine/gramIteration.ts', { spy: true });

/** Half a minute and more in software. */
const thorough = runs(1) > 1;

describe('what rounding does to Gram iteration', () => {
  it('grows with the size, and is nowhere unknown', () => {
    const { epsilon, margin } = gramErrors(1024, 1, true, 2 ** 11);
    expect(epsilon).toBeGreaterThan(Math.SQRT2 * 2050 * 2 ** -23);
    expect(epsilon).toBeLessThan(3.5e-4);
    expect(margin).toBeGreaterThan(1 + 2 ** -12);
    expect(gramErrors(16_384, 1, true, 2 ** 14).epsilon).toBeLessThan(0.01);
    expect(gramErrors(1, 1, false, 1).epsilon).toBeGreaterThan(0);
  });
});

describe.skipIf(withoutGpu)('the norm of a covariance', () => {
  let gpu: Engine;
  let cpu: Engine;
  beforeAll(async () => {
    useSwiftShader();
    gpu = await createEngine({ engine: 'webgpu' });
    cpu = await createEngine({ engine: 'cpu' });
  });
  afterAll(async () => {
    await gpu.close();
    await cpu.close();
  });

  async function radius(engine: Engine, data: Float64Array, n: number, complex: boolean): Promise<number> {
    const s = engine.matrices(data, 1, n, n, complex);
    const found = engine.spectralRadius(s);
    const [[value]] = (await engine.read(found)) as [Float64Array];
    engine.release(s, found);
    return value!;
  }

  /** W Wᴴ / columns of random weights, rounded to float32. */
  async function covariance(
    n: number,
    columns: number,
    complex: boolean,
    seed: number,
  ): Promise<Float64Array> {
    const size = n * columns * (complex ? 2 : 1);
    const w = cpu.matrices(new Random(seed).normals(size, 1 / Math.sqrt(columns)), 1, n, columns, complex);
    const s = cpu.congruence(w);
    const [found] = await cpu.read(s);
    cpu.release(w, s);
    return found!.map(Math.fround);
  }

  const sizes: { n: number; columns: number; complex: boolean; most: number; long?: boolean }[] = [
    { n: 64, columns: 64, complex: true, most: 1.001 },
    { n: 256, columns: 256, complex: true, most: 1.005 },
    { n: 300, columns: 1200, complex: false, most: 1.01 },
    { n: 512, columns: 512, complex: true, most: 1.02, long: true },
    { n: 1024, columns: 1024, complex: true, most: 1.06, long: true },
    { n: 4096, columns: 4096, complex: false, most: 1.06, long: true },
  ];
  it.each(sizes.filter(({ long }) => thorough || !long))(
    'of $n rows (complex: $complex) is at most $most times the true one',
    { timeout: 600_000 },
    async ({ n, columns, complex, most }) => {
      const data = await covariance(n, columns, complex, n);
      const [found, truth] = [await radius(gpu, data, n, complex), await radius(cpu, data, n, complex)];
      expect(found / truth).toBeGreaterThanOrEqual(1 - 1e-9);
      expect(found / truth).toBeLessThanOrEqual(most);
    },
  );

  it('of a matrix near the identity is next to exact, at sizes where its Frobenius norm is far above it', async () => {
    const n = 300;
    const random = new Random(5);
    const data = Float64Array.from({ length: n * n }, (_, k) => Number(k % (n + 1) === 0));
    for (let i = 0; i < n; i++) {
      const j = (i * 7 + 1) % n;
      const value = Math.fround(1e-4 * random.normals(1, 1)[0]!);
      data[i * n + j]! += value;
      data[j * n + i]! += value;
    }
    const own = data.map(Math.fround);
    const ratio = (await radius(gpu, own, n, false)) / (await radius(cpu, own, n, false));
    expect(ratio).toBeGreaterThanOrEqual(1 - 1e-9);
    expect(ratio).toBeLessThanOrEqual(1.0005);
  });

  /** Norms of a batch: many of them alike, the largest wherever it is; with what is no matrix of ordinary numbers among them. */
  it.each([2 ** -17, 2 ** -7])('is that of the largest of a batch, within %d', async (tolerance) => {
    const [batch, n] = [9, 24];
    const random = new Random(11);
    for (const [round, complex] of [true, false, true].entries()) {
      const width = complex ? 2 : 1;
      const w = cpu.matrices(random.normals(batch * n * n * width, 1), batch, n, n, complex);
      const [all] = await cpu.read(cpu.congruence(w));
      const size = n * n * width;
      // Neighbours of one matrix, one a little larger than the others; a zero matrix, and far smaller and larger ones.
      const alike = Float64Array.from({ length: batch * size }, (_, k) => {
        const [b, at] = [Math.floor(k / size), k % size];
        const value = round === 0 ? all![k]! : all![at]! * (1 + 2 ** -12 * ((b * 5) % batch));
        return Math.fround(
          value * (b === 2 && round === 2 ? 0 : b === 3 ? 2 ** -60 : b === 4 ? 2 ** -90 : 1),
        );
      });
      for (const diagonal of ['spectralRadius', 'offDiagonalRadius'] as const) {
        const on = async (engine: Engine) => {
          const found = engine[diagonal](engine.matrices(alike, batch, n, n, complex), tolerance);
          return (await engine.read(found))[0]![0]!;
        };
        const ratio = (await on(gpu)) / (await on(cpu));
        expect(ratio).toBeGreaterThanOrEqual(1 - 1e-9);
        expect(ratio).toBeLessThanOrEqual((1 + tolerance) * 1.0005);
      }
    }
  });

  it('is estimated from below, in one dispatch and in several', async () => {
    for (const [n, complex] of [
      [40, true],
      [520, false],
    ] as const) {
      const data = await covariance(n, 40, complex, n);
      const on = async (engine: Engine) =>
        (await engine.read(engine.estimatedRadius(engine.matrices(data, 1, n, n, complex))))[0]![0]!;
      const ratio = (await on(gpu)) / (await on(cpu));
      expect(ratio).toBeGreaterThan(0.8);
      expect(ratio).toBeLessThan(1 + 1e-5);
      const spoilt = data.with(n * (complex ? 2 : 1) + 1, Number.NaN);
      const found = await gpu.read(gpu.estimatedRadius(gpu.matrices(spoilt, 1, n, n, complex)));
      expect(found[0]![0]).toBeNaN();
    }
  });

  /** v vᵀ: powers have no other eigenvalue that would hide what rounding took away. */
  function rankOne(n: number, seed: number): Float64Array {
    const v = new Random(seed).normals(n, 1).map(Math.fround);
    return Float64Array.from({ length: n * n }, (_, k) => Math.fround(v[Math.floor(k / n)]! * v[k % n]!));
  }

  async function below(): Promise<number> {
    let count = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const data = rankOne(40, seed);
      const [found, truth] = [await radius(gpu, data, 40, false), await radius(cpu, data, 40, false)];
      if (found < truth * (1 - 1e-10)) count++;
    }
    return count;
  }

  it('is never below it, which an analysis that is left out is', async () => {
    expect(await below()).toBe(0);
    vi.mocked(gramErrors).mockReturnValue({ epsilon: 0, margin: 1, slack: 1 });
    expect(await below()).toBeGreaterThan(0);
    vi.mocked(gramErrors).mockRestore();
  });
});
