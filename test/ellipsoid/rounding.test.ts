/**
 * Each rule with rounding accounted for, on its own, against numbers that do not round: what it returns must lie above the exact
 * result for the very matrices it was given. With an error left out, it must not.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inverseAbove } from '../../src/ellipsoid/rounding/inverse.ts';
import { Rounding } from '../../src/ellipsoid/rounding/rounding.ts';
import { symbolOf } from '../../src/ellipsoid/rules/affine.ts';
import { affineAbove, readAbove, symbolError } from '../../src/ellipsoid/rules/affineAbove.ts';
import { nonlinearityAbove } from '../../src/ellipsoid/rules/nonlinearityAbove.ts';
import { createEngine, type EngineOptions } from '../../src/engine/create.ts';
import type { Engine, Matrices } from '../../src/engine/engine.ts';
import type { NonlinearityStep } from '../../src/program/program.ts';
import { aliasesOf, halfTorus } from '../../src/spectrum/frequencies.ts';
import { useSwiftShader, withoutGpu } from '../engine/webgpu/hosts.ts';
import {
  addedTo,
  diagonal,
  difference,
  type FixedMatrix,
  fixed,
  inverse,
  isPositiveDefinite,
  product,
  transpose,
  zeros,
} from '../support/fixedPoint.ts';
import { fixedRoots } from '../support/fixedRoots.ts';
import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';

/** What thousands of truncations at 2^-1280 may add up to. */
const BLUR = 1n << 80n;

/** A batch entry as a real symmetric matrix: [[Re, −Im], [Im, Re]] where it is complex. */
function embedded(
  data: Float64Array,
  b: number,
  rows: number,
  columns: number,
  complex: boolean,
): FixedMatrix {
  const width = complex ? 2 : 1;
  const out = zeros(rows * width, columns * width);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = ((b * rows + i) * columns + j) * width;
      const re = fixed(data[at]!);
      out.data[i * out.columns + j] = re;
      if (!complex) continue;
      const im = fixed(data[at + 1]!);
      out.data[i * out.columns + columns + j] = -im;
      out.data[(rows + i) * out.columns + j] = im;
      out.data[(rows + i) * out.columns + columns + j] = re;
    }
  }
  return out;
}

const congruence = (w: FixedMatrix, q: FixedMatrix) => product(product(w, q), transpose(w));

/** Whether a covariance that an engine computed lies above an exact one. */
const above = (computed: FixedMatrix, exact: FixedMatrix) =>
  isPositiveDefinite(difference(computed, exact), BLUR);

/** Random numbers that float32 holds. */
function numbers(random: Random, length: number): Float64Array {
  return random.normals(length).map(Math.fround);
}

/** A Hermitian positive semidefinite matrix Σ v vᴴ of the given rank, as stored numbers. */
function semidefinite(random: Random, n: number, rank: number, complex: boolean): Float64Array {
  const width = complex ? 2 : 1;
  const v = numbers(random, n * rank * width);
  const out = new Float64Array(n * n * width);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let re = 0;
      let im = 0;
      for (let k = 0; k < rank; k++) {
        const [a, b] = [(i * rank + k) * width, (j * rank + k) * width];
        if (complex) {
          re += v[a]! * v[b]! + v[a + 1]! * v[b + 1]!;
          im += v[a + 1]! * v[b]! - v[a]! * v[b + 1]!;
        } else re += v[a]! * v[b]!;
      }
      for (const [r, c, sign] of [
        [i, j, 1],
        [j, i, -1],
      ] as const) {
        const at = (r * n + c) * width;
        out[at] = Math.fround(re);
        if (complex) out[at + 1] = i === j ? 0 : Math.fround(sign * im);
      }
    }
  }
  return out;
}

/** D just above the row sums of |S| for positive, below them for negative `gap`s that still leave it dominating now and then. */
function multiplier(s: Float64Array, n: number, complex: boolean, factor: number): Float64Array {
  const width = complex ? 2 : 1;
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) {
      const at = (i * n + j) * width;
      sum += complex ? Math.hypot(s[at]!, s[at + 1]!) : Math.abs(s[at]!);
    }
    return Math.fround(sum * factor);
  });
}

class WithoutProducts extends Rounding {
  override gamma(): number {
    return 0;
  }
  override product(): number {
    return 0;
  }
}

/** Takes inverses as they come, in float32 without a look at the residual. */
class Trusting extends Rounding {
  override cholesky(): number {
    return 0;
  }
  override get coarse(): boolean {
    return false;
  }
}

const SIZES = [1, 2, 3, 5, 9, 17];
const choices: readonly (EngineOptions & { readonly many: number })[] = [
  { engine: 'cpu-wasm', threads: 1, many: runs(6) },
  { engine: 'cpu-blas', threads: 1, many: runs(6) },
  { engine: 'webgpu', many: runs(3) },
];

describe.each(choices.filter((c) => c.engine !== 'webgpu' || !withoutGpu))(
  '$engine',
  ({ many, ...choice }) => {
    let engine: Engine;
    let rounding: Rounding;
    beforeAll(async () => {
      if (choice.engine === 'webgpu') useSwiftShader();
      engine = await createEngine(choice);
      rounding = new Rounding(engine.information, 8);
    });
    afterAll(() => engine.close());

    const cases = SIZES.flatMap((n) => [false, true].map((complex) => ({ n, complex })));

    async function affineHolds(
      analysis: Rounding,
      n: number,
      complex: boolean,
      seed: number,
    ): Promise<boolean> {
      const random = new Random(seed);
      const inner = random.integer(1, 12);
      const w = numbers(random, n * inner * (complex ? 2 : 1));
      const q = semidefinite(random, inner, random.integer(1, inner), complex);
      const symbol = engine.matrices(w, 1, n, inner, complex);
      const taps = { rows: n, columns: inner, taps: [], matrices: w, vanishes: false, exponent: 0 };
      const error = symbolError(engine, analysis, taps, false);
      const gamma = 2 * analysis.product(inner, complex) + analysis.gamma(4);
      const { state } = affineAbove(
        engine,
        analysis,
        symbol,
        engine.matrices(q, 1, inner, inner, complex),
        1,
        { ...error, gamma },
        [[0, n]],
      );
      const [found] = await engine.read(state);
      const exact = congruence(embedded(w, 0, n, inner, complex), embedded(q, 0, inner, inner, complex));
      return above(embedded(found!, 0, n, n, complex), exact);
    }

    it.each(cases)('congruences, n = $n, complex = $complex', async ({ n, complex }) => {
      for (let seed = 0; seed < many; seed++)
        expect(await affineHolds(rounding, n, complex, seed)).toBe(true);
    });

    it('notices congruences whose rounding is not added', async () => {
      const faulty = new WithoutProducts(engine.information, 0);
      const held = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => affineHolds(faulty, 9, true, seed)));
      expect(held).toContain(false);
    });

    async function inverseHolds(
      analysis: Rounding,
      n: number,
      complex: boolean,
      seed: number,
      factor: number,
    ): Promise<boolean | undefined> {
      const random = new Random(seed);
      const s = semidefinite(random, n, random.integer(1, n), complex);
      const d = multiplier(s, n, complex, factor);
      const result = inverseAbove(
        engine,
        analysis,
        engine.vector(d),
        engine.matrices(s, 1, n, n, complex),
        false,
      );
      const [x, definite, doubt] = await engine.read(result.inverse, result.definite, result.doubt);
      if (!(definite![0] === 1 && doubt![0]! < 1)) return undefined;
      const stored = complex ? [...d, ...d] : [...d];
      const gap = difference(diagonal(stored.map((value) => fixed(value))), embedded(s, 0, n, n, complex));
      const exact = inverse(gap);
      // A proof of D ≻ S that is false is as bad as an inverse that is too small.
      return exact !== undefined && above(embedded(x!, 0, n, n, complex), exact);
    }

    /** Of row sums: from comfortable to where D ≻ S fails, for S of low rank often far below 1. */
    const factors = [1.4, 1.005, 1.00001, 0.9, 0.7, 0.5];

    it.each(cases)('inverses, n = $n, complex = $complex', async ({ n, complex }) => {
      let proven = 0;
      for (let seed = 0; seed < many; seed++) {
        for (const factor of factors) {
          const held = await inverseHolds(rounding, n, complex, seed, factor);
          if (held !== undefined) proven++;
          expect(held).not.toBe(false);
        }
      }
      expect(proven).toBeGreaterThan(many);
    });

    it('notices inverses that are taken as they come', async () => {
      const faulty = new Trusting(engine.information, 0);
      const held: (boolean | undefined)[] = [];
      for (let seed = 0; seed < 12; seed++) held.push(await inverseHolds(faulty, 9, false, seed, 1.005));
      expect(held).toContain(false);
    });

    it('means over aliases and sums over windows of symbols', async () => {
      for (let seed = 0; seed < Math.ceil(many / 3); seed++) {
        const random = new Random(seed);
        const [rows, columns, side, ratio] = [random.integer(1, 3), random.integer(1, 3), 6, 2];
        const positions = [-1, 0, 2];
        const matrices = numbers(random, positions.length * rows * columns);
        const taps = {
          ...{ rows, columns, matrices, vanishes: false, exponent: 0 },
          taps: positions.map((p) => ({ offset: [p], extent: [1] })),
        };
        const coarse = halfTorus([side / ratio]);
        const fine = aliasesOf(coarse, [ratio]);
        const uploaded = engine.matrices(matrices, 1, positions.length, rows * columns, false);
        const symbol = symbolOf(engine, taps, uploaded, fine);
        const error = symbolError(engine, rounding, taps, true);
        const strided = affineAbove(engine, rounding, symbol, undefined, ratio, error, [[0, rows]]);
        const summed = readAbove(engine, rounding, symbol, undefined, fine, error, [[0, rows]]);
        const [aliased, total] = await engine.read(strided.state, summed.state);

        const roots = fixedRoots(side);
        const exactSymbol = (omega: number) => {
          const out = zeros(2 * rows, 2 * columns);
          positions.forEach((p, t) => {
            const { re, im } = roots[(((omega * p) % side) + side) % side]!;
            for (let i = 0; i < rows; i++) {
              for (let j = 0; j < columns; j++) {
                const k = fixed(matrices[(t * rows + i) * columns + j]!);
                const put = (a: number, b: number, value: bigint) => {
                  out.data[(a * rows + i) * out.columns + b * columns + j]! += value;
                };
                const scaled = (x: bigint) => (x * k) >> 1280n;
                put(0, 0, scaled(re));
                put(0, 1, -scaled(im));
                put(1, 0, scaled(im));
                put(1, 1, scaled(re));
              }
            }
          });
          return out;
        };
        const gram = (omega: number) => product(exactSymbol(omega), transpose(exactSymbol(omega)));
        const half = (a: FixedMatrix) => ({ ...a, data: a.data.map((value) => value / 2n) });
        for (let k = 0; k < coarse.count; k++) {
          const exact = half(addedTo(gram(fine.indices[2 * k]!), gram(fine.indices[2 * k + 1]!)));
          expect(above(embedded(aliased!, k, rows, rows, true), exact)).toBe(true);
        }
        let sum = zeros(2 * rows, 2 * rows);
        for (let omega = 0; omega < side; omega++) sum = addedTo(sum, gram(omega));
        const mean = { ...sum, data: sum.data.map((value) => value / BigInt(side)) };
        const real = zeros(rows, rows);
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < rows; j++) real.data[i * rows + j] = mean.data[i * 2 * rows + j]!;
        }
        expect(above(embedded(total!, 0, rows, rows, false), real)).toBe(true);
      }
    });

    it('nonlinearities beside something that lives on, small and large', async () => {
      for (let seed = 0; seed < many; seed++) {
        const random = new Random(seed);
        const [kept, n] = [random.integer(1, 4), random.integer(1, 5)];
        const size = kept + n;
        const state = semidefinite(random, size, random.integer(1, size), false);
        // What is kept is 2^±20 times as large.
        const scale = 2 ** random.integer(-20, 20);
        for (let i = 0; i < size; i++) {
          for (let j = 0; j < size; j++)
            state[i * size + j]! *= (i < kept ? scale : 1) * (j < kept ? scale : 1);
        }
        const s = Float64Array.from({ length: n * n }, (_, k) => {
          return state[(kept + Math.floor(k / n)) * size + kept + (k % n)]!;
        });
        const d = multiplier(s, n, false, 1.3);
        const lower = Float64Array.from({ length: n }, () => random.between(-0.5, 0.5));
        const upper = lower.map((l) => l + random.uniform());
        const live = (start: number, rows: number) => ({ start, rows }) as NonlinearityStep['source'];
        const step = {
          ...{ kind: 'nonlinearity', source: live(kept, n), kept: [live(0, kept)], target: live(kept, n) },
          ...{ lower, upper, before: [], after: [] },
        } as const satisfies NonlinearityStep;
        const stored: Matrices = engine.matrices(state, 1, size, size, false);
        const result = nonlinearityAbove(engine, rounding, step, stored, engine.vector(d), false);
        const [found, definite, doubt] = await engine.read(result.state, result.definite, result.doubt!);
        expect(definite![0]).toBe(1);
        expect(doubt![0]).toBeLessThan(1);
        expect(
          above(embedded(found!, 0, size, size, false), exactSector(state, s, d, lower, upper, kept)),
        ).toBe(true);
        const [raised, before] = [found![0]!, state[0]!];
        expect(raised).toBeLessThan((before + Math.abs(before)) * 1e6 + 1e6);
      }
    });
  },
);

/** The joint rule in exact numbers, from its definition (docs/mathematics.md §1). */
function exactSector(
  state: Float64Array,
  s: Float64Array,
  d: Float64Array,
  lower: Float64Array,
  upper: Float64Array,
  kept: number,
): FixedMatrix {
  const n = d.length;
  const size = kept + n;
  const exact = diagonal(Array.from(d, (value) => fixed(value)));
  const r = inverse(difference(exact, embedded(s, 0, n, n, false)))!;
  const stack = zeros(size, n);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < kept; i++) stack.data[i * n + j] = fixed(state[i * size + kept + j]!);
    stack.data[(kept + j) * n + j] = ((fixed(lower[j]!) + fixed(upper[j]!)) * fixed(d[j]!)) >> 1281n;
  }
  const out = congruence(stack, r);
  for (let i = 0; i < kept; i++) {
    for (let j = 0; j < kept; j++) out.data[i * size + j]! += fixed(state[i * size + j]!);
  }
  for (let j = 0; j < n; j++) {
    const slope = (fixed(lower[j]!) * fixed(upper[j]!)) >> 1280n;
    out.data[(kept + j) * size + kept + j]! -= (slope * fixed(d[j]!)) >> 1280n;
  }
  return out;
}
