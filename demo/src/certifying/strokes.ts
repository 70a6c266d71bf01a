/** What a pen has drawn, as the pixels of a network's input. */

/** In units of the side of the image: x to the right, y downwards. */
export type Point = readonly [x: number, y: number];
export type Stroke = readonly Point[];

/** Half of a pen's width, of the side. */
const HALF_THICKNESS = 0.052;

/** [side, side], row-major: 0 is paper, 1 is ink, which fades over one pixel around the edge of a stroke. */
export function pixelsOf(strokes: readonly Stroke[], side: number): Float64Array {
  const pixels = new Float64Array(side * side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const distance = side * distanceTo(strokes, (column + 0.5) / side, (row + 0.5) / side);
      const ink = HALF_THICKNESS * side + 0.5 - distance;
      pixels[row * side + column] = Math.min(1, Math.max(0, ink));
    }
  }
  return pixels;
}

/** From a point to the nearest stroke; a stroke of one point is a dot. */
function distanceTo(strokes: readonly Stroke[], x: number, y: number): number {
  let nearest = Infinity;
  for (const stroke of strokes) {
    for (const [k, [bx, by]] of stroke.entries()) {
      const [ax, ay] = stroke[Math.max(0, k - 1)]!;
      const [dx, dy] = [bx - ax, by - ay];
      const squared = dx * dx + dy * dy;
      const along = squared > 0 ? ((x - ax) * dx + (y - ay) * dy) / squared : 0;
      const t = Math.min(1, Math.max(0, along));
      nearest = Math.min(nearest, Math.hypot(x - ax - t * dx, y - ay - t * dy));
    }
  }
  return nearest;
}
