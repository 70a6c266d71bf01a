/** Entries that lie in one array are placed as those that are told one by one. */
import { describe, expect, it } from 'vitest';
import { placeConvolution, scaleOf, TapBuilder, type TapKernel, type Taps } from '../../src/spectrum/taps.ts';
import { Random } from '../support/random.ts';

const KERNEL = [3, 2];
const OUTPUTS = 3;
const INPUTS = 2;

/** Small whole numbers, of which some are zero and some cancel. */
function kernelOf(random: Random, withTable: boolean): TapKernel {
  const size = KERNEL[0]! * KERNEL[1]!;
  const weight = Float32Array.from({ length: OUTPUTS * INPUTS * size }, () => random.integer(-2, 2));
  const [byOutput, byInput] = [INPUTS * size, size];
  return {
    sides: KERNEL,
    entries: (t, put) => {
      for (let o = 0; o < OUTPUTS; o++) {
        for (let i = 0; i < INPUTS; i++) {
          const value = weight[o * byOutput + i * byInput + t]!;
          if (value !== 0) put(o, i, value);
        }
      }
    },
    ...(withTable && { table: { weight, outputs: OUTPUTS, inputs: INPUTS, byOutput, byInput } }),
  };
}

/** Two convolutions that are added up, in a block matrix that is larger. */
function taps(seed: number, withTable: boolean, transposed: boolean, lift: readonly number[]): Taps {
  const random = new Random(seed);
  const phases = lift[0]! * lift[1]!;
  const ones = [1, 1];
  const [from, to] = transposed ? [ones, lift] : [lift, ones];
  const [rows, columns] = [2 + OUTPUTS * phases, 1 + INPUTS * phases];
  const builder = new TapBuilder(rows, columns, 2);
  const block = { row: 2, column: 1, columns, rowStride: OUTPUTS, columnStride: INPUTS };
  const geometry = { stride: lift, dilation: [1, 2], before: [1, 1], transposed };
  for (let k = 0; k < 2; k++)
    placeConvolution(builder, block, kernelOf(random, withTable), geometry, from, to);
  return builder.build();
}

describe('taps of kernels', () => {
  it.each([
    ['plain', false, [1, 1]],
    ['lifted', false, [2, 1]],
    ['transposed', true, [2, 3]],
  ] as const)('%s', (_, transposed, lift) => {
    let uncertain = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const one = taps(seed, false, transposed, lift);
      expect(taps(seed, true, transposed, lift)).toEqual(one);
      expect(one.matrices.some((x) => x !== 0)).toBe(true);
      if (one.magnitudes) uncertain++;
    }
    expect(uncertain).toBeGreaterThan(0);
  });
});

describe('the scale of taps', () => {
  it('is none of a map with a number that is none, wherever it stands, and that does not vanish', () => {
    for (const place of [0, 1, 2, 3, 4]) {
      const values = new Float64Array(5);
      values[place] = Number.NaN;
      expect(scaleOf([values], []), `at ${place}`).toMatchObject({ exponent: 0, vanishes: false });
      values[(place + 2) % 5] = 8;
      expect(scaleOf([values], []), `at ${place}`).toMatchObject({ exponent: 0, vanishes: false });
    }
    expect(scaleOf([Float64Array.of(0, -9, 3)], [])).toMatchObject({ exponent: 3, vanishes: false });
    expect(scaleOf([new Float64Array(5)], []).vanishes).toBe(true);
  });
});
