/**
 * Images of handwritten-looking digits, drawn by this program: strokes with random shift, size, slant, rotation
 * and thickness, and pixel noise. Enough of a task to train small networks on, without any data set.
 */
import { randomNumbers, type Samples } from './samples.ts';

/** Pixels along one side of an image. */
export const SIDE = 14;

type Point = readonly [x: number, y: number];
/** Points joined by straight lines, in a unit square; x to the right, y downwards. */
type Stroke = readonly Point[];

/** `count` images, the ten digits in turn: row-major, 0 is paper, 1 is ink, noise on top. */
export function drawDigits(count: number, seed: number): Samples {
  const random = randomNumbers(seed);
  const images = new Float32Array(count * SIDE * SIDE);
  const labels = new Uint8Array(count);
  for (let k = 0; k < count; k++) {
    const digit = k % 10;
    labels[k] = digit;
    draw(GLYPHS[digit]!, images.subarray(k * SIDE * SIDE, (k + 1) * SIDE * SIDE), random);
  }
  return { values: images, size: SIDE * SIDE, labels, classes: 10 };
}

/** An arc of an ellipse; angles in turns, 0 to the right, growing clockwise on the screen. */
function arc(cx: number, cy: number, rx: number, ry: number, from: number, to: number): Stroke {
  const steps = 16;
  return Array.from({ length: steps + 1 }, (_, k): Point => {
    const angle = 2 * Math.PI * (from + ((to - from) * k) / steps);
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });
}

// biome-ignore format: one digit a line
const GLYPHS: readonly (readonly Stroke[])[] = [
  [arc(0.5, 0.5, 0.32, 0.46, 0, 1)],
  [[[0.35, 0.25], [0.55, 0.04], [0.55, 0.96]]],
  [arc(0.5, 0.3, 0.3, 0.26, 0.5, 1.08), [[0.76, 0.42], [0.2, 0.95], [0.82, 0.95]]],
  [arc(0.45, 0.27, 0.3, 0.23, 0.55, 1.25), arc(0.45, 0.73, 0.34, 0.23, 0.75, 1.45)],
  [[[0.66, 0.96], [0.66, 0.04], [0.15, 0.66], [0.88, 0.66]]],
  [[[0.78, 0.05], [0.3, 0.05], [0.26, 0.45]], arc(0.46, 0.67, 0.32, 0.28, 0.62, 1.42)],
  [[[0.66, 0.04], [0.4, 0.3], [0.24, 0.68]], arc(0.5, 0.7, 0.27, 0.25, 0, 1)],
  [[[0.18, 0.05], [0.82, 0.05], [0.42, 0.96]]],
  [arc(0.5, 0.27, 0.24, 0.22, 0, 1), arc(0.5, 0.73, 0.29, 0.23, 0, 1)],
  [arc(0.5, 0.3, 0.27, 0.25, 0, 1), [[0.76, 0.32], [0.62, 0.96]]],
];

/** Draws one distorted glyph over `image` [SIDE, SIDE]. */
function draw(glyph: readonly Stroke[], image: Float32Array, random: () => number): void {
  const between = (low: number, high: number) => low + (high - low) * random();
  const width = SIDE * between(0.5, 0.68);
  const height = SIDE * between(0.62, 0.8);
  const rotation = between(-0.18, 0.18);
  const slant = between(-0.3, 0.15);
  const centreX = SIDE / 2 + between(-1.4, 1.4);
  const centreY = SIDE / 2 + between(-1.2, 1.2);
  const halfThickness = between(0.5, 0.95);
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  const place = ([x, y]: Point): Point => {
    const v = (y - 0.5) * height;
    const u = (x - 0.5) * width + slant * v;
    return [centreX + cos * u - sin * v, centreY + sin * u + cos * v];
  };
  const placed = glyph.map((stroke) => stroke.map(place));
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const distance = distanceTo(placed, [column + 0.5, row + 0.5]);
      // Ink fades over one pixel around the edge of the stroke.
      const ink = Math.min(1, Math.max(0, halfThickness + 0.5 - distance));
      image[row * SIDE + column] = ink + between(-0.15, 0.15);
    }
  }
}

/** Distance in pixels from a point to the nearest stroke. */
function distanceTo(strokes: readonly Stroke[], [x, y]: Point): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const stroke of strokes) {
    for (let k = 1; k < stroke.length; k++) {
      const [ax, ay] = stroke[k - 1]!;
      const [dx, dy] = [stroke[k]![0] - ax, stroke[k]![1] - ay];
      const along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy);
      const t = Math.min(1, Math.max(0, along));
      nearest = Math.min(nearest, Math.hypot(x - ax - t * dx, y - ay - t * dy));
    }
  }
  return nearest;
}
