/** What the examples are trained and tested on. */

export interface Samples {
  /** [count, size] */
  readonly values: Float32Array;
  /** Numbers in one sample. */
  readonly size: number;
  /** [count], from 0 to classes − 1. */
  readonly labels: Uint8Array;
  readonly classes: number;
}

/** The mulberry32 generator: uniform numbers in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
