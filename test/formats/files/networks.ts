/** The two networks that all files of this folder hold, built node by node. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NetworkBuilder } from '../../../src/network/builder.ts';
import type { Network } from '../../../src/network/network.ts';

export const FOLDER = fileURLToPath(new URL('.', import.meta.url));

export function file(name: string): Uint8Array {
  return new Uint8Array(readFileSync(`${FOLDER}${name}`));
}

/** As `entries` of make.py. */
export function entries(seed: number, count: number): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, k) => (((k + 1) * 40503 + seed * 9973) % 65536) / 65536 - 0.5,
  );
}

/** 4 → 6 → 5 → 3 with ReLU between. */
export const MLP_LAYERS = [
  { weight: entries(1, 24), bias: entries(2, 6) },
  { weight: entries(3, 30), bias: entries(4, 5) },
  { weight: entries(5, 15), bias: entries(6, 3) },
];

export function mlp(): Network {
  const builder = new NetworkBuilder('mlp');
  let x = builder.input('input', [4]);
  for (const [k, { weight, bias }] of MLP_LAYERS.entries()) {
    if (k > 0) x = builder.add(`relu${k}`, { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
    const inputs = weight.length / bias.length;
    x = builder.add(
      `fc${k + 1}`,
      { kind: 'affine', outputs: bias.length, inputs, weight, bias: Float64Array.from(bias) },
      [x],
    );
  }
  return builder.build(x);
}

/** 2×6×6 → convolution to 3×3×3, batch normalisation, ReLU, fully connected to 4. */
export function cnn(): Network {
  const builder = new NetworkBuilder('cnn');
  const x = builder.input('input', [2, 6, 6]);
  const conv = builder.add(
    'conv',
    {
      ...{ kind: 'convolution', outputs: 3, inputs: 2, groups: 1 },
      ...{ kernel: [3, 3], stride: [2, 2], dilation: [1, 1] },
      padding: { mode: 'zero', before: [1, 1], after: [1, 1] },
      ...{ weight: entries(7, 54), bias: Float64Array.from(entries(8, 3)) },
    },
    [x],
  );
  const one = (seed: number) => entries(seed, 3).map((x) => x + 1);
  const [gamma, beta, mean, variance] = [one(9), entries(10, 3), entries(11, 3), one(12)];
  const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c]! + Math.fround(1e-3)));
  const shift = scale.map((s, c) => beta[c]! - s * mean[c]!);
  const shiftMagnitude = shift.map((s, c) => Math.abs(s) + 2 * Math.abs(scale[c]! * mean[c]!));
  const bn = builder.add('bn', { kind: 'scale', scale, shift, shiftMagnitude, roundings: 3 }, [conv]);
  const relu = builder.add('relu', { kind: 'nonlinearity', function: { name: 'relu' } }, [bn]);
  const flat = builder.add('flat', { kind: 'reindex', permutation: [0, 1, 2], shape: [27] }, [relu]);
  const fc = builder.add(
    'fc',
    {
      ...{ kind: 'affine', outputs: 4, inputs: 27 },
      ...{ weight: entries(13, 108), bias: Float64Array.from(entries(14, 4)) },
    },
    [flat],
  );
  return builder.build(fc);
}
