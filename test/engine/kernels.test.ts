/** The kernels by themselves: what the engine's operations cannot show. */
import { createContext, runInContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CORE_TYPE, coreTypeFor, coreTypeHere } from '../../src/engine/cpu/blas/coreType.ts';
import { BlasKernels } from '../../src/engine/cpu/blas/kernels.ts';
import { loadLibrary } from '../../src/engine/cpu/blas/library.ts';
import type { Kernels, Product } from '../../src/engine/cpu/kernels.ts';
import { binary, workerSource } from '../../src/engine/cpu/wasm/binary.ts';
import { WasmKernels } from '../../src/engine/cpu/wasm/kernels.ts';
import type { Call } from '../../src/engine/cpu/wasm/perform.ts';
import { Turns } from '../../src/engine/queued/turns.ts';
import { InputError } from '../../src/errors.ts';
import { choices, randomHermitian, randomNumbers } from './engines.ts';

const open = ({ engine, threads }: (typeof choices)[number]): Promise<Kernels> =>
  engine === 'cpu-wasm' ? WasmKernels.open(threads, new Turns()) : BlasKernels.open(threads, new Turns());

function square(n: number, batch: number, complex: boolean, lower: boolean): Product {
  const length = n * n * (complex ? 2 : 1);
  const operand = { a: randomNumbers(1, batch * length), b: randomNumbers(2, batch * length) };
  const strides = { strideA: length, strideB: length, adjointA: false, adjointB: lower };
  return { batch, m: n, n, k: n, complex, lower, ...operand, ...strides };
}

/** Shapes that are cut in different ways: one call, by batch, by rows. */
const products = [
  square(5, 3, true, false),
  square(96, 40, false, false),
  square(150, 1, true, false),
  square(150, 1, true, true),
  { ...square(150, 1, true, false), adjointA: true, adjointB: true },
  square(600, 1, false, false),
];

/** Diagonally dominant, hence definite. */
function definite(seed: number, batch: number, n: number, complex: boolean): Float64Array {
  const a = randomHermitian(seed, batch, n, complex);
  const width = complex ? 2 : 1;
  for (let b = 0; b < batch; b++) for (let i = 0; i < n; i++) a[(b * n * n + i * n + i) * width] = 2 * n;
  return a;
}

describe('work cut for threads', () => {
  it('gives the same bits as work in one piece', async () => {
    const wasm = (threads: number) => WasmKernels.open(threads, new Turns());
    const [one, two] = await Promise.all([wasm(1), wasm(2)]);
    for (const task of products) {
      const length = task.batch * task.m * task.n * (task.complex ? 2 : 1);
      const [x, y] = [new Float64Array(length), new Float64Array(length)];
      await one.product(task, x);
      await two.product(task, y);
      const width = task.complex ? 2 : 1;
      // The strict upper triangle of a lower product is nobody's.
      const differs = x.findIndex((value, i) => {
        const entry = Math.floor(i / width);
        const upper = entry % task.n > Math.floor(entry / task.n) % task.m;
        return !(task.lower && upper) && !Object.is(value, y[i]);
      });
      expect(differs).toBe(-1);
    }
    const [p, q] = [definite(3, 12, 90, true), definite(3, 12, 90, true)];
    expect(await one.invert(p, 12, 90, true)).toBe(true);
    expect(await two.invert(q, 12, 90, true)).toBe(true);
    expect(p).toEqual(q);
    await Promise.all([one.close(), two.close()]);
  });
});

describe('the worker in a browser', () => {
  it('answers calls through the global scope, results and errors', async () => {
    const answers: unknown[] = [];
    const scope: Record<string, unknown> = { WebAssembly, Float64Array, RangeError };
    scope.postMessage = (answer: unknown) => answers.push(answer);
    runInContext(workerSource, createContext(scope));
    const receive = scope.onmessage as (event: { data: unknown }) => void;
    const operands = [Float64Array.of(3), Float64Array.of(5), 1];
    const scalars = [1, 0, 0, 1, 1, 1, 0, 0, 0, 0];
    const call: Call = { entry: 'product', regions: operands, scalars, results: [2] };
    receive({ data: call });
    receive({ data: await WebAssembly.compile(Buffer.from(binary, 'base64')) });
    receive({ data: call });
    expect(answers).toEqual([
      { error: 'worker: the module must come first, got a call' },
      { results: [Float64Array.of(15)] },
    ]);
  });
});

describe.each(choices)('$engine, $threads threads', (choice) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await open(choice);
  });
  afterAll(() => kernels.close());

  it('overwrites whatever the target of a product held', async () => {
    for (const task of products) {
      const out = new Float64Array(task.batch * task.m * task.n * (task.complex ? 2 : 1)).fill(Number.NaN);
      await kernels.product(task, out);
      const width = task.complex ? 2 : 1;
      const untouched = out.findIndex((value, i) => {
        const entry = Math.floor(i / width);
        return Number.isNaN(value) && !(task.lower && entry % task.n > Math.floor(entry / task.n) % task.m);
      });
      expect(untouched).toBe(-1);
    }
  });

  it.each([1, 2, 15, 16, 17, 33, 64, 100, 200])('finds every bad pivot of n = %i', async (n) => {
    for (const complex of [false, true]) {
      const width = complex ? 2 : 1;
      const places = [...new Set([0, n >> 1, n - 1])];
      for (const bad of [0, -1, Number.NaN, Number.NEGATIVE_INFINITY]) {
        const batch = places.length + 1;
        const a = definite(5, batch, n, complex);
        places.forEach((place, b) => {
          a[(b * n * n + place * n + place) * width] = bad;
        });
        const flags = await kernels.positiveDefinite(a.slice(), batch, n, complex);
        expect([...flags]).toEqual([...places.map(() => 0), 1]);
        expect(await kernels.invert(a, batch, n, complex)).toBe(false);
      }
    }
  });

  it.each([2, 17, 64, 100, 200])('finds NaN off the diagonal of n = %i', async (n) => {
    for (const complex of [false, true]) {
      const width = complex ? 2 : 1;
      const a = definite(5, 1, n, complex);
      a[((n - 1) * n + (n >> 1) - 1) * width] = Number.NaN;
      expect([...(await kernels.positiveDefinite(a.slice(), 1, n, complex))]).toEqual([0]);
      expect(await kernels.invert(a, 1, n, complex)).toBe(false);
    }
  });

  it.each([1, 3, 16, 17, 47, 48, 95, 96, 130])('inverts exactly Hermitian, n = %i', async (n) => {
    for (const complex of [false, true]) {
      const a = definite(7, 2, n, complex);
      expect(await kernels.invert(a, 2, n, complex)).toBe(true);
      const width = complex ? 2 : 1;
      for (let b = 0; b < 2; b++) {
        for (let i = 0; i < n; i++) {
          for (let j = 0; j <= i; j++) {
            const lower = ((b * n + i) * n + j) * width;
            const upper = ((b * n + j) * n + i) * width;
            expect(a[lower] === a[upper]).toBe(true);
            if (complex) expect(a[lower + 1] === -a[upper + 1]!).toBe(true);
          }
        }
      }
    }
  });
});

describe('loading OpenBLAS', () => {
  const told = process.env[CORE_TYPE];

  it('says what was tried and what to install', async () => {
    const failure = loadLibrary(['libnowhere.so.7']);
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow(/libnowhere\.so\.7 .*libopenblas0-pthread/s);
  });

  it('refuses a library that is not OpenBLAS', async () => {
    const other = process.platform === 'linux' ? 'libc.so.6' : 'libSystem.dylib';
    await expect(loadLibrary([other])).rejects.toThrow(InputError);
  });

  it('takes the kernels that fit the features of the processor', async () => {
    const processor = (vendor: string, flags: string) =>
      `processor\t: 0\nvendor_id\t: ${vendor}\nflags\t\t: fpu sse2 ${flags}\nbugs\t\t: avx512f\n`;
    const wide = 'avx2 fma avx512f avx512dq avx512cd avx512bw avx512vl';
    expect(coreTypeFor(processor('GenuineIntel', wide))).toBe('SkylakeX');
    expect(coreTypeFor(processor('AuthenticAMD', wide))).toBe('SkylakeX');
    expect(coreTypeFor(processor('GenuineIntel', 'avx2 fma avx512f'))).toBe('Haswell');
    expect(coreTypeFor(processor('AuthenticAMD', 'fma avx2'))).toBe('Zen');
    expect(coreTypeFor(processor('GenuineIntel', 'avx2'))).toBeUndefined();
    expect(coreTypeFor('')).toBeUndefined();
    const expected = process.env[CORE_TYPE] ?? (await coreTypeHere());
    if (expected !== undefined) expect((await loadLibrary()).configuration).toContain(` ${expected} `);
    expect(process.env[CORE_TYPE]).toBe(told);
  });
});
