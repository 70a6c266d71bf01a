/** Recording, storage and refusals, which all CPU engines share; run on the oracle and on Wasm. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine, Matrices } from '../../src/engine/engine.ts';
import { assertClose } from './compare.ts';
import { randomNumbers, tolerances } from './engines.ts';
import { oracleEngine } from './oracle/engine.ts';
import { recordingTests } from './recording.ts';

const engine = () => createEngine({ engine: 'cpu-wasm', threads: 1 });
const matrix = (e: Engine, batch: number, rows: number, columns: number, complex = false): Matrices =>
  e.matrices(randomNumbers(1, batch * rows * columns * (complex ? 2 : 1)), batch, rows, columns, complex);

describe('recording', () => {
  recordingTests(engine);

  it('asks for data when its turn comes', async () => {
    const engine = oracleEngine();
    const data = Float64Array.of(1, 2);
    let asked = 0;
    const make = () => {
      asked++;
      return data;
    };
    const a = engine.matrices(make, 1, 1, 2, false);
    const b = engine.add(a, a);
    expect([asked, engine.peakBytes]).toEqual([0, 0]);
    expect(await engine.read(b)).toEqual([Float64Array.of(2, 4)]);
    expect(asked).toBe(1);
    data.fill(9);
    expect(await engine.read(a)).toEqual([Float64Array.of(1, 2)]);
    const c = engine.matrices(() => new Float64Array(5), 1, 2, 3, false);
    await expect(engine.read(c)).rejects.toThrow('matrices: [1 | 2 × 3] takes 6 numbers, got 5');
  });

  it('counts live bytes at their peak', async () => {
    const e = await engine();
    const a = e.vector(new Float64Array(100));
    expect(e.peakBytes).toBe(800);
    for (let round = 0; round < 5; round++) {
      const b = e.multiply(a, a);
      e.release(b);
    }
    await e.settle();
    expect(e.peakBytes).toBe(1600);
  });

  it('stops between operations when it is aborted in the middle', async () => {
    const e = await engine();
    const w = matrix(e, 1, 300, 300);
    const chain = [w];
    for (let i = 0; i < 20; i++) chain.push(e.product(w, w));
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 5);
    await expect(e.settle(stop.signal)).rejects.toThrow(/abort/i);
    expect(e.peakBytes).toBeLessThan(21 * 300 * 300 * 8);
  });

  it('stops in the middle of a long operation', async () => {
    const e = await engine();
    const s = matrix(e, 400, 200, 200, true);
    await e.settle();
    const stop = new AbortController();
    const product = e.congruence(s);
    setTimeout(() => stop.abort(), 5);
    await expect(e.settle(stop.signal)).rejects.toThrow(/abort/i);
    // It is made again for who wants it, and not for others.
    const before = e.peakBytes;
    const sums = e.rowSums(product);
    e.release(product, sums);
    expect(await e.read(e.congruence(matrix(e, 1, 3, 3, true)))).toHaveLength(1);
    expect(e.peakBytes).toBeLessThan(before + 1e6);
    const wanted = e.congruence(s);
    const largest = e.diagonal(wanted);
    e.release(wanted);
    const soon = new AbortController();
    setTimeout(() => soon.abort(), 5);
    await expect(e.settle(soon.signal)).rejects.toThrow(/abort/i);
    const [diagonal] = await e.read(largest);
    expect(diagonal!.every((x) => x > 0)).toBe(true);
    // So does closing the engine, at once.
    e.congruence(s);
    const running = e.settle();
    await Promise.all([expect(running).rejects.toThrow(/closed/), e.close()]);
  });
});

describe('shapes', () => {
  it.each<[string, (e: Engine) => unknown, string]>([
    [
      'numbers',
      (e) => e.matrices(new Float64Array(5), 1, 2, 3, false),
      'matrices: [1 | 2 × 3] takes 6 numbers, got 5',
    ],
    [
      'dimensions',
      (e) => e.matrices(new Float64Array(0), 1, 0, 3, false),
      'matrices: rows must be a positive integer, got 0',
    ],
    ['an empty vector', (e) => e.vector([]), 'vector: length must be a positive integer, got 0'],
    [
      'product',
      (e) => e.product(matrix(e, 2, 3, 5), matrix(e, 2, 4, 4)),
      'product: A [2 | 3 × 5] does not fit B [2 | 4 × 4]',
    ],
    [
      'product, batch',
      (e) => e.product(matrix(e, 2, 3, 5), matrix(e, 3, 5, 4)),
      'product: A [2 | 3 × 5] does not fit B [3 | 5 × 4]',
    ],
    [
      'product, kind',
      (e) => e.product(matrix(e, 1, 3, 5, true), matrix(e, 1, 5, 4)),
      'A [1 | 3 × 5 complex] does not fit B [1 | 5 × 4]',
    ],
    [
      'product, adjoint',
      (e) => e.product(matrix(e, 1, 3, 5), matrix(e, 1, 5, 4), { adjointA: true }),
      'adjoint of A',
    ],
    [
      'congruence',
      (e) => e.congruence(matrix(e, 3, 4, 5), matrix(e, 2, 4, 4)),
      'congruence: W [3 | 4 × 5] does not fit Q [2 | 4 × 4]',
    ],
    [
      'congruence, diagonal',
      (e) => e.congruence(matrix(e, 3, 4, 5), e.vector([1])),
      'congruence: W [3 | 4 × 5] does not fit diagonal Q [1]',
    ],
    [
      'symbol',
      (e) => e.symbol(matrix(e, 1, 3, 6), matrix(e, 1, 8, 4, true), 2, 3),
      'symbol: taps [1 | 3 × 6] does not fit phases [1 | 8 × 4 complex]',
    ],
    [
      'symbol, entries',
      (e) => e.symbol(matrix(e, 1, 3, 5), matrix(e, 1, 8, 3, true), 2, 3),
      'symbol: taps must be real [1 | t × 6]',
    ],
    [
      'alias',
      (e) => e.alias(matrix(e, 5, 2, 2), 2),
      'alias: count must divide the batch of [5 | 2 × 2], got 2',
    ],
    [
      'windowSum',
      (e) => e.windowSum(matrix(e, 5, 2, 2), undefined, e.vector([1])),
      'windowSum: weights [1] do not fit a batch of 5',
    ],
    [
      'add',
      (e) => e.add(matrix(e, 1, 2, 2), matrix(e, 1, 2, 3)),
      'add: A [1 | 2 × 2] does not fit B [1 | 2 × 3]',
    ],
    [
      'submatrix',
      (e) => e.submatrix(matrix(e, 1, 2, 2), [[0, 3]], [[0, 1]]),
      'submatrix: rows must lie within A [1 | 2 × 2], got 0 to 3',
    ],
    [
      'submatrix, NaN',
      (e) => e.submatrix(matrix(e, 1, 2, 2), [[0, 1]], [[Number.NaN, 1]]),
      'columns must lie within',
    ],
    [
      'submatrix, empty',
      (e) => e.submatrix(matrix(e, 1, 2, 2), [], [[0, 1]]),
      'submatrix: rows must hold an index',
    ],
    [
      'assemble',
      (e) => e.assemble(matrix(e, 1, 2, 2), matrix(e, 1, 3, 2), matrix(e, 1, 2, 2)),
      'assemble: a [1 | 2 × 2] does not fit b',
    ],
    [
      'scaleSides',
      (e) => e.scaleSides(matrix(e, 1, 2, 3), e.vector([1]), undefined),
      'scaleSides: left [1] does not fit A',
    ],
    ['rowSums', (e) => e.rowSums(matrix(e, 1, 2, 3)), 'rowSums: S must be square, got [1 | 2 × 3]'],
    ['spectralRadius', (e) => e.spectralRadius(matrix(e, 1, 2, 3)), 'spectralRadius: S must be square'],
    [
      'inverse',
      (e) => e.inverse(e.vector([1]), matrix(e, 1, 2, 2)),
      'inverse: diagonal D [1] does not fit S [1 | 2 × 2]',
    ],
    [
      'throughSector',
      (e) => e.throughSector(matrix(e, 1, 2, 2), e.vector([1]), undefined),
      'throughSector: left [1] does not fit R',
    ],
    [
      'combine',
      (e) =>
        e.combine([
          [1, e.vector([1, 2])],
          [1, e.vector([1, 2, 3])],
        ]),
      'combine: vector [2] does not fit vector [3]',
    ],
    ['combine, empty', (e) => e.combine([]), 'combine: there must be a vector, got none'],
    [
      'maximumOver',
      (e) => e.maximumOver(e.vector([1]), [Int32Array.of(1)]),
      'maximumOver: window 0 must lie within [1], got index 1',
    ],
    [
      'maximumOver, empty',
      (e) => e.maximumOver(e.vector([1]), [new Int32Array(0)]),
      'windows must hold an index',
    ],
    [
      'scaleByPower',
      (e) => e.scaleByPower(e.vector([1]), e.vector([1, 2]), 1),
      'scaleByPower: exponent must have length 1, got [2]',
    ],
    [
      'choose',
      (e) => e.choose([e.vector([1])], []),
      'choose: there must be one score for every candidate, got 1 for 0',
    ],
  ])('refuses %s', async (_, record, message) => {
    const e = await engine();
    expect(() => record(e)).toThrow(RangeError);
    expect(() => record(e)).toThrow(message);
  });

  it('fit any product, as the oracle computes it', async () => {
    const [e, oracle] = [await engine(), oracleEngine()];
    const size = fc.integer({ min: 1, max: 24 });
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          m: size,
          n: size,
          k: size,
          complex: fc.boolean(),
          adjointA: fc.boolean(),
          adjointB: fc.boolean(),
        }),
        fc.constantFrom([1, 1], [3, 3], [1, 4], [4, 1]),
        async ({ m, n, k, complex, adjointA, adjointB }, [batchA, batchB]) => {
          const product = (engine: Engine) => {
            const a = matrix(engine, batchA!, adjointA ? k : m, adjointA ? m : k, complex);
            const b = matrix(engine, batchB!, adjointB ? n : k, adjointB ? k : n, complex);
            return engine.read(engine.product(a, b, { adjointA, adjointB }));
          };
          assertClose((await product(e))[0]!, (await product(oracle))[0]!, tolerances.product);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('NaN', () => {
  it('never gets lost in reductions', async () => {
    const e = await engine();
    const data = randomNumbers(1, 2 * 9 * 2);
    data[2 * 9 + 5] = Number.NaN;
    const s = e.matrices(data, 2, 3, 3, true);
    const v = e.vector([1, Number.NaN, 3]);
    const outputs = [
      e.spectralRadius(s),
      e.offDiagonalRadius(s),
      e.largest(e.rowSums(s)),
      e.largest(v),
      e.exponent(v),
    ];
    const maxima = [e.largest(e.maximum(v, e.vector([5]))), e.maximumOver(v, [Int32Array.of(0, 1)])];
    for (const [value] of await e.read(...outputs, ...maxima)) expect(value).toBeNaN();
  });

  it('never wins a choice', async () => {
    const e = await engine();
    const [nan, one, two] = [e.vector([Number.NaN]), e.vector([1]), e.vector([2])];
    const candidates = [e.vector([10]), e.vector([20]), e.vector([30])];
    const chosen = [
      e.choose([nan, two, one], candidates),
      e.choose([two, nan, nan], candidates),
      e.choose([nan, nan, nan], candidates),
    ];
    expect((await e.read(...chosen)).map(([value]) => value)).toEqual([30, 10, Number.NaN]);
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
});

describe('powers of two', () => {
  it('are exact over the whole range', async () => {
    const e = await engine();
    for (const x of [1, 1.5, 2 - 2 ** -52, 2 ** -1074, 2 ** -1022, 1e-310, 1e300, 2 ** 1023, Math.PI]) {
      const v = e.vector([x]);
      const power = e.exponent(v);
      const unit = e.scaleByPower(v, power, -1);
      const [[p], [u], [back]] = (await e.read(
        power,
        unit,
        e.scaleByPower(unit, power, 1),
      )) as Float64Array[] as [Float64Array, Float64Array, Float64Array];
      expect(Number.isInteger(p)).toBe(true);
      expect(u! >= 1 && u! < 2).toBe(true);
      expect(back).toBe(x);
    }
    expect(await e.read(e.exponent(e.vector([0])), e.exponent(e.vector([-1])))).toEqual([
      Float64Array.of(0),
      Float64Array.of(Number.NaN),
    ]);
  });
});

describe('createEngine', () => {
  it('describes what it made', async () => {
    const e = await createEngine({ engine: 'cpu-wasm', threads: 3 });
    expect(e.information).toEqual({
      name: 'cpu-wasm',
      description: 'Wasm SIMD, 3 threads',
      unitRoundoff: 2 ** -53,
      threads: 3,
    });
    const auto = await createEngine({ engine: 'cpu' });
    expect(['cpu-blas', 'cpu-wasm']).toContain(auto.information.name);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %d threads', async (threads) => {
    await expect(createEngine({ threads })).rejects.toThrow(RangeError);
  });

  it('refuses engines it does not know', async () => {
    await expect(createEngine({ engine: 'gpu' as 'cpu' })).rejects.toThrow('got gpu');
  });
});
