/** Comparators sort. */
import { describe, expect, it } from 'vitest';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import { withComparators } from '../../src/network/simplify/comparators.ts';
import { Random } from '../support/random.ts';

describe('comparators', () => {
  it.each(Array.from({ length: 20 }, (_, k) => k + 1).concat([31, 32, 33, 64]))('sort %i entries', (n) => {
    const random = new Random(n);
    for (const descending of [true, false]) {
      const b = new NetworkBuilder('sort');
      const order = [...Array(n + 2).keys()].sort(() => random.uniform() - 0.5);
      const groups = [Int32Array.from(order.slice(0, n)), Int32Array.from(order.slice(n))];
      const f = { name: 'sort', descending } as const;
      const x = b.input('x', [n + 2, 2]);
      const network = b.build(b.add('sort', { kind: 'grouped', function: f, groups, wide: false }, [x]));
      const compared = withComparators(network);
      expect(compared.nodes.some(({ operator }) => operator.kind === 'grouped')).toBe(false);
      for (let k = 0; k < 5; k++) {
        // Small integers: ties, and no rounding.
        const at = Float64Array.from({ length: 2 * n + 4 }, () => random.integer(-n, n));
        expect(evaluate(compared, at)).toEqual(evaluate(network, at));
      }
    }
  });

  it('leave larger groups as they are', () => {
    const b = new NetworkBuilder('sort');
    const groups = [Int32Array.from({ length: 65 }, (_, k) => k)];
    const f = { name: 'sort', descending: true } as const;
    const network = b.build(
      b.add('sort', { kind: 'grouped', function: f, groups, wide: false }, [b.input('x', [65])]),
    );
    expect(withComparators(network)).toBe(network);
  });
});
