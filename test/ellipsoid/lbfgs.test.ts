/** How the minimiser says that it has ended. */
import { describe, expect, it } from 'vitest';
import { minimise, type Point } from '../../src/ellipsoid/search/lbfgs.ts';

const settings = { memory: 5, largestMove: 1, tolerance: 1e-12 };

/** ½ Σ k x_k² */
async function bowl(x: Float64Array): Promise<Point> {
  const value = x.reduce((sum, v, k) => sum + 0.5 * (k + 1) * v * v, 0);
  return { x, value, gradient: x.map((v, k) => (k + 1) * v) };
}

describe('minimise', () => {
  it('converges where there is a minimum', async () => {
    const start = await bowl(Float64Array.of(3, -2, 1));
    const { best, ending } = await minimise(bowl, start, { ...settings, proceed: () => true });
    expect(ending).toBe('converged');
    expect(best.value).toBeLessThan(1e-10);
  });

  it('is stopped, not converged, where its evaluations end within a line search', async () => {
    let left = 2;
    // No step is ever good enough.
    const wall = async (x: Float64Array): Promise<Point> => {
      left--;
      return { ...(await bowl(x)), value: Number.POSITIVE_INFINITY };
    };
    const start = await bowl(Float64Array.of(3, -2, 1));
    const { best, ending } = await minimise(wall, start, { ...settings, proceed: () => left > 0 });
    expect(ending).toBe('stopped');
    expect(best).toBe(start);
  });
});
