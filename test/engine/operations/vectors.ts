/** Operations on small vectors. */
import type { Engine } from '../../../src/engine/engine.ts';
import { randomNumbers } from '../engines.ts';
import { type Case, hermitian, type Tested } from './cases.ts';
import { largestOf, vectorOf } from './entries.ts';

const at = (vector: Float64Array, i: number) => vector[vector.length === 1 ? 0 : i]!;
const longest = (...vectors: readonly Float64Array[]) => Math.max(...vectors.map(({ length }) => length));

/** Two vectors, and one of length 1. */
const inputs = (e: Engine, { n }: Case) =>
  [e.vector(randomNumbers(1, n)), e.vector(randomNumbers(2, n)), e.vector([0.3])] as const;

export const vectors = {
  combine: {
    definition: (terms) =>
      vectorOf(longest(...terms.map(([, vector]) => vector)), (i) =>
        terms.reduce((total, [coefficient, vector]) => total + coefficient * at(vector, i), 0),
      ),
    checks: {
      combine: [
        'elementwise',
        (e, c) => {
          const [a, b, one] = inputs(e, c);
          return [
            e.combine([
              [2, a],
              [-3, one],
              [0.5, b],
            ]),
            e.combine([[-2, a]]),
          ];
        },
      ],
    },
  },
  multiply: {
    definition: (a, b) => vectorOf(longest(a, b), (i) => at(a, i) * at(b, i)),
    checks: {
      multiply: [
        'elementwise',
        (e, c) => {
          const [a, b, one] = inputs(e, c);
          return [e.multiply(a, b), e.multiply(one, b)];
        },
      ],
    },
  },
  maximum: {
    definition: (a, b) => vectorOf(longest(a, b), (i) => Math.max(at(a, i), at(b, i))),
    checks: {
      maximum: [
        'elementwise',
        (e, c) => {
          const [a, , one] = inputs(e, c);
          return [e.maximum(a, one)];
        },
      ],
    },
  },
  reciprocal: {
    definition: (a) => vectorOf(a.length, (i) => 1 / a[i]!),
    checks: {
      reciprocal: [
        'elementwise',
        (e, c) => {
          const [a, , one] = inputs(e, c);
          return [e.reciprocal(e.maximum(e.multiply(a, a), one))];
        },
      ],
    },
  },
  squareRoot: {
    definition: (a) => vectorOf(a.length, (i) => Math.sqrt(a[i]!)),
    checks: {
      squareRoot: [
        'elementwise',
        (e, c) => {
          const [a] = inputs(e, c);
          return [e.squareRoot(e.multiply(a, a))];
        },
      ],
    },
  },
  maximumOver: {
    definition: (a, windows) =>
      vectorOf(windows.length, (k) => largestOf([...windows[k]!].map((i) => a[i]!))),
    checks: {
      maximumOver: [
        'elementwise',
        (e, c) => {
          const [a] = inputs(e, c);
          return [e.maximumOver(a, [Int32Array.of(0), Int32Array.of(c.n - 1, 0)])];
        },
      ],
    },
  },
  sumOver: {
    definition: (a, windows) =>
      vectorOf(windows.length, (k) => [...windows[k]!].reduce((total, i) => total + a[i]!, 0)),
    checks: {
      sumOver: [
        'elementwise',
        (e, c) => {
          const [a] = inputs(e, c);
          return [e.sumOver(a, [Int32Array.of(0), new Int32Array(0), Int32Array.of(c.n - 1, 0)])];
        },
      ],
    },
  },
  largest: {
    definition: largestOf,
    checks: {
      largest: [
        'elementwise',
        (e, c) => {
          const [a] = inputs(e, c);
          return [e.largest(a)];
        },
      ],
    },
  },
  exponent: {
    definition(a) {
      let size = largestOf(a);
      if (size === 0) return 0;
      if (!(size > 0 && size < Number.POSITIVE_INFINITY)) return Number.NaN;
      let e = 0;
      for (; size >= 2; size /= 2) e++;
      for (; size < 1; size *= 2) e--;
      return e;
    },
    checks: {
      exponent: [
        'elementwise',
        (e, c) => {
          const [a] = inputs(e, c);
          return [e.exponent(e.multiply(a, a))];
        },
      ],
    },
  },
  scaleByPower: {
    definition(a, [power], sign) {
      const e = sign * power!;
      let out = [...(a instanceof Float64Array ? a : a.data)];
      if (Number.isNaN(e)) out = out.map(() => Number.NaN);
      for (let i = 0; i < Math.abs(e); i++) out = out.map((x) => (e > 0 ? x * 2 : x / 2));
      return Float64Array.from(out);
    },
    checks: {
      scaleByPower: [
        'elementwise',
        (e, c) => {
          const [a] = inputs(e, c);
          const power = e.exponent(e.multiply(a, a));
          return [e.scaleByPower(a, power, -1), e.scaleByPower(hermitian(e, c), power, -1)];
        },
      ],
    },
  },
  choose: {
    definition(scores, candidates) {
      const values = scores.map(([score]) => score!);
      const valid = values.filter((score) => !Number.isNaN(score));
      if (valid.length === 0) return candidates[0]!.map(() => Number.NaN);
      return candidates[values.indexOf(Math.min(...valid))]!.slice();
    },
    checks: {
      choose: [
        'elementwise',
        (e, c) => {
          const [a, b, one] = inputs(e, c);
          const zero = e.combine([
            [1, one],
            [-1, one],
          ]);
          return [e.choose([one, e.largest(zero)], [a, b])];
        },
      ],
    },
  },
} satisfies Partial<Tested>;
