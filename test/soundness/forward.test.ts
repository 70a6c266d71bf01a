/** The yardstick itself: the tests' own evaluation and derivatives against the library's and against difference quotients. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import { jacobian as jacobianOfLibrary } from '../../src/network/evaluation/jacobian.ts';
import type { Network } from '../../src/network/network.ts';
import { FAMILIES } from '../support/families.ts';
import {
  forward,
  jacobian,
  jacobianNorm,
  linearise,
  pull,
  push,
  sampledLowerBound,
} from '../support/forward.ts';
import { volume } from '../support/grid.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';

function inputPoint(network: Network, seed: number): Float64Array {
  return new Random(seed).normals(volume(network.tensors[network.input]!.shape));
}

/** Largest difference over the largest entry of either. NaN where an entry is. */
function distance(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  const largest = Math.max(1e-300, ...a.map(Math.abs), ...b.map(Math.abs));
  return Math.max(...a.map((x, i) => Math.abs(x - b[i]!))) / largest;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

describe.each(Object.entries(FAMILIES))('the naive evaluation of %s', (_, plans) => {
  it('agrees with the library, values and derivatives', () => {
    fc.assert(
      fc.property(plans, fc.nat(), (plan, seed) => {
        // Chains of gains far from one amplify rounding: compare where they do not.
        const network = networkOf({ ...plan, weights: 'normal' });
        const x = inputPoint(network, seed);
        expect(distance(forward(network, x), evaluate(network, x))).toBeLessThan(1e-9);
        // Equal entries of a window may be told apart by the last bit: then the derivatives differ rightly.
        if (network.nodes.some((node) => node.operator.kind.includes('max'))) return;
        expect(distance(jacobian(network, x), jacobianOfLibrary(network, x).data)).toBeLessThan(1e-9);
      }),
      { numRuns: 40 },
    );
  });

  it('has derivatives that are the limits of difference quotients', () => {
    fc.assert(
      fc.property(plans, fc.nat(), (plan, seed) => {
        const network = networkOf({ ...plan, weights: 'normal' });
        const x = inputPoint(network, seed);
        const direction = inputPoint(network, seed + 1);
        const step = 1e-5;
        const ahead = x.map((value, i) => value + step * direction[i]!);
        const behind = x.map((value, i) => value - step * direction[i]!);
        const slope = (at: Float64Array) => push(linearise(network, at), direction);
        // Between the two points lies a kink.
        fc.pre(distance(slope(ahead), slope(behind)) < 1e-3);
        const before = forward(network, behind);
        const rise = forward(network, ahead).map((value, i) => value - before[i]!);
        // Too flat to measure: saturated, or no longer dependent on the input.
        fc.pre(Math.max(...rise.map(Math.abs)) > 1e-6 * step);
        expect(
          distance(
            slope(x),
            rise.map((value) => value / (2 * step)),
          ),
        ).toBeLessThan(2e-3);
      }),
      { numRuns: 25 },
    );
  });

  it('pulls back with the transpose of what it pushes forward', () => {
    fc.assert(
      fc.property(plans, fc.nat(), (plan, seed) => {
        const network = networkOf({ ...plan, weights: 'normal' });
        const point = linearise(network, inputPoint(network, seed));
        const v = inputPoint(network, seed + 1);
        const w = new Random(seed + 2).normals(point.value.length);
        const forwards = push(point, v);
        const scale = Math.sqrt(dot(forwards, forwards) * dot(w, w)) + 1e-300;
        expect(Math.abs(dot(w, forwards) - dot(pull(point, w), v)) / scale).toBeLessThan(1e-9);
      }),
      { numRuns: 25 },
    );
  });
});

it('the naive evaluation knows slopes of every entry', () => {
  const builder = new NetworkBuilder('slopes');
  const slopes = Float64Array.of(0.5, -2, 3, 0.25, 7, 1);
  const x = builder.input('x', [2, 3]);
  const network = builder.build(
    builder.add('y', { kind: 'nonlinearity', function: { name: 'prelu', slopes } }, [x]),
  );
  const below = new Float64Array(6).fill(-1);
  const value = forward(network, below);
  expect(value).toEqual(slopes.map((slope) => -slope));
  expect(distance(value, evaluate(network, below))).toBe(0);
  expect(distance(jacobian(network, below), jacobianOfLibrary(network, below).data)).toBe(0);
});

describe('the sampled lower bound', () => {
  const shear = Float64Array.of(1, 3, 0, 1);
  /** The largest singular value of [[1, 3], [0, 1]]: s − 1/s = 3. */
  const norm = (3 + Math.sqrt(13)) / 2;

  it('is the spectral norm of a linear network', () => {
    const network = linearNetwork(shear);
    expect(jacobianNorm(network, Float64Array.of(0.3, -2))).toBeCloseTo(norm, 12);
    expect(sampledLowerBound(network, 4, 1)).toBeCloseTo(norm, 12);
  });

  it('finds the steep part of a network that is flat almost everywhere', () => {
    const plan = {
      channels: 2,
      sides: [],
      layers: [],
      mode: 'zero',
      end: 'none',
      weights: 'normal',
      biases: false,
      seed: 1,
    } as const;
    const flat = networkOf({
      ...plan,
      layers: [
        { kind: 'nonlinearity', function: { name: 'clip', min: 1, max: 1.2 } },
        { kind: 'affine', outputs: 1 },
      ],
    });
    expect(sampledLowerBound(flat, 40, 7)).toBeGreaterThan(0);
  });
});

function linearNetwork(weight: Float64Array): Network {
  return {
    name: 'linear',
    tensors: [
      { name: 'x', shape: [2] },
      { name: 'y', shape: [2] },
    ],
    nodes: [
      { name: 'y', operator: { kind: 'affine', inputs: 2, outputs: 2, weight }, inputs: [0], output: 1 },
    ],
    input: 0,
    output: 1,
  };
}
