/**
 * A slope that is attained: values and their derivatives along v, each with how far it may be off. At a break that rounding does not tell an
 * argument from the slopes of both pieces are taken; the slope is then one of points as near as one likes.
 */
import { gamma, U } from '../checker/numbers.ts';
import { type Domain, LOST, LOST_ROOT, type Units } from './rows.ts';

/** Sums of squares from which on relative errors are those of float64, whatever has vanished beside. */
const SMALLEST = 2 ** -900;

/** Not above ‖J v‖ / ‖v‖ at x; 0 where nothing is proven. */
export function slopeAt(
  { inputs, outputs, atoms, pieces, rows }: Units,
  x: Float64Array,
  v: Float64Array,
): number {
  const [value, off] = [new Float64Array(atoms), new Float64Array(atoms)];
  const [tangent, doubt] = [new Float64Array(atoms), new Float64Array(atoms)];
  value.set(x);
  tangent.set(v);
  let square = 0;
  for (const [row, { columns, weights, errors, bias, biasError }] of rows.entries()) {
    const rounding = gamma(columns.length + 8);
    let [y, yOff, t, tOff] = [bias, biasError + Math.abs(bias) * rounding, 0, 0];
    for (const [k, a] of columns.entries()) {
      const [w, size] = [weights[k]!, Math.abs(weights[k]!)];
      y += w * value[a]!;
      t += w * tangent[a]!;
      const own = size * rounding + errors[k]!;
      yOff += own * Math.abs(value[a]!) + (size + errors[k]!) * off[a]! + LOST;
      tOff += own * Math.abs(tangent[a]!) + (size + errors[k]!) * doubt[a]! + LOST;
    }
    yOff *= 1 + 2 * rounding;
    tOff *= 1 + 2 * rounding;
    if (row >= pieces.length) {
      const least = Math.max(0, Math.abs(t) - tOff);
      square += least * least;
      continue;
    }
    const own = pieces[row];
    const atom = inputs + row;
    // Beyond float64 nobody knows on which piece it is.
    if (!(Math.abs(y) + yOff < Infinity)) return 0;
    let [least, most, z] = [1, 1, y];
    if (own) {
      [least, most] = [Infinity, -Infinity];
      for (const [p, slope] of own.slopes.entries()) {
        const from = p === 0 ? -Infinity : own.breaks[p - 1]!;
        const to = p === own.breaks.length ? Infinity : own.breaks[p]!;
        if (from <= y && y <= to) z = slope * y + own.offsets[p]!;
        if (y + yOff < from || y - yOff > to) continue;
        least = Math.min(least, slope);
        most = Math.max(most, slope);
      }
    }
    const steepest = Math.max(Math.abs(least), Math.abs(most));
    const [middle, spread] = [least / 2 + most / 2, (most / 2 - least / 2) * (1 + 4 * U)];
    value[atom] = z;
    off[atom] = own
      ? steepest * yOff * (1 + 4 * U) + 4 * U * (steepest * Math.abs(y) + Math.abs(z)) + LOST
      : yOff;
    tangent[atom] = middle * t;
    doubt[atom] = own
      ? ((Math.abs(middle) + spread) * tOff + spread * Math.abs(t) + 4 * U * Math.abs(middle * t)) *
          (1 + 8 * U) +
        LOST
      : tOff;
  }
  let length = 0;
  for (const entry of v) length += entry * entry;
  if (!(square > SMALLEST && length > SMALLEST)) return 0;
  const slope = Math.sqrt(square / length) * (1 - (outputs + inputs + 24) * 2 ** -52);
  return slope > 0 && slope < Infinity ? slope : 0;
}

/** Whether a point is inside of a domain, with as much room as rounding needs. */
export function isInside({ low, high, ball }: Domain, x: Float64Array): boolean {
  if (!x.every((entry, n) => entry > low[n]! && entry < high[n]!)) return false;
  if (!ball) return true;
  let square = 0;
  for (const [n, entry] of x.entries()) {
    const distance = entry - ball.centre[n]!;
    square += distance * distance;
  }
  return (Math.sqrt(square) + x.length * LOST_ROOT) * (1 + gamma(x.length + 16)) < ball.radius;
}
