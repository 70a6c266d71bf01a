/** Numbers of entries and positions of row-major tensors. */

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

/** The entry of an array with one entry per channel, or one for all. */
export function broadcast(values: Float64Array, channel: number): number {
  return values[values.length === 1 ? 0 : channel]!;
}
