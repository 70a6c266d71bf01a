/**
 * The one comparator of the engine tests.
 *
 * Throws unless `actual` has the length of `expected`, is NaN and infinite exactly where it is, and differs from it by at
 * most `tolerance` times the largest finite entry.
 */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what = 'values',
): void {
  if (!(tolerance >= 0 && tolerance <= 1e-4)) {
    throw new Error(`${what}: a tolerance must lie in [0, 1e-4], got ${tolerance}`);
  }
  if (actual.length !== expected.length) {
    throw new Error(`${what}: there must be ${expected.length} numbers, got ${actual.length}`);
  }
  const values = Array.from(expected);
  const size = values.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
  values.forEach((x, i) => {
    const y = actual[i]!;
    const close = Number.isFinite(x) ? Math.abs(y - x) <= tolerance * size : Object.is(y, x);
    if (!close) throw new Error(`${what}: entry ${i} must be ${x} within ${tolerance} of ${size}, got ${y}`);
  });
}
