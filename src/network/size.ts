/** Numbers of entries and positions of row-major tensors. */
import { movedFrom } from './weights/origin.ts';

export function product(sides: readonly number[]): number {
  return sides.reduce((size, side) => size * side, 1);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((side, axis) => side === b[axis]);
}

/** [n, n, …], once per axis. */
export function everyAxis(axes: number, value: number): number[] {
  return new Array<number>(axes).fill(value);
}

/** Row-major strides: how far apart neighbours along each axis lie. */
export function strides(shape: readonly number[]): number[] {
  const result = everyAxis(shape.length, 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) result[axis] = result[axis + 1]! * shape[axis + 1]!;
  return result;
}

/** All index vectors of a box, in row-major order. */
export function indices(shape: readonly number[]): number[][] {
  const steps = strides(shape);
  return Array.from({ length: product(shape) }, (_, k) => shape.map((n, a) => Math.floor(k / steps[a]!) % n));
}

/** Neighbouring entries of a row-major tensor that share a number of an array of `count`: one per channel, per entry, or one for all. */
export function sharing(count: number, shape: readonly number[]): number {
  return product(shape) / count;
}

/** Numbers for channels or entries of a tensor as numbers for its entries; one for all stays one. */
export function perEntry(values: Float64Array, shape: readonly number[]): Float64Array {
  if (values.length === 1) return values;
  const alike = sharing(values.length, shape);
  const entries = new Float64Array(product(shape)).map((_, n) => values[Math.floor(n / alike)]!);
  return movedFrom(entries, values, () => entries.map((_, n) => Math.floor(n / alike)));
}

/** The least and the largest numbers of every channel, of numbers for its entries; numbers for channels, or one for all, are their own. */
export function perChannel(
  lower: Float64Array,
  upper: Float64Array,
  shape: readonly number[],
): { readonly lower: Float64Array; readonly upper: Float64Array } {
  const channels = shape[0]!;
  if (lower.length <= channels) return { lower, upper };
  const [least, most] = [
    new Float64Array(channels).fill(Infinity),
    new Float64Array(channels).fill(-Infinity),
  ];
  const image = lower.length / channels;
  for (let n = 0; n < lower.length; n++) {
    const c = Math.floor(n / image);
    least[c] = Math.min(least[c]!, lower[n]!);
    most[c] = Math.max(most[c]!, upper[n]!);
  }
  return { lower: least, upper: most };
}

/** The entry of an array with one entry per channel, or one for all. */
export function broadcast(values: Float64Array, channel: number): number {
  return values[values.length === 1 ? 0 : channel]!;
}
