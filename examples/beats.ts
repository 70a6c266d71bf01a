/**
 * Signals that look like single heartbeats of an electrocardiogram, drawn by this program: four shapes with random place, size and pace, on a
 * wandering baseline with noise. Enough of a task to train a small one-dimensional network on, without any data set.
 */
import { randomNumbers, type Samples } from './samples.ts';

/** Samples in one signal. */
export const LENGTH = 128;

/** One bump of a beat: a bell curve. */
interface Wave {
  /** Of its middle, in samples from the middle of the beat. */
  readonly at: number;
  readonly height: number;
  /** Standard deviation, in samples. */
  readonly width: number;
}

// biome-ignore format: one wave a line
const SHAPES: readonly (readonly Wave[])[] = [
  // Normal: a small wave, a sharp spike between two dips, a slow wave.
  [
    { at: -18, height: 0.2, width: 4 },
    { at: -5, height: -0.15, width: 1.6 },
    { at: 0, height: 1, width: 2 },
    { at: 5, height: -0.25, width: 1.8 },
    { at: 22, height: 0.35, width: 6 },
  ],
  // Wide: a broad spike, and the slow wave upside down.
  [
    { at: 0, height: 0.9, width: 5 },
    { at: 11, height: -0.35, width: 5 },
    { at: 28, height: -0.3, width: 7 },
  ],
  // Notched: two spikes close together.
  [
    { at: -18, height: 0.2, width: 4 },
    { at: -4, height: 0.75, width: 2.2 },
    { at: 5, height: 0.8, width: 2.4 },
    { at: 24, height: 0.3, width: 6 },
  ],
  // Dropped: the small wave comes twice, the spike does not.
  [
    { at: -18, height: 0.25, width: 4 },
    { at: 20, height: 0.25, width: 4 },
  ],
];

/** `count` signals, the four shapes in turn; a spike is about 1 high. */
export function drawBeats(count: number, seed: number): Samples {
  const random = randomNumbers(seed);
  const values = new Float32Array(count * LENGTH);
  const labels = new Uint8Array(count);
  for (let k = 0; k < count; k++) {
    const shape = k % SHAPES.length;
    labels[k] = shape;
    draw(SHAPES[shape]!, values.subarray(k * LENGTH, (k + 1) * LENGTH), random);
  }
  return { values, size: LENGTH, labels, classes: SHAPES.length };
}

/** Writes one distorted beat over `signal`. */
function draw(waves: readonly Wave[], signal: Float32Array, random: () => number): void {
  const between = (low: number, high: number) => low + (high - low) * random();
  const middle = LENGTH / 2 + between(-20, 20);
  const pace = between(0.8, 1.25);
  const size = between(0.7, 1.3);
  const wander = between(0.05, 0.2);
  const phase = between(0, 1);
  const bent = waves.map((wave) => ({ ...wave, height: wave.height * size * between(0.8, 1.2) }));
  for (let n = 0; n < LENGTH; n++) {
    const beat = bent.reduce(
      (sum, { at, height, width }) =>
        sum + height * Math.exp(-0.5 * ((n - middle - pace * at) / (pace * width)) ** 2),
      0,
    );
    const baseline = wander * Math.sin(2 * Math.PI * (n / LENGTH + phase));
    signal[n] = beat + baseline + between(-0.15, 0.15);
  }
}
