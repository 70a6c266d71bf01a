/**
 * Whether a bound holds between the inputs of a part, from multipliers. Increments of units that are not on one piece are m Δy + e σ Δψ with
 * |σ Δψ| ≤ |Δy|; the bound L holds where for some σ > 0 the matrix R that takes (Δx, Δψ) to (Δy / σ, Δoutput / L) has norm below 1:
 *
 *     L² ‖Δx‖² − ‖Δoutput‖² ≥ L² (‖Δx‖² + ‖Δψ‖² − ‖Δy / σ‖² − ‖Δoutput / L‖²) ≥ 0 .
 */
import { matrix, positive, times } from '../checker/matrix.ts';
import { gamma, U, up } from '../checker/numbers.ts';
import { LOST, type Part, type Units } from './rows.ts';

/** Of products of a weight and what an atom is made of. */
const UNDERFLOW = 2 ** -1070;

/** The middle of the slopes that a unit may have, and how far they are from it at most. */
function slopesOf({ pieces }: Units, { first, last }: Part, u: number): [middle: number, spread: number] {
  const own = pieces[u];
  if (!own) return [1, 0];
  let [least, most] = [Infinity, -Infinity];
  for (let p = first[u]!; p <= last[u]!; p++) {
    least = Math.min(least, own.slopes[p]!);
    most = Math.max(most, own.slopes[p]!);
  }
  if (least === most) return [least, 0];
  const middle = least / 2 + most / 2;
  return [middle, up(Math.max(most - middle, middle - least))];
}

/** @param sigma of every unit; of those that are on one piece it is not read. @param bound 0: no output moves at all */
export function isBounded(units: Units, part: Part, sigma: Float64Array, bound: number): boolean {
  const { inputs, outputs, atoms, pieces, rows } = units;
  const count = pieces.length;
  const column = new Int32Array(count).fill(-1);
  let width = inputs;
  for (let u = 0; u < count; u++) if (part.first[u] !== part.last[u]) column[u] = width++;
  const height = width - inputs + outputs;
  const r = matrix(height, width);
  // What atoms are made of, and how far off that may be.
  const made = new Float64Array(atoms * width);
  const off = new Float64Array(atoms * width);
  for (let a = 0; a < inputs; a++) made[a * width + a] = 1;
  const value = new Float64Array(width);
  const error = new Float64Array(width);
  let [row, square, squareOfErrors] = [0, 0, 0];
  for (const [k, { columns, weights, errors }] of rows.entries()) {
    value.fill(0);
    error.fill(0);
    const own = gamma(columns.length + 8);
    for (const [n, a] of columns.entries()) {
      const [w, size] = [weights[n]!, Math.abs(weights[n]!)];
      const [total, doubt] = [size + errors[n]!, size * own + errors[n]!];
      for (let c = 0, from = a * width; c < width; c++, from++) {
        const x = made[from]!;
        if (x === 0 && off[from] === 0) continue;
        value[c]! += w * x;
        error[c]! += total * off[from]! + doubt * Math.abs(x) + UNDERFLOW;
      }
    }
    if (k >= count && bound === 0) {
      if (value.some((x) => x !== 0) || error.some((x) => x !== 0)) return false;
      continue;
    }
    if (k >= count || column[k]! >= 0) {
      const scale = k < count ? sigma[k]! : bound;
      if (!(scale > 0 && scale < Infinity)) return false;
      for (let c = 0; c < width; c++) {
        const entry = value[c]! / scale;
        const lost = (error[c]! / scale) * (1 + own) + 8 * U * Math.abs(entry) + LOST;
        r.data[row * width + c] = entry;
        square += entry * entry;
        squareOfErrors += lost * lost;
      }
      row++;
    }
    if (k >= count) continue;
    const [middle, spread] = slopesOf(units, part, k);
    const to = (inputs + k) * width;
    for (let c = 0; c < width; c++) {
      const x = middle * value[c]!;
      made[to + c] = x;
      // Zero and the identity round nothing.
      const rounded =
        middle === 0 || middle === 1
          ? 0
          : 8 * U * Math.abs(x) + (value[c] === 0 && error[c] === 0 ? 0 : UNDERFLOW);
      off[to + c] = error[c]! === 0 ? rounded : (Math.abs(middle) * error[c]! + rounded) * (1 + 8 * U);
    }
    if (spread > 0) {
      // The column is its own: nothing stood there.
      made[to + column[k]!] = spread * sigma[k]!;
      off[to + column[k]!] = 8 * U * spread * sigma[k]! + UNDERFLOW;
    }
  }
  if (bound === 0) return true;
  const terms = height * width + 16;
  const size = Math.sqrt(square) * (1 + gamma(terms));
  const lost = Math.sqrt(squareOfErrors) * (1 + gamma(terms)) + LOST;
  // ‖RᵀR − R̃ᵀR̃‖, products, and the diagonal.
  const tau = 1.01 * (lost * (2 * size + lost) + gamma(terms) * size * size) + 8 * U;
  if (!(tau < 0.5)) return false;
  const [smaller, larger] = height < width ? [height, width] : [width, height];
  const whole = height < width ? r : matrix(smaller, larger, (i, j) => r.data[j * width + i]!);
  const gram = times(whole, whole, { symmetric: true });
  const rest = matrix(smaller, smaller, (i, j) => (i === j ? 1 - tau : 0) - gram.data[i * smaller + j]!);
  return positive(rest) !== undefined;
}
