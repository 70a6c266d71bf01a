import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../src/network/evaluate.ts';
import { simplify } from '../../src/network/simplify.ts';
import { arbitraryNetwork, relativeDifference } from './arbitrary.ts';

describe('simplify', () => {
  test('keeps the function', () => {
    let folded = 0;
    fc.assert(
      fc.property(arbitraryNetwork(10, true), ({ network, x }) => {
        const simplified = simplify(network);
        const before = evaluate(network, x);
        const after = evaluate(simplified, x);
        if (simplified.nodes.length < network.nodes.length) folded++;
        expect(relativeDifference(before, after)).toBeLessThan(1e-9);
      }),
      { numRuns: 3000, seed: 1 },
    );
    expect(folded).toBeGreaterThan(1000);
  });

  test('does nothing the second time', () => {
    fc.assert(
      fc.property(arbitraryNetwork(10, false), ({ network }) => {
        const once = simplify(network);
        expect(simplify(once)).toEqual(once);
      }),
      { numRuns: 300, seed: 2 },
    );
  });
});
