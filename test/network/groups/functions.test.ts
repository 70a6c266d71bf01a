/** Functions of groups: their constants, derivatives and errors. */
import { describe, expect, it } from 'vitest';
import { inner, length, WHOLE_SPREAD } from '../../../src/network/groups/definition.ts';
import { GROUP_FUNCTIONS, type GroupFunction, groupDefinitionOf } from '../../../src/network/groups/table.ts';
import { Random } from '../../support/random.ts';

const EXAMPLES = Object.values(GROUP_FUNCTIONS).flatMap(
  ({ examples }) => examples as readonly GroupFunction[],
);
const SIZES = [1, 2, 3, 5];
const CASES = EXAMPLES.flatMap((f) =>
  SIZES.map((n): [string, GroupFunction, number] => [JSON.stringify(f), f, n]),
);

const plus = (x: Float64Array, dx: Float64Array, h: number) => x.map((value, k) => value + h * dx[k]!);

/** ‖J(x)‖ by power iteration, from the derivative. */
function slopeAt(f: GroupFunction, x: Float64Array, start: Float64Array): number {
  const { push, pull } = groupDefinitionOf(f).differentiate(f, x);
  let v = start;
  let slope = 0;
  for (let step = 0; step < 30; step++) {
    const size = length(v);
    if (size === 0) return slope;
    v = v.map((value) => value / size);
    const image = push(v);
    slope = Math.max(slope, length(image));
    v = pull(image);
  }
  return slope;
}

/** Of functions with a symmetric Jacobian. */
function slopeMatrix(f: GroupFunction, x: Float64Array): number[][] {
  const { push } = groupDefinitionOf(f).differentiate(f, x);
  return Array.from(x, (_, i) => [...push(x.map((_value, k) => (k === i ? 1 : 0)))]);
}

/** ‖A‖ by power iteration. */
function normOf(a: readonly (readonly number[])[], random: Random): number {
  let v = random.normals(a.length);
  let norm = 0;
  for (let step = 0; step < 60; step++) {
    const size = length(v);
    const image = Float64Array.from(a, (row) => inner(Float64Array.from(row), v) / size);
    norm = length(image);
    v = v.map((_, k) => a.reduce((sum, row, i) => sum + row[k]! * image[i]!, 0));
  }
  return norm;
}

describe.each(CASES)('%s', (_, f, n) => {
  const random = new Random(n);
  const next = () => random.normal();
  const definition = groupDefinitionOf(f);
  const point = (scale: number) => Float64Array.from({ length: n }, () => scale * next());
  const SCALES = [1e-6, 1e-3, 0.03, 0.3, 1, 3, 30];

  it(`of ${n}: no secant and no slope is steeper than its constant`, () => {
    const most = definition.lipschitz(f, n);
    let steepest = 0;
    for (const scale of SCALES) {
      for (let k = 0; k < 40; k++) {
        const [x, y] = [point(scale), point(scale)];
        const near = plus(x, y, 0.01);
        for (const other of [y, near, new Float64Array(n)]) {
          const [p, q] = [definition.value(f, x), definition.value(f, other)];
          const secant =
            length(p.map((value, i) => value - q[i]!)) / length(x.map((value, i) => value - other[i]!));
          steepest = Math.max(steepest, secant);
        }
        steepest = Math.max(steepest, slopeAt(f, x, point(1)));
      }
    }
    expect(steepest).toBeLessThanOrEqual(most * (1 + 1e-9));
    // A constant that nothing comes near would say little.
    // Many factors are seldom all large but not cut off.
    const rare = f.name === 'product' && n > 2;
    const loose = f.name === 'local-response' || f.name === 'softmax' || rare ? 0.2 : 0.7;
    if (n > 1) expect(steepest).toBeGreaterThan(loose * most);
  });

  const { spread } = definition;
  if (spread && spread(f) > 1 && n > 1) {
    const slopes = SCALES.flatMap((scale) => Array.from({ length: 60 }, () => slopeMatrix(f, point(scale))));
    const most = definition.lipschitz(f, n);

    it(`of ${n}: weights of a group may differ by its spread, and hardly by more`, () => {
      const random = new Random(n);
      /** ‖J‖ in norms (Σ x_i²/d_i)^½, over L. */
      const weighed = (ratio: number) => {
        const d = Float64Array.from({ length: n }, (_, k) => (k < n / 2 ? Math.sqrt(ratio) : 1));
        return Math.max(
          ...slopes.map(
            (j) =>
              normOf(
                j.map((row, i) => row.map((x, k) => (x * d[k]!) / d[i]!)),
                random,
              ) / most,
          ),
        );
      };
      for (const ratio of [1, 3, spread(f)]) expect(weighed(ratio)).toBeLessThanOrEqual(1 + 1e-9);
      expect(weighed(3 * spread(f))).toBeGreaterThan(1.01);
    });

    it(`of ${n}: what comes of a covariance is below it, or below a quarter of its largest`, () => {
      const random = new Random(n);
      let nearest = 0;
      for (const j of slopes) {
        for (let k = 0; k < 20; k++) {
          // The steepest are those of one direction.
          const p = random.normals(n);
          const w = random.normals(n);
          const [own, size] = [inner(p, w) ** 2, inner(p, p) * inner(w, w)];
          const image =
            inner(
              p,
              Float64Array.from(j, (row) => inner(Float64Array.from(row), w)),
            ) **
              2 /
            most ** 2;
          expect(image).toBeLessThanOrEqual(Math.max(own, size / WHOLE_SPREAD) * (1 + 1e-9));
          if (own < size / WHOLE_SPREAD) nearest = Math.max(nearest, (WHOLE_SPREAD * image) / size);
        }
      }
      expect(nearest).toBeGreaterThan(0.8);
    });
  }

  it(`of ${n}: the derivative is that of the values, and its transpose`, () => {
    for (const scale of [0.3, 1, 3]) {
      const [x, dx] = [point(scale), point(1)];
      const { push, pull } = definition.differentiate(f, x);
      const h = 1e-6 * scale;
      const [p, q] = [definition.value(f, plus(x, dx, h)), definition.value(f, plus(x, dx, -h))];
      const pushed = push(dx);
      for (const [k, value] of pushed.entries()) {
        expect(Math.abs(value - (p[k]! - q[k]!) / (2 * h))).toBeLessThan(
          1e-5 * (1 + Math.abs(value)) + (1e-4 / scale ** 2) * h * 10,
        );
      }
      const u = Float64Array.from(pushed, () => next());
      expect(inner(u, pushed)).toBeCloseTo(inner(pull(u), dx), 8);
    }
  });

  it(`of ${n}: values are as near as it says`, () => {
    for (const scale of SCALES) {
      const x = point(scale);
      const y = plus(x, point(scale), 2 ** -52);
      const [p, q] = [definition.value(f, x), definition.value(f, y)];
      const moved = definition.lipschitz(f, n) * length(x.map((value, k) => value - y[k]!));
      const off = definition.error(f, x) + definition.error(f, y) + moved;
      for (const [k, value] of p.entries()) expect(Math.abs(value - q[k]!)).toBeLessThanOrEqual(off);
    }
  });
});
