/** Positions on small grids: row-major odometers, used by the naive operators of the tests. */

/** Every index vector of a grid of the given sides, in row-major order. A grid without axes has one position. */
export function positions(sides: readonly number[]): number[][] {
  let all: number[][] = [[]];
  for (const side of sides) {
    all = all.flatMap((prefix) => Array.from({ length: side }, (_, i) => [...prefix, i]));
  }
  return all;
}

/** Row-major offset of a position. */
export function offsetOf(position: readonly number[], sides: readonly number[]): number {
  return sides.reduce((offset, side, axis) => offset * side + position[axis]!, 0);
}

export function volume(sides: readonly number[]): number {
  return sides.reduce((product, side) => product * side, 1);
}
