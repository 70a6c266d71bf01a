/** No entry of a tensor exceeds its magnitude. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import { largestModulus } from '../../src/network/extremes.ts';
import type { Network } from '../../src/network/network.ts';
import { type Magnitude, magnitudeOf, UNKNOWN } from '../../src/network/norms/magnitudes.ts';
import { prune } from '../../src/network/prune.ts';
import { arbitraryNetwork } from './arbitrary.ts';

function magnitudes({ nodes, tensors, input }: Network, start: Magnitude): Map<number, Magnitude> {
  const found = new Map([[input, start]]);
  for (const { operator, inputs, output } of nodes) {
    const known = inputs.map((id) => found.get(id)!);
    found.set(output, magnitudeOf(operator, known, tensors[inputs[0]!]!.shape));
  }
  return found;
}

it('of every operator, of inputs within a box and of any', () => {
  let [told, near] = [0, 0];
  fc.assert(
    fc.property(arbitraryNetwork(6, true), ({ network, x }) => {
      for (const most of [1, Number.POSITIVE_INFINITY]) {
        const point = x.map((value) => (most === 1 ? Math.sign(value) : 1e3 * value));
        const start = most === 1 ? { most, ofLength: false } : UNKNOWN;
        for (const [id, { most: limit }] of magnitudes(network, start)) {
          if (id === network.input || limit === Number.POSITIVE_INFINITY) continue;
          const size = largestModulus(evaluate(prune({ ...network, output: id }), point));
          expect(size).toBeLessThanOrEqual(limit);
          told++;
          if (size > 0.5 * limit) near++;
        }
      }
    }),
    { numRuns: 100 },
  );
  expect(told).toBeGreaterThan(200);
  expect(near).toBeGreaterThan(0.1 * told);
});

it('of a sum over positions is one of its length', () => {
  const b = new NetworkBuilder('sums');
  const x = b.add('', { kind: 'nonlinearity', function: { name: 'tanh' } }, [b.input('x', [2, 5])]);
  const mean = b.add('', { kind: 'global-average-pool', sum: false }, [x]);
  const sum = b.add('', { kind: 'global-average-pool', sum: true }, [x]);
  expect(b.magnitude(mean)).toEqual({ most: 1, ofLength: false });
  expect(b.magnitude(sum).most).toBeCloseTo(5, 4);
  expect(b.magnitude(sum).ofLength).toBe(true);
  const gate = b.add('', { kind: 'nonlinearity', function: { name: 'sigmoid' } }, [sum]);
  expect(b.magnitude(gate)).toEqual({ most: 1, ofLength: false });
});

it('of what has cancelled, or left float64, is not 0', () => {
  const b = new NetworkBuilder('nothing');
  const bounded = b.add('', { kind: 'nonlinearity', function: { name: 'tanh' } }, [b.input('x', [1])]);
  const scale = (input: number, factor: number, more: object = {}) =>
    b.add('', { kind: 'scale', scale: Float64Array.of(factor), ...more }, [input]);
  // The shift is a difference of numbers of 1e20, which is off by some 1e4.
  const apart = { shift: Float64Array.of(0), shiftMagnitude: Float64Array.of(1e20), roundings: 4 };
  expect(b.magnitude(scale(bounded, 1, apart)).most).toBeGreaterThan(1e5);
  // 1e-400 · 1e250 · 1e250 is 1e100.
  const back = [1e-200, 1e-200, 1e250, 1e250].reduce((x, factor) => scale(x, factor), bounded);
  expect(b.magnitude(back).most).toBeGreaterThan(1e100);
});
