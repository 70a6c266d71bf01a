/** Vectors, as directions and steps. */

/** Sums of squares from here to its inverse have lost nothing to the ends of the range. */
const SAFE = 1e-200;

/** ‖x‖₂, of entries of any size. */
export function norm(x: Float64Array): number {
  let sum = 0;
  for (let n = 0; n < x.length; n++) sum += x[n]! * x[n]!;
  if (sum > SAFE && sum < 1 / SAFE) return Math.sqrt(sum);
  let largest = 0;
  for (const value of x) if (!(Math.abs(value) <= largest)) largest = Math.abs(value);
  if (!(largest > 0 && largest < Infinity)) return largest;
  sum = 0;
  for (const value of x) sum += (value / largest) ** 2;
  return largest * Math.sqrt(sum);
}

/** The unit of steps from x. */
export function size(x: Float64Array): number {
  return norm(x) || 1;
}

/** x / ‖x‖; zero where that is no direction. */
export function unit(x: Float64Array): Float64Array {
  const length = norm(x);
  const result = new Float64Array(x.length);
  if (!(length > 0 && length < Infinity)) return result;
  for (let n = 0; n < x.length; n++) result[n] = x[n]! / length;
  return result;
}

/** x + step · direction */
export function moved(x: Float64Array, step: number, direction: Float64Array): Float64Array {
  const result = new Float64Array(x.length);
  for (let n = 0; n < x.length; n++) result[n] = x[n]! + step * direction[n]!;
  return result;
}
