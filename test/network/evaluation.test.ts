/** Products with linear operators and Jacobians, without matrices, against the matrices. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jacobian } from '../../src/network/evaluation/jacobian.ts';
import { linearMap, magnitude } from '../../src/network/evaluation/linearMap.ts';
import { PreparedNetwork } from '../../src/network/evaluation/preparedNetwork.ts';
import { isLinear } from '../../src/network/linearOperator.ts';
import { linearMatrix } from '../../src/network/matrix.ts';
import type { OperatorKind } from '../../src/network/operator.ts';
import { product } from '../../src/network/size.ts';
import { FAMILIES } from '../support/families.ts';
import { linearise, pull, push } from '../support/forward.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';
import { arbitraryNetwork, relativeDifference } from './arbitrary.ts';

function dot(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((sum, value, n) => sum + value * b[n]!, 0);
}

describe('a linear operator', () => {
  it('multiplies as its matrix does, and its transpose; its magnitude as the absolute values', () => {
    const seen = new Set<OperatorKind>();
    fc.assert(
      fc.property(arbitraryNetwork(4, false), fc.nat(), ({ network }, seed) => {
        for (const { operator, inputs, output } of network.nodes) {
          if (!isLinear(operator)) continue;
          seen.add(operator.kind);
          const [from, to] = [network.tensors[inputs[0]!]!.shape, network.tensors[output]!.shape];
          const { rows, columns, data } = linearMatrix(operator, from);
          const map = linearMap(operator, from, to);
          const random = new Random(seed);
          const [x, y] = [random.normals(columns), random.normals(rows)];
          const times = (entry: (value: number) => number) =>
            Float64Array.from({ length: rows }, (_, r) =>
              x.reduce((sum, value, c) => sum + entry(data[r * columns + c]!) * value, 0),
            );
          const back = Float64Array.from({ length: columns }, (_, c) =>
            y.reduce((sum, value, r) => sum + data[r * columns + c]! * value, 0),
          );
          expect(
            relativeDifference(
              map.apply(x),
              times((entry) => entry),
            ),
          ).toBeLessThan(1e-12);
          expect(relativeDifference(map.transpose(y), back)).toBeLessThan(1e-12);
          // Taps that read one sample of a padded image add up in the matrix: only then it has less than its summands.
          const absolute = linearMap(magnitude(operator), from, to).apply(x.map(Math.abs));
          const least = Float64Array.from({ length: rows }, (_, r) =>
            x.reduce((sum, value, c) => sum + Math.abs(data[r * columns + c]! * value), 0),
          );
          for (const [n, value] of absolute.entries())
            expect(value).toBeGreaterThanOrEqual(least[n]! * (1 - 1e-12));
          expect(map.work).toBeGreaterThan(0);
        }
      }),
      { numRuns: 400 },
    );
    expect([...seen].sort()).toEqual([
      'affine',
      'average-pool',
      'convolution',
      'gather',
      'global-average-pool',
      'pad',
      'reindex',
      'scale',
      'transposed-convolution',
    ]);
  });
});

describe.each(Object.entries(FAMILIES))('the Jacobian of %s', (_, plans) => {
  it('pulls back with the transpose of what it pushes forward, and as its matrix does', () => {
    fc.assert(
      fc.property(plans, fc.nat(), (plan, seed) => {
        const network = networkOf({ ...plan, weights: 'normal' });
        const prepared = new PreparedNetwork(network);
        const random = new Random(seed);
        const x = random.normals(prepared.inputs);
        const point = prepared.linearise(x);
        const v = random.normals(x.length);
        const u = random.normals(product(network.tensors[network.output]!.shape));
        const [forwards, backwards] = [point.push(v), point.pull(u)];
        // Saturated functions have slopes that are differences of nearly equal numbers: nothing is left to compare.
        if (dot(forwards, forwards) < 1e-6 * dot(v, v)) return;
        const scale = Math.sqrt(dot(forwards, forwards) * dot(u, u)) + 1e-300;
        expect(Math.abs(dot(u, forwards) - dot(backwards, v)) / scale).toBeLessThan(1e-10);
        const { rows, columns, data } = jacobian(network, x);
        const expected = Float64Array.from({ length: columns }, (_, c) =>
          u.reduce((sum, value, r) => sum + data[r * columns + c]! * value, 0),
        );
        expect(rows).toBe(u.length);
        expect(relativeDifference(backwards, expected)).toBeLessThan(1e-9);
        // Equal entries of a window may be told apart by the last bit: then the derivatives differ rightly.
        if (network.nodes.some((node) => node.operator.kind.includes('max'))) return;
        const naive = linearise(network, x);
        expect(relativeDifference(forwards, push(naive, v))).toBeLessThan(1e-9);
        expect(relativeDifference(backwards, pull(naive, u))).toBeLessThan(1e-9);
      }),
      { numRuns: 40 },
    );
  });

  it('is the limit of difference quotients', () => {
    fc.assert(
      fc.property(plans, fc.nat(), (plan, seed) => {
        const network = networkOf({ ...plan, weights: 'normal' });
        const prepared = new PreparedNetwork(network);
        const random = new Random(seed);
        const x = random.normals(prepared.inputs);
        const v = random.normals(x.length);
        const at = (step: number) =>
          prepared.evaluate(x.map((value, n) => value + step * v[n]!))[network.output]!;
        const [ahead, here, behind] = [at(1e-6), at(0), at(-1e-6)];
        const rise = ahead.map((value, n) => (value - behind[n]!) / 2e-6);
        const bend = Math.max(...ahead.map((value, n) => Math.abs(value - 2 * here[n]! + behind[n]!)));
        const steep = Math.max(...rise.map(Math.abs));
        // Between the points lies a kink, or the output is too flat to measure.
        fc.pre(bend < 1e-10 * steep && steep > 1e-3 * Math.max(...here.map(Math.abs)));
        expect(relativeDifference(prepared.linearise(x).push(v), rise)).toBeLessThan(1e-4);
      }),
      { numRuns: 25 },
    );
  });
});
