/** Inputs as images. */

export interface ImageShape {
  readonly height: number;
  readonly width: number;
  /** 1: grey; 3: red, green, blue. */
  readonly channels: 1 | 3;
  /** Entries from one channel of a pixel to the next, and from one pixel to the next. */
  readonly channelStep: number;
  readonly pixelStep: number;
}

/** Sides of what is taken for an image where only the number of entries says so. */
const LEAST_SIDE = 8;

/** What an input of this shape is as an image; undefined where it is none. */
export function imageShape(input: readonly number[]): ImageShape | undefined {
  const sides = input.filter((side, k) => side !== 1 || (k === 0 && input.length === 3));
  if (sides.length === 1) return flat(sides[0]!);
  if (sides.length === 2) return planar(1, sides[0]!, sides[1]!);
  if (sides.length !== 3) return undefined;
  const [a, b, c] = sides as [number, number, number];
  if (a === 1 || a === 3) return planar(a, b, c);
  if (c === 3) return { height: a, width: b, channels: 3, channelStep: 1, pixelStep: 3 };
  return undefined;
}

function planar(channels: 1 | 3, height: number, width: number): ImageShape {
  return { height, width, channels, channelStep: height * width, pixelStep: 1 };
}

function flat(entries: number): ImageShape | undefined {
  for (const channels of [1, 3] as const) {
    const side = Math.sqrt(entries / channels);
    if (Number.isInteger(side) && side >= LEAST_SIDE) return planar(channels, side, side);
  }
  return undefined;
}

/** Pixels of the networks that digits can be drawn for: those of MNIST and of the examples. */
const DRAWN_SIDES = [14, 28];

/** The side of the digits that can be drawn for a network; undefined for others. */
export function drawnSide(input: readonly number[], output: readonly number[]): number | undefined {
  const shape = imageShape(input);
  if (shape?.channels !== 1 || shape.height !== shape.width || output.join() !== '10') return undefined;
  return DRAWN_SIDES.includes(shape.height) ? shape.height : undefined;
}

/** Numbers that are black and white: those of pixels, where an image is about these; else what it spans. */
export function rangeOf(values: Float64Array): readonly [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (const x of values) {
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  if (low >= -0.5 && high <= 1.5) return [0, 1];
  return low < high ? [low, high] : [low - 1, high + 1];
}

/** Draws an image, a pixel of the canvas for each of its own. */
export function paint(
  canvas: HTMLCanvasElement,
  values: Float64Array,
  { height, width, channels, channelStep, pixelStep }: ImageShape,
  [low, high]: readonly [low: number, high: number],
): void {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (!context) return;
  const image = context.createImageData(width, height);
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let c = 0; c < 3; c++) {
      const value = values[pixel * pixelStep + (channels === 3 ? c * channelStep : 0)]!;
      image.data[4 * pixel + c] = (255 * (value - low)) / (high - low);
    }
    image.data[4 * pixel + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
