import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/network/evaluate.ts';
import { jacobian as jacobianOfLibrary } from '../../src/network/jacobian.ts';
import { FAMILIES } from '../support/families.ts';
import { forward, jacobian, jacobianNorm, sampledLowerBound } from '../support/forward.ts';
import { volume } from '../support/grid.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';

const point = (shape: readonly number[], seed: number) => new Random(seed).normals(volume(shape));

/** Largest difference over the largest entry (or 1). */
function distance(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  const size = a.reduce((m, x) => Math.max(m, Math.abs(x)), 1);
  return a.reduce((m, x, i) => (Math.abs(x - b[i]!) <= m ? m : Math.abs(x - b[i]!)), 0) / size;
}

describe.each(Object.entries(FAMILIES))('the naive evaluation of %s', (_, plans) => {
  it('agrees with the library, values and derivatives', () => {
    fc.assert(
      fc.property(plans, fc.nat(), (plan, seed) => {
        const network = networkOf(plan);
        const x = point(network.tensors[network.input]!.shape, seed);
        expect(distance(forward(network, x), evaluate(network, x))).toBeLessThan(1e-12);
        // Identical inputs of a maximum tie, and ties may be broken either way.
        if (network.nodes.some((n) => n.operator.kind.includes('max'))) return;
        expect(distance(jacobian(network, x), jacobianOfLibrary(network, x).data)).toBeLessThan(1e-12);
      }),
      { numRuns: 40 },
    );
  });

  it('has derivatives that are limits of difference quotients', () => {
    fc.assert(
      fc.property(plans, fc.nat(), (plan, seed) => {
        const network = networkOf(plan);
        const shape = network.tensors[network.input]!.shape;
        const x = point(shape, seed);
        const direction = point(shape, seed + 1);
        const step = 1e-6;
        const ahead = forward(network, x.map((value, i) => value + step * direction[i]!));
        const behind = forward(network, x.map((value, i) => value - step * direction[i]!));
        const quotient = ahead.map((value, i) => (value - behind[i]!) / (2 * step));
        const matrix = jacobian(network, x);
        const product = ahead.map((_, i) =>
          direction.reduce((sum, d, j) => sum + d * matrix[i * direction.length + j]!, 0),
        );
        // A kink within the step spoils the quotient: rare, and never by more than the bound allows.
        fc.pre(distance(forward(network, x), ahead) < 1);
        return distance(product, quotient) < 1e-3 || hasKinks(network.nodes.map((n) => n.operator.kind));
      }),
      { numRuns: 20 },
    );
  });
});
