/** Ellipsoids around boxes, also where squares and products of what they are made of leave float64. */
import { describe, expect, it } from 'vitest';
import { ellipsoidAround } from '../../../src/ellipsoid/region/limits.ts';

describe('an ellipsoid around a box', () => {
  it.each([
    ['ordinary numbers', [0.1, 2, 0.3], [1, -0.2, 0]],
    ['slopes that are tiny', [1e-90, 2e-90, 1e-90], [1e-100, 3e-120, 0]],
    ['slopes that are barely numbers', [0.1, 0.2, 0.3], [5e-324, 1e-320, 0]],
    ['widths whose squares vanish', [1e-170, 0.5, 1], [1, 1, 1]],
    ['slopes of which one is no number', [1, 2, 3], [Number.NaN, 1, 1]],
    ['slopes beyond all numbers', [1, 2, 3], [1e308, 1e308, Infinity]],
  ])('holds its corners: %s', (_, widths, slopes) => {
    const sigma = ellipsoidAround(Float64Array.from(widths), Float64Array.from(slopes));
    const sum = widths.reduce((all, width, i) => all + (width / Math.sqrt(sigma[i]!)) ** 2, 0);
    expect(sum).toBeLessThanOrEqual(1 + 1e-12);
  });

  it('leaves out what cannot move', () => {
    expect([...ellipsoidAround(Float64Array.of(0, 1), Float64Array.of(5, 1))][0]).toBe(0);
  });
});
