/** One step of a state against the same maximum from one dense quadratic form, which shares no formula with it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Algebra } from '../../../src/ellipsoid/region/algebra.ts';
import { LinearPart } from '../../../src/ellipsoid/region/linearPart.ts';
import { advance, largestDifference, rangeOf, type State } from '../../../src/ellipsoid/region/state.ts';
import { termOf } from '../../../src/ellipsoid/region/terms.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { Random } from '../../support/random.ts';
import { runs } from '../../support/runs.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

type Dense = number[][];

/** Gauss and Jordan, with pivots. */
function inverseOf(a: Dense): Dense {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...row.map((_, j) => Number(i === j))]);
  for (let k = 0; k < n; k++) {
    const pivot = rows.slice(k).reduce((best, row) => (Math.abs(row[k]!) > Math.abs(best[k]!) ? row : best));
    const at = rows.indexOf(pivot);
    [rows[k], rows[at]] = [rows[at]!, rows[k]!];
    const scaled = rows[k]!.map((v) => v / pivot[k]!);
    rows[k] = scaled;
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = rows[i]![k]!;
      rows[i] = rows[i]!.map((v, j) => v - factor * scaled[j]!);
    }
  }
  return rows.map((row) => row.slice(n));
}

const times = (a: Dense, x: readonly number[]) =>
  a.map((row) => row.reduce((sum, v, j) => sum + v * x[j]!, 0));
const inner = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** The largest gᵀ ξ where k + 2 bᵀ ξ − ξᵀ P ξ ≥ 0. */
function largest(p: Dense, b: readonly number[], k: number, g: readonly number[]): number {
  const inverse = inverseOf(p);
  const centre = times(inverse, b);
  return inner(g, centre) + Math.sqrt((k + inner(b, centre)) * inner(g, times(inverse, g)));
}

function partOf(weight: Float64Array, bias: Float64Array, outputs: number, inputs: number): LinearPart {
  const term = termOf({ kind: 'affine', outputs, inputs, weight, bias }, 0, [inputs], [outputs]);
  const step = { name: 'w', output: 1, size: outputs, terms: [term], constant: bias };
  return new LinearPart(
    [{ tensor: 0, start: 0, size: inputs }],
    [{ tensor: 1, start: 0, size: outputs }],
    [step],
  );
}

describe('a step', () => {
  it.each([true, false])('is what a dense quadratic form says (linear terms: %s)', async (withTerms) => {
    const random = new Random(withTerms ? 5 : 6);
    for (let run = 0; run < runs(40); run++) {
      const [n, m] = [4, 3];
      const root = Array.from({ length: n }, () => Array.from(random.normals(n)));
      const s = root.map((a) => root.map((b) => inner(a, b)));
      const offset = withTerms ? random.normals(n) : new Float64Array(n);
      const anchor = random.normals(n);
      const level = 0.1 + random.uniform();
      const uncertain = Int32Array.of(0, 2);
      const middle = random.normals(n);
      const own = [...uncertain].map((i) => s[i]!);
      const multipliers = Float64Array.from(
        own,
        (row) => (1.1 + random.uniform()) * [...uncertain].reduce((sum, j) => sum + Math.abs(row[j]!), 0),
      );
      const spread = multipliers.map((d) => d * random.uniform() ** 2);
      const terms = {
        output: random.normals(2),
        input: random.normals(2),
        level: 0.3 * random.uniform(),
      };
      const weight = random.normals(m * n);
      const bias = random.normals(m);
      const linear = partOf(weight, bias, m, n);
      const state: State = { anchor, offset, level, covariance: Float64Array.from(s.flat()) };
      const values = random.normals(n);
      const ball = { middle: values, radius: new Float64Array(n) };
      const sectors = { middle, uncertain, multipliers, spread };
      const next = await advance(
        new Algebra(engine),
        linear,
        state,
        sectors,
        ball,
        withTerms ? terms : undefined,
      );
      // ξ = (y*, φ*_U)
      const p = inverseOf(s).map((row) => [...row, 0, 0]);
      p.push([0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]);
      const b = [...times(inverseOf(s), [...offset]), 0, 0];
      const k = level - inner([...offset], times(inverseOf(s), [...offset])) + (withTerms ? terms.level : 0);
      for (const [q, i] of uncertain.entries()) {
        const c = 1 / spread[q]!;
        const slope = middle[i]!;
        p[i]![i]! += c * slope * slope - 1 / multipliers[q]!;
        p[i]![n + q]! -= c * slope;
        p[n + q]![i]! -= c * slope;
        p[n + q]![n + q]! += c;
        if (!withTerms) continue;
        b[i]! += terms.input[q]!;
        b[n + q]! += terms.output[q]!;
      }
      /** A read-out of outputs on ξ. */
      const functional = (c: readonly number[]) => {
        const g = new Array<number>(n + 2).fill(0);
        for (let i = 0; i < n; i++) {
          const weightOf = c.reduce((sum, v, o) => sum + v * weight[o * n + i]!, 0);
          const q = uncertain.indexOf(i);
          if (q < 0) g[i] = weightOf * middle[i]!;
          else g[n + q] = weightOf;
        }
        return g;
      };
      const at = (o: number) => bias[o]! + inner([...weight.subarray(o * n, (o + 1) * n)], [...values]);
      for (const [i, j] of [
        [0, 1],
        [2, 0],
      ] as const) {
        const c = [0, 1, 2].map((o) => Number(o === j) - Number(o === i));
        const truth = at(j) - at(i) + largest(p, b, k, functional(c));
        const bound = largestDifference(next!, j, i);
        expect(bound).toBeGreaterThanOrEqual(truth - 1e-11 * (1 + Math.abs(truth)));
        expect(bound).toBeLessThanOrEqual(truth + 1e-6 * (1 + Math.abs(truth)));
      }
      const [low, high] = rangeOf(next!, 1);
      expect(high).toBeCloseTo(at(1) + largest(p, b, k, functional([0, 1, 0])), 5);
      expect(low).toBeCloseTo(at(1) - largest(p, b, k, functional([0, -1, 0])), 5);
    }
  });

  it('proves nothing where multipliers do not dominate', async () => {
    const linear = partOf(Float64Array.of(1), Float64Array.of(0), 1, 1);
    const of = (...values: number[]) => Float64Array.from(values);
    const state = { anchor: of(0), offset: of(0), covariance: of(1), level: 1 };
    const sectors = { middle: of(0.5), uncertain: Int32Array.of(0), spread: of(0.25) };
    const ball = { middle: of(0), radius: of(0) };
    for (const d of [1, 0.999, 1 + 1e-16, -1, Number.NaN]) {
      expect(
        await advance(new Algebra(engine), linear, state, { ...sectors, multipliers: of(d) }, ball),
      ).toBeUndefined();
    }
    expect(
      await advance(new Algebra(engine), linear, state, { ...sectors, multipliers: of(1.01) }, ball),
    ).toBeDefined();
  });
});
