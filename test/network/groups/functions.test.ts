/** Functions of groups: their constants, derivatives and errors. */
import { describe, expect, it } from 'vitest';
import { inner, length } from '../../../src/network/groups/definition.ts';
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
    const loose = f.name === 'local-response' || f.name === 'softmax' ? 0.2 : 0.7;
    if (n > 1) expect(steepest).toBeGreaterThan(loose * most);
  });

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
