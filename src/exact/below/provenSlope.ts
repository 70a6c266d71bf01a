/**
 * A slope that is attained, rounding included: arguments of units and their derivatives along v, each with how far off it may be. At a break that
 * rounding does not tell an argument from, slopes of both pieces are enclosed; the slope is then one of points as near as one likes
 * (`src/network/evaluation/enclosure.ts` has the reasons).
 */
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import type { Form } from '../form/form.ts';
import { pieceAt } from '../form/pieces.ts';
import { gamma, LOST, UNDERFLOW } from '../rounding.ts';

/** Sums of squares from which on relative errors are those of float64, whatever has vanished beside. */
const SMALLEST = 2 ** -900;

/** Not above ‖J v‖ / ‖v‖ at `x`; 0 where nothing can be said. */
export function provenSlope(
  { inputs, outputs, units, atoms, weight, weightError, bias, biasError }: Form,
  x: Float64Array,
  v: Float64Array,
): number {
  const value = new Float64Array(atoms);
  const valueOff = new Float64Array(atoms);
  const tangent = new Float64Array(atoms);
  const tangentOff = new Float64Array(atoms);
  value.set(x);
  tangent.set(v);
  const rounding = gamma(atoms + 4);
  let square = 0;
  for (let row = 0; row < units.length + outputs; row++) {
    const readable = row < units.length ? inputs + row : atoms;
    let [y, yOff, t, tOff] = [bias[row]!, (biasError?.[row] ?? 0) + Math.abs(bias[row]!) * rounding, 0, 0];
    for (let a = 0, at = row * atoms; a < readable; a++, at++) {
      const w = weight[at]!;
      const uncertain = weightError ? weightError[at]! : 0;
      if (w === 0 && uncertain === 0) continue;
      y += w * value[a]!;
      t += w * tangent[a]!;
      const [own, absolute] = [Math.abs(w) * rounding + uncertain, Math.abs(w) + uncertain];
      yOff += own * Math.abs(value[a]!) + absolute * valueOff[a]! + LOST;
      tOff += own * Math.abs(tangent[a]!) + absolute * tangentOff[a]! + LOST;
    }
    yOff *= 1 + 2 * rounding;
    // Beyond float64 nobody knows on which piece it is.
    if (row < units.length && !(Math.abs(y) + yOff < Infinity)) return 0;
    tOff *= 1 + 2 * rounding;
    if (row >= units.length) {
      square += Math.max(0, Math.abs(t) - tOff) ** 2;
      continue;
    }
    const atom = inputs + row;
    const { pieces } = units[row]!;
    if (!pieces) {
      value[atom] = y;
      valueOff[atom] = yOff;
      tangent[atom] = t;
      tangentOff[atom] = tOff;
      continue;
    }
    const { slopes, offsets } = pieces;
    const piece = pieceAt(pieces, y);
    let [least, most] = [Infinity, -Infinity];
    for (let p = pieceAt(pieces, y - yOff); p <= pieceAt(pieces, y + yOff); p++) {
      least = Math.min(least, slopes[p]!);
      most = Math.max(most, slopes[p]!);
    }
    const steepest = Math.max(Math.abs(least), Math.abs(most));
    const z = slopes[piece]! * y + offsets[piece]!;
    value[atom] = z;
    valueOff[atom] =
      (steepest * yOff + 2 * U * (Math.abs(slopes[piece]! * y) + Math.abs(z))) * (1 + 4 * U) + UNDERFLOW;
    const middle = least === most ? least : least / 2 + most / 2;
    tangent[atom] = middle * t;
    const spread = least === most ? 0 : ((most - least) / 2) * (1 + 4 * U);
    tangentOff[atom] =
      ((Math.abs(middle) + spread) * tOff + spread * Math.abs(t) + 2 * U * Math.abs(tangent[atom]!)) *
        (1 + 4 * U) +
      UNDERFLOW;
  }
  let length = 0;
  for (const entry of v) length += entry * entry;
  // Smaller squares have lost digits.
  if (!(square > SMALLEST && length > SMALLEST)) return 0;
  const slope = Math.sqrt(square / length) * (1 - (outputs + inputs + 20) * 2 ** -52);
  return slope > 0 && slope < Infinity ? slope : 0;
}
