/** Networks of stated shapes with random weights, the same at every run. */
import { NetworkBuilder } from '../src/network/builder.ts';
import type { Network, TensorId } from '../src/network/network.ts';
import type { Operator } from '../src/network/operator.ts';

/** Standard normal numbers from a fixed seed (xorshift32 and Box–Muller). */
export function normals(seed: number): () => number {
  let state = seed >>> 0 || 1;
  const uniform = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const RELU: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };

/** ECLipsE's random MLPs (Xu & Sivaranjani 2024): `matrices` weight matrices between 4 inputs, hidden layers, 1 output. */
export function eclipse(matrices: number, width: number): Network {
  const next = normals(matrices * 10_007 + width);
  const builder = new NetworkBuilder(`eclipse_${matrices}x${width}`);
  let last = builder.input('x', [4]);
  let inputs = 4;
  for (let k = 1; k <= matrices; k++) {
    const outputs = k === matrices ? 1 : width;
    const weight = Float64Array.from({ length: outputs * inputs }, () => next() / Math.sqrt(inputs));
    last = builder.add(`linear_${k}`, { kind: 'affine', outputs, inputs, weight }, [last]);
    if (k < matrices) last = builder.add(`relu_${k}`, RELU, [last]);
    inputs = outputs;
  }
  return builder.build(last);
}

/**
 * `layers` zero-padded 3×3 convolutions of `channels` channels on 28×28, global mean, linear: the shape of GLipSDP's
 * `cnn_C…_CH…` networks (Pauli et al. 2024).
 */
export function glipsdpCnn(layers: number, channels: number): Network {
  const next = normals(layers * 1009 + channels);
  const builder = new NetworkBuilder(`cnn_C${layers}_CH${channels}`);
  let last = builder.input('image', [1, 28, 28]);
  for (let k = 1, inputs = 1; k <= layers; k++, inputs = channels) {
    last = builder.add(`conv_${k}`, convolution3x3(channels, inputs, next), [last]);
    last = builder.add(`relu_${k}`, RELU, [last]);
  }
  last = builder.add('mean', { kind: 'global-average-pool', sum: false }, [last]);
  const weight = Float64Array.from({ length: 10 * channels }, () => next() / Math.sqrt(channels));
  return builder.build(
    builder.add('linear', { kind: 'affine', outputs: 10, inputs: channels, weight }, [last]),
  );
}

function convolution3x3(outputs: number, inputs: number, next: () => number): Operator {
  return {
    kind: 'convolution',
    outputs,
    inputs,
    groups: 1,
    kernel: [3, 3],
    stride: [1, 1],
    dilation: [1, 1],
    padding: { mode: 'zero', before: [1, 1], after: [1, 1] },
    weight: Float64Array.from({ length: outputs * inputs * 9 }, () => next() * Math.sqrt(2 / (9 * inputs))),
  };
}

/** VGG-16's convolutions (Simonyan & Zisserman 2014) on `side` × `side` images, all 3×3 with padding 1. */
export function vgg16Convolutions(side: number, pooling: boolean, divisor = 1): Network {
  const next = normals(16);
  const builder = new NetworkBuilder(`vgg16_${side}${pooling ? '' : '_unpooled'}`);
  let last: TensorId = builder.input('image', [3, side, side]);
  let inputs = 3;
  const blocks = [
    [64, 64],
    [128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [512, 512, 512],
  ];
  let k = 0;
  for (const block of blocks) {
    for (const channels of block) {
      const outputs = channels / divisor;
      last = builder.add(`conv_${++k}`, convolution3x3(outputs, inputs, next), [last]);
      last = builder.add(`relu_${k}`, RELU, [last]);
      inputs = outputs;
    }
    if (pooling) {
      last = builder.add(
        `pool_${k}`,
        { kind: 'max-pool', kernel: [2, 2], stride: [2, 2], dilation: [1, 1], before: [0, 0], after: [0, 0] },
        [last],
      );
    }
  }
  return builder.build(last);
}
