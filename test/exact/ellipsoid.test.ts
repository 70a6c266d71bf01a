/** The bound that branch and bound computes for a node, and its gradient: nothing is proven with them, but a search that is misled is slow. */
import { describe, expect, it } from 'vitest';
import { Ellipsoid } from '../../src/exact/above/ellipsoid.ts';
import { Prover } from '../../src/exact/above/proven.ts';
import { formOf } from '../../src/exact/form/translate.ts';
import { openState } from '../../src/exact/state.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';
import { Random } from '../support/random.ts';

const CASES: readonly (readonly [sizes: readonly number[], activation: Elementwise])[] = [
  [[3, 6, 1], { name: 'relu' }],
  [[3, 5, 6, 1], { name: 'relu' }],
  [[2, 7, 5, 2], { name: 'leaky-relu', slope: 0.1 }],
  [[3, 5, 6, 4, 3], { name: 'relu' }],
  [[4, 5, 5, 5], { name: 'abs' }],
];
const STEP = 1e-5;
/** Of central differences, for bounds of this curvature. */
const CLOSE = 1e-6;

describe.each(CASES)('%j, %j', (sizes, activation) => {
  const random = new Random(sizes.length + sizes[1]!);
  const layers = sizes.slice(1).map((rows, n) => ({
    weight: Array.from({ length: rows }, () => Array.from({ length: sizes[n]! }, () => random.normal())),
    ...(n + 2 < sizes.length && { activation }),
  }));
  const form = formOf(NetworkBuilder.fromDense(layers));
  const state = openState(form);
  // Some units are fixed, on either side.
  for (const u of form.kinks) {
    if (u % 4 === 1) state.first[u] = 1;
    if (u % 4 === 3) state.last[u] = 0;
  }
  const ellipsoid = new Ellipsoid(form);
  ellipsoid.enter(state);
  const theta = Float64Array.from(form.units, () => 0.4 + 0.3 * random.uniform());

  it.each([0, 0.1])('has the gradient of its differences, barrier %d', (barrier) => {
    const gradient = new Float64Array(theta.length);
    ellipsoid.evaluate(theta, barrier, false, gradient);
    const differences = theta.map((_, u) => {
      const at = (step: number) => {
        const moved = theta.slice();
        moved[u]! += step;
        return ellipsoid.evaluate(moved, barrier, false);
      };
      return (at(STEP) - at(-STEP)) / (2 * STEP);
    });
    expect(Math.max(...differences.map(Math.abs))).toBeGreaterThan(1e-3);
    for (const [u, difference] of differences.entries())
      expect(Math.abs(gradient[u]! - difference), `unit ${u}`).toBeLessThan(CLOSE);
  });

  it('is what its multipliers prove, and no more', () => {
    ellipsoid.evaluate(theta, 0, false);
    const scales = ellipsoid.multipliers.map(Math.sqrt);
    const bound = Math.sqrt(ellipsoid.squared);
    const prover = new Prover(form);
    expect(prover.holds(state, scales, bound * (1 + 1e-9))).toBe(true);
    expect(prover.holds(state, scales, bound * (1 - 1e-9))).toBe(false);
  });
});
