/** What branch and bound says of its linear programs, against HiGHS. */
import { describe, expect, it } from 'vitest';
import { domainOf, everywhere } from '../../src/exact/domain.ts';
import { Cone } from '../../src/exact/empty/cone.ts';
import { MinimumNorm } from '../../src/exact/empty/minimumNorm.ts';
import { formOf } from '../../src/exact/form/translate.ts';
import { RangePass, unknownRanges } from '../../src/exact/ranges.ts';
import { openState } from '../../src/exact/state.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { Random } from '../support/random.ts';
import { largestMargin } from './highs.ts';

/** Margins nearer to 0 are left to rounding. */
const NEAR = 1e-6;
const FUNCTIONS = [
  { name: 'relu' },
  { name: 'abs' },
  { name: 'leaky-relu', slope: 0.2 },
  { name: 'clip', min: -1, max: 0.5 },
] as const;

describe('cones of nodes', () => {
  it('have an inside where HiGHS finds one', { timeout: 120_000 }, async () => {
    const counts = { inside: 0, empty: 0 };
    for (let k = 0; k < 160; k++) {
      const random = new Random(k);
      const sizes = [3, 6, 6, 2];
      const activation = FUNCTIONS[k % FUNCTIONS.length]!;
      const form = formOf(
        NetworkBuilder.fromDense(
          sizes.slice(1).map((rows, n) => ({
            weight: Array.from({ length: rows }, () => [...random.normals(sizes[n]!)]),
            bias: random.normals(rows, 0.5),
            ...(n < 2 && { activation }),
          })),
        ),
      );
      const side = (at: number) => new Float64Array(3).fill(at);
      const domain = k % 3 === 0 ? everywhere(3) : domainOf(3, { low: side(-1), high: side(1) }, undefined);
      const state = openState(form);
      for (const u of form.kinks) {
        if (random.uniform() < 0.4) continue;
        if (random.uniform() < 0.5) state.first[u] = 1;
        else state.last[u] = 0;
      }
      const ranges = unknownRanges(form);
      if (!new RangePass(form, domain).narrow(state, ranges)) continue;
      const cone = new Cone(form, domain);
      cone.build(state, ranges, 2);
      const outcome = new MinimumNorm().solve(cone, undefined, false);
      const margin = await largestMargin(cone.matrix, cone.rows, cone.columns);
      if (Math.abs(margin) < NEAR && outcome !== 'empty') continue;
      expect(outcome, `network ${k}, margin ${margin}`).toBe(margin > NEAR ? 'inside' : 'empty');
      counts[margin > NEAR ? 'inside' : 'empty']++;
    }
    expect(counts.inside).toBeGreaterThan(20);
    expect(counts.empty).toBeGreaterThan(20);
  });
});
