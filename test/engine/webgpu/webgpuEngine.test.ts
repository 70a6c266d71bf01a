/** Recording, storage, numbers that are none, and troubles of a WebGPU engine in Node. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { Device } from '../../../src/engine/webgpu/device.ts';
import { type Adapter, requestAdapter } from '../../../src/engine/webgpu/host.ts';
import { openWebGpu } from '../../../src/engine/webgpu/open.ts';
import { webgpuEngine } from '../../../src/engine/webgpu/webgpuEngine.ts';
import { InputError } from '../../../src/errors.ts';
import { assertClose } from '../compare.ts';
import { randomHermitian, randomNumbers, singleTolerances } from '../engines.ts';
import { oracleEngine } from '../oracle/engine.ts';
import { recordingTests } from '../recording.ts';
import { useSwiftShader, withoutGpu } from './hosts.ts';

const opened: Engine[] = [];

async function engine(limits: { largestBinding?: number } = {}): Promise<Engine> {
  const made = await openWebGpu(await requestAdapter(), limits);
  opened.push(made);
  return made;
}

const single = (data: Float64Array) => data.map(Math.fround);

describe.skipIf(withoutGpu)('WebGPU in Node', () => {
  beforeAll(useSwiftShader);
  afterEach(async () => {
    for (const made of opened.splice(0)) await made.close();
  });

  describe('recording', () => {
    recordingTests(engine);

    it('asks for large data when its turn comes, and in the same buffer again', async () => {
      const e = await engine();
      const numbers = 2 ** 17;
      const asked: number[] = [];
      const doubled = [1, 2, 3].map((value) => {
        const make = () => {
          asked.push(value);
          return new Float64Array(numbers).fill(value);
        };
        const a = e.matrices(make, 1, 1, numbers, false);
        const sum = e.sumOver(e.diagonal(e.congruence(a)), [Int32Array.of(0)]);
        e.release(a);
        return sum;
      });
      expect(asked).toEqual([]);
      expect(e.peakBytes).toBeLessThan(2 * 4 * numbers);
      const found = await e.read(...doubled);
      expect(asked).toEqual([1, 2, 3]);
      expect(found.map(([x]) => x)).toEqual([1, 4, 9].map((square) => square * numbers));
    });

    it('reads any sizes one after another and side by side, each the numbers of its own', async () => {
      const e = await engine();
      const lengths = [3, 300_000, 5, 3, 1000];
      const areRight = (found: readonly Float64Array[], sizes: readonly number[]) =>
        found.every((numbers, k) => {
          const length = sizes[k]!;
          return numbers.length === length && numbers.every((x, n) => x === n + length);
        });
      for (let round = 0; round < 2; round++) {
        const vectors = lengths.map((length) =>
          e.vector(Float64Array.from({ length }, (_, n) => n + length)),
        );
        const apart = await Promise.all(vectors.map((vector) => e.read(vector)));
        expect(areRight(apart.flat(), lengths)).toBe(true);
        expect(areRight(await e.read(...vectors.slice(1)), lengths.slice(1))).toBe(true);
        e.release(...vectors);
      }
    });

    it('uses memory again', async () => {
      const e = await engine();
      const a = e.matrices(new Float64Array(1000), 1, 10, 100, false);
      for (let round = 0; round < 50; round++) {
        e.release(e.add(a, a));
        if (round % 10 === 0) await e.settle();
      }
      await e.settle();
      expect(e.peakBytes).toBeGreaterThanOrEqual(8000);
      expect(e.peakBytes).toBeLessThan(16_000);
    });

    it('stops between submissions when it is aborted in the middle, and finishes when it is asked to', async () => {
      const e = await engine();
      const w = e.matrices(randomNumbers(1, 200 * 200), 1, 200, 200, false);
      const chain = [w];
      for (let i = 0; i < 60; i++) chain.push(e.scaleByPower(e.product(chain[i]!, w), e.vector([4]), -1));
      const stop = new AbortController();
      setTimeout(() => stop.abort(new Error('enough')), 50);
      await expect(e.settle(stop.signal)).rejects.toThrow('enough');
      const [last] = await e.read(chain[60]!);
      expect(last!.every(Number.isFinite)).toBe(true);
    });
  });

  describe('sizes', () => {
    it('passes long dispatches on in parts', async () => {
      const n = 320;
      const product = (e: Engine) => {
        const a = e.matrices(single(randomNumbers(1, 2 * n * n)), 1, n, n, true);
        return e.read(e.congruence(a));
      };
      const { createEngine } = await import('../../../src/engine/create.ts');
      const cpu = await createEngine({ engine: 'cpu-wasm', threads: 1 });
      opened.push(cpu);
      const [actual, expected] = [await product(await engine()), await product(cpu)];
      assertClose(actual[0]!, expected[0]!, singleTolerances.product);
    });

    it('goes beyond 65535 workgroups', async () => {
      const e = await engine();
      const batch = 70_000;
      const data = single(randomNumbers(1, batch));
      const s = e.matrices(data, batch, 1, 1, false);
      const most = Math.max(...Array.from(data, Math.abs));
      const [radius, sums] = await e.read(e.spectralRadius(s), e.rowSums(s));
      // From above, its own rounding included.
      assertClose(radius!, [most], 5e-5);
      expect(radius![0]).toBeGreaterThanOrEqual(most);
      expect(sums).toEqual(Float64Array.of(most));
      const n = 2100;
      const large = e.matrices(new Float64Array(n * n).fill(1), 1, n, n, false);
      const [twice] = await e.read(e.add(large, large));
      expect(twice!.every((x) => x === 2)).toBe(true);
    });

    it('refuses one matrix beyond a binding', async () => {
      const e = await engine({ largestBinding: 1024 });
      const d = e.vector(new Float64Array(17));
      expect(() => e.diagonalMatrix(d, false)).toThrow(InputError);
      expect(() => e.diagonalMatrix(d, false)).toThrow('a matrix of [1 | 17 × 17] takes 1156 bytes');
    });

    it('refuses numbers beyond float32', async () => {
      const e = await engine();
      expect(() => e.vector([1, 1e39])).toThrow('vector: numbers must fit float32, got 1e+39');
      expect(await e.read(e.vector([Infinity, 1e-50]))).toEqual([Float64Array.of(Infinity, 0)]);
    });
  });

  describe('NaN', () => {
    it('never gets lost in reductions', async () => {
      const e = await engine();
      for (const complex of [false, true]) {
        const width = complex ? 2 : 1;
        for (const place of [0, 5, 9 * width + 3, 18 * width - 1]) {
          const data = randomNumbers(1, 2 * 9 * width);
          data[place] = Number.NaN;
          // Row sums are taken of Hermitian matrices: NaN stands on both sides of the diagonal.
          const entry = Math.floor(place / width);
          const [b, i, j] = [Math.floor(entry / 9), Math.floor((entry % 9) / 3), entry % 3];
          data[(b * 9 + j * 3 + i) * width] = Number.NaN;
          const s = e.matrices(data, 2, 3, 3, complex);
          const radii = [e.spectralRadius(s), ...(i === j ? [] : [e.offDiagonalRadius(s)])];
          for (const [value] of await e.read(...radii, e.largest(e.rowSums(s)))) expect(value).toBeNaN();
        }
      }
    });

    it('never gets lost among numbers', async () => {
      const e = await engine();
      const v = e.vector([1, Number.NaN, 3]);
      const outputs = [
        e.largest(v),
        e.exponent(v),
        e.squareRoot(e.vector([-1])),
        e.largest(e.maximum(v, e.vector([5]))),
        e.maximumOver(v, [Int32Array.of(0, 1)]),
        e.scaleByPower(e.vector([1]), e.vector([Number.NaN]), 1),
      ];
      for (const [value] of await e.read(...outputs)) expect(value).toBeNaN();
    });

    it('never wins a choice', async () => {
      const e = await engine();
      const [nan, one, two] = [e.vector([Number.NaN]), e.vector([1]), e.vector([2])];
      const candidates = [e.vector([10]), e.vector([20]), e.vector([30])];
      const chosen = [
        e.choose([nan, two, one], candidates),
        e.choose([two, nan, nan], candidates),
        e.choose([two, two, two], candidates),
        e.choose([e.vector([-1]), two, e.vector([-2])], candidates),
        e.choose([nan, nan, nan], candidates),
        e.choose([nan], [candidates[0]!]),
        e.choose([one], [candidates[0]!]),
      ];
      const found = (await e.read(...chosen)).map(([value]) => value);
      expect(found).toEqual([30, 10, 10, 30, Number.NaN, Number.NaN, 10]);
    });

    it('makes a matrix indefinite and its inverse NaN', async () => {
      const e = await engine();
      const s = e.matrices(Float64Array.of(1, Number.NaN, Number.NaN, 1), 1, 2, 2, false);
      const { inverse, definite } = e.inverse(e.vector([9, 9]), s);
      expect(await e.read(inverse, definite)).toEqual([
        new Float64Array(4).fill(Number.NaN),
        Float64Array.of(0),
      ]);
    });

    it('stands for every inverse of a batch where one matrix is indefinite, singular or infinite', async () => {
      const e = await engine();
      const n = 20;
      const batch = 3;
      for (const [place, value] of [
        [19 * n + 19, 9],
        [0, 1],
        [17 * n + 17, 1.5],
        [3 * n + 3, Infinity],
      ] as const) {
        const data = new Float64Array(batch * n * n);
        data[n * n + place] = value;
        const s = e.matrices(data, batch, n, n, false);
        const { inverse, definite } = e.inverse(e.vector(new Float64Array(n).fill(1)), s);
        const [r, flag] = await e.read(inverse, definite);
        expect(flag).toEqual(Float64Array.of(0));
        expect(r!.every(Number.isNaN)).toBe(true);
      }
    });
  });

  it('multiplies by powers of two exactly, over the range of normal numbers', async () => {
    const e = await engine();
    const numbers = [1, 1.5, 2 - 2 ** -23, 2 ** -126, 2 ** 127, 1e-30, 3e38, Math.fround(Math.PI)];
    for (const x of numbers) {
      const v = e.vector([x]);
      const power = e.exponent(v);
      const unit = e.scaleByPower(v, power, -1);
      const [[p], [u], [back]] = (await e.read(power, unit, e.scaleByPower(unit, power, 1))) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      expect(p).toBe(Math.floor(Math.log2(x)));
      expect(u! >= 1 && u! < 2).toBe(true);
      expect(back).toBe(Math.fround(x));
    }
    const [subnormal] = await e.read(
      e.scaleByPower(e.vector([3 * 2 ** -149, -(2 ** -130)]), e.vector([140]), 1),
    );
    expect(subnormal).toEqual(Float64Array.of(3 * 2 ** -9, -(2 ** 10)));
    const [zero, negative, over] = await e.read(
      e.exponent(e.vector([0])),
      e.exponent(e.vector([-1])),
      e.scaleByPower(e.vector([2, -2]), e.vector([127]), 1),
    );
    expect([zero, negative, over]).toEqual([
      Float64Array.of(0),
      Float64Array.of(Number.NaN),
      Float64Array.of(Infinity, -Infinity),
    ]);
  });

  describe('spectral radius', () => {
    it.each([1e-37, 1e-30, 1e-15, 1e15, 1e36])('keeps its accuracy at scale %d', async (scale) => {
      const [e, oracle] = [await engine(), oracleEngine()];
      const data = single(randomHermitian(3, 2, 12, false).map((x) => x * scale));
      const radius = (on: Engine) => on.read(on.spectralRadius(on.matrices(data, 2, 12, 12, false)));
      const [[actual], [truth]] = [(await radius(e))[0]!, (await radius(oracle))[0]!];
      expect(actual! / truth!).toBeGreaterThanOrEqual(1);
      expect(actual! / truth!).toBeLessThanOrEqual(1 + 1e-4);
    });

    it('stays above crowded, negative and vanishing eigenvalues', async () => {
      const e = await engine();
      const n = 40;
      const diagonal = (value: (i: number) => number) =>
        Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? value(k / (n + 1)) : 0));
      for (const [data, truth] of [
        [diagonal(() => 1), 1],
        [diagonal(() => -3), 3],
        [diagonal((i) => 1 - i * 1e-6), 1],
        [diagonal((i) => (i === 7 ? -2 : 1)), 2],
        [diagonal(() => 0), 0],
        [new Float64Array(n * n).fill(1), n],
      ] as const) {
        const [[radius]] = (await e.read(e.spectralRadius(e.matrices(data, 1, n, n, false)))) as [
          Float64Array,
        ];
        expect(radius).toBeGreaterThanOrEqual(truth);
        // Where all eigenvalues are equal, rounding is bounded by as many of them.
        expect(radius).toBeLessThanOrEqual(truth * (1 + 4e-4));
      }
      const [[tiny]] = (await e.read(
        e.spectralRadius(e.matrices(new Float64Array(4).fill(2 ** -140), 1, 2, 2, false)),
      )) as [Float64Array];
      expect(tiny).toBeGreaterThanOrEqual(2 ** -139);
    });
  });

  describe('trouble', () => {
    async function onDevice(change: (adapter: Adapter) => Adapter = (a) => a) {
      const device = await Device.open(change(await requestAdapter()), {});
      const e = webgpuEngine(device, 'test');
      opened.push(e);
      return { device, e };
    }

    it('shows when the device is lost, at once and ever after', async () => {
      const { device, e } = await onDevice();
      const a = e.vector([1]);
      device.gpu.destroy();
      await expect(e.read(e.multiply(a, a))).rejects.toThrow('webgpu: the device was lost');
      await expect(e.settle()).rejects.toThrow('webgpu: the device was lost');
    });

    it('shows when a command is not valid', async () => {
      const { device, e } = await onDevice();
      const a = e.vector([1]);
      device.gpu.createBuffer({ size: 4, usage: 0x3 });
      await expect(e.read(e.multiply(a, a))).rejects.toThrow('webgpu: ');
    });

    it('shows when an adapter is too small', async () => {
      const limits = { maxStorageBuffersPerShaderStage: 4, maxComputeWorkgroupStorageSize: 16384 };
      const small = { limits } as unknown as GPUAdapter;
      const opening = openWebGpu({ adapter: small, name: 'a small one', software: true });
      await expect(opening).rejects.toThrow('must offer 8 storage buffers and 16384 bytes');
      await expect(opening).rejects.toThrow(InputError);
    });

    it('shows when an adapter gives no device', async () => {
      const adapter = await requestAdapter();
      await Device.open(adapter, {});
      await expect(Device.open(adapter, {})).rejects.toThrow(InputError);
    });
  });
});
