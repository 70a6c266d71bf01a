/** What the checker says of maps between frequencies, against the maps themselves. */
import { describe, expect, it } from 'vitest';
import { Chord, type Gap } from '../../src/certificate/checker/chord.ts';
import { Taps } from '../../src/certificate/checker/symbol.ts';
import { largestDeviation } from '../support/chords.ts';
import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';

/** ε of a filter behind another, both of one channel, in the units of the second's argument. */
function epsilonOf(first: readonly number[], second: readonly number[], frequencies: number): number {
  const chord = new Chord(1, 1);
  const tapsOf = (filter: readonly number[], scale: readonly number[]) => {
    const taps = new Taps(1, 1);
    for (const [t, x] of filter.entries()) taps.at([t], 0, 0)(0, 0, x);
    return { taps, scale: taps.finish(scale, 0) };
  };
  const one = tapsOf(first, [0]);
  const before = chord.through(one.taps, [frequencies]);
  const two = tapsOf(second, one.scale);
  const { stretch, share } = chord.through(two.taps, [frequencies]) as Gap;
  const limit = 1 + (before?.stretch ?? 0);
  return Math.sqrt(share / limit / (1 + 1 / stretch)) * 2 ** two.scale[0]!;
}

describe('what a filter behind another lies off its chord', () => {
  it('is within ε, to which slopes of both contribute', () => {
    const [cosine, sine] = [
      [1, 0, 1],
      [1, 0, -1],
    ];
    expect(largestDeviation(cosine, sine, 4)).toBeCloseTo(1.4, 1);
    expect(epsilonOf(cosine, sine, 4)).toBeGreaterThan(1.4);
    expect(epsilonOf(cosine, sine, 4)).toBeLessThan(6);
  });

  it('is within ε for any filters', () => {
    const random = new Random(4);
    for (let k = 0; k < runs(300); k++) {
      const filter = () => [...random.normals(random.integer(2, 6))];
      const [first, second, frequencies] = [filter(), filter(), random.integer(3, 24)];
      expect(epsilonOf(first, second, frequencies)).toBeGreaterThanOrEqual(
        largestDeviation(first, second, frequencies) * (1 - 1e-9),
      );
    }
  });
});
