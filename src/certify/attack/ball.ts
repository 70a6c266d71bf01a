/** Points of an ℓ2 or ℓ∞ ball around a centre that keep limits. */
import type { BallNorm } from '../../network/norms/norm.ts';
import { highAt, type Limits, lowAt } from '../limits.ts';

/** At least the distance of two points: computed in float64, and what its rounding may have lost. */
export function distanceAbove(a: Float64Array, b: Float64Array, norm: BallNorm = '2'): number {
  if (norm === 'inf') {
    return a.reduce((most, x, n) => Math.max(most, Math.abs(x - b[n]!)), 0) * (1 + 2 ** -51) + 2 ** -1000;
  }
  let sum = 0;
  for (let n = 0; n < a.length; n++) sum += (a[n]! - b[n]!) ** 2;
  return Math.sqrt(sum) * (1 + (a.length + 4) * 2 ** -52) + 2 ** -500;
}

/**
 * Moves a point into the ball and the limits, in place. The centre keeps the limits, so that what is cut off by them is nearer to it, and
 * what lies between the two keeps them too.
 */
export function project(
  x: Float64Array,
  centre: Float64Array,
  radius: number,
  limits: Limits | undefined,
  norm: BallNorm = '2',
): void {
  if (limits)
    for (let n = 0; n < x.length; n++) x[n] = Math.min(Math.max(x[n]!, lowAt(limits, n)), highAt(limits, n));
  // A little inside, for what rounding adds.
  const most = radius * (1 - 2 ** -30);
  if (norm === 'inf') {
    for (let n = 0; n < x.length; n++) x[n] = Math.min(Math.max(x[n]!, centre[n]! - most), centre[n]! + most);
    return;
  }
  let sum = 0;
  for (let n = 0; n < x.length; n++) sum += (x[n]! - centre[n]!) ** 2;
  const length = Math.sqrt(sum);
  if (length <= most) return;
  const factor = most / length;
  for (let n = 0; n < x.length; n++) x[n] = centre[n]! + factor * (x[n]! - centre[n]!);
}
