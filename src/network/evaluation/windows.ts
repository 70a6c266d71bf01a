/**
 * Which input sample every tap of every window reads: the one place that knows strides, dilations and paddings
 * sample by sample. Evaluation, dense matrices and unrolling read it.
 */
import type { PaddingMode } from '../operator.ts';
import { product } from '../size.ts';

/** Windows sliding over an image; every array has one entry per spatial axis. */
export interface Windows {
  /** Sides of the image they read. */
  readonly sides: readonly number[];
  /** How many windows there are along each axis. */
  readonly counts: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Samples of padding before the image. */
  readonly before: readonly number[];
  readonly mode: PaddingMode;
}

/** `source[window · taps + tap]`: the flat position in the image that the tap reads, or −1 for a zero. */
export interface TapTable {
  readonly windows: number;
  readonly taps: number;
  readonly source: Int32Array;
}

/** All (window, tap) pairs, both row-major. */
export function tapTable(w: Windows): TapTable {
  let windows = 1;
  let taps = 1;
  let source: Int32Array = Int32Array.of(0);
  // One axis after the other: positions so far, times the side, plus the sample along this axis.
  for (let axis = 0; axis < w.sides.length; axis++) {
    const line = axisTable(w, axis);
    const count = w.counts[axis]!;
    const kernel = w.kernel[axis]!;
    const side = w.sides[axis]!;
    const next = new Int32Array(windows * count * taps * kernel);
    let n = 0;
    for (let outer = 0; outer < windows; outer++) {
      for (let j = 0; j < count; j++) {
        for (let tap = 0; tap < taps; tap++) {
          const row = source[outer * taps + tap]!;
          for (let t = 0; t < kernel; t++) {
            const sample = line[j * kernel + t]!;
            next[n++] = row < 0 || sample < 0 ? -1 : row * side + sample;
          }
        }
      }
    }
    source = next;
    windows *= count;
    taps *= kernel;
  }
  return { windows: product(w.counts), taps: product(w.kernel), source };
}

function axisTable(w: Windows, axis: number): Int32Array {
  const kernel = w.kernel[axis]!;
  const line = new Int32Array(w.counts[axis]! * kernel);
  for (let j = 0; j < w.counts[axis]!; j++) {
    for (let t = 0; t < kernel; t++) {
      const position = w.stride[axis]! * j + w.dilation[axis]! * t - w.before[axis]!;
      line[j * kernel + t] = paddedSample(w.mode, position, w.sides[axis]!);
    }
  }
  return line;
}

/** The most windows of one axis that share a sample: taps dilation · t that are congruent modulo the stride. */
export function mostWindowsSharing(kernel: number, stride: number, dilation: number): number {
  return Math.ceil(kernel / (stride / greatestCommonDivisor(stride, dilation)));
}

/**
 * The fewest samples of an axis of `side` samples in any of `count` windows. Where a window starts, what it holds of the axis is a
 * concave function, so that the first or the last one holds the least.
 */
export function fewestSamplesInside(
  kernel: number,
  stride: number,
  before: number,
  side: number,
  count: number,
): number {
  const inside = (window: number) => {
    const start = window * stride - before;
    return Math.min(start + kernel, side) - Math.max(start, 0);
  };
  return Math.min(inside(0), inside(count - 1));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** The sample of an axis of `side` samples that stands at `position` once it is padded; −1 for a zero. */
export function paddedSample(mode: PaddingMode, position: number, side: number): number {
  const inside = position >= 0 && position < side;
  switch (mode) {
    case 'zero':
      return inside ? position : -1;
    case 'circular':
      return ((position % side) + side) % side;
    case 'reflect': // without repeating the edge; pads are shorter than the side
      return inside ? position : position < 0 ? -position : 2 * (side - 1) - position;
    case 'replicate':
      return Math.min(Math.max(position, 0), side - 1);
    default:
      throw new Error(`unknown padding mode ${mode satisfies never}`);
  }
}
