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

/** Size of an ImageNet classifier where it is not the published one. */
export interface Size {
  /** Side of the square input image in pixels; default: the published one. */
  readonly side?: number;
  /** Divides all channels and hidden features, but not the classes. */
  readonly divisor?: number;
}

const CLASSES = 1000;

/**
 * AlexNet in one tower (Krizhevsky 2014, "One weird trick"), as torchvision has it; 61.1 M weights at 224×224, where its
 * adaptive pooling to 6×6 is the identity.
 */
export function alexNet({ side = 224, divisor = 1 }: Size = {}): Network {
  const layers = new Layers('alexnet', [3, side, side]);
  layers
    .convolution('conv_1', 64 / divisor, 11, { stride: 4, padding: 2 })
    .relu()
    .maxPool(3, 2);
  layers
    .convolution('conv_2', 192 / divisor, 5, { padding: 2 })
    .relu()
    .maxPool(3, 2);
  layers.convolution('conv_3', 384 / divisor, 3, { padding: 1 }).relu();
  layers.convolution('conv_4', 256 / divisor, 3, { padding: 1 }).relu();
  layers
    .convolution('conv_5', 256 / divisor, 3, { padding: 1 })
    .relu()
    .maxPool(3, 2);
  return layers.classifier([4096 / divisor, 4096 / divisor, CLASSES]).build();
}

/**
 * VGG-16 with its three fully connected layers (Simonyan & Zisserman 2014); 138.3 M weights at 224×224. At other sides the
 * first of them reads whatever the last pooling leaves.
 */
export function vgg16({ side = 224, divisor = 1 }: Size = {}): Network {
  const layers = new Layers('vgg16', [3, side, side]);
  for (const [block, [channels, count]] of VGG16_BLOCKS.entries()) {
    for (let k = 1; k <= count; k++) {
      layers.convolution(`conv_${block + 1}_${k}`, channels / divisor, 3, { padding: 1 }).relu();
    }
    layers.maxPool(2, 2);
  }
  return layers.classifier([4096 / divisor, 4096 / divisor, CLASSES]).build();
}

/** Channels and convolutions of each block. */
const VGG16_BLOCKS = [
  [64, 2],
  [128, 2],
  [256, 3],
  [512, 3],
  [512, 3],
] as const;

/** ResNet-18 (He et al. 2015) with its batch norms folded into the convolutions; 11.7 M weights. */
export function resNet18(size: Size = {}): Network {
  return resNet('resnet18', size, [2, 2, 2, 2], 1, (layers, name, channels, stride, gain) => {
    layers.convolution(`${name}/conv_1`, channels, 3, { stride, padding: 1 }).relu();
    layers.convolution(`${name}/conv_2`, channels, 3, { padding: 1, gain });
  });
}

/** ResNet-50 v1.5 (the stride is in the 3×3 convolution, as in torchvision), batch norms folded away; 25.5 M weights. */
export function resNet50(size: Size = {}): Network {
  return resNet('resnet50', size, [3, 4, 6, 3], 4, (layers, name, channels, stride, gain) => {
    layers.convolution(`${name}/conv_1`, channels, 1).relu();
    layers.convolution(`${name}/conv_2`, channels, 3, { stride, padding: 1 }).relu();
    layers.convolution(`${name}/conv_3`, 4 * channels, 1, { gain });
  });
}

/** Appends the branch of a residual block; its last convolution is scaled by `gain`. */
type Branch = (layers: Layers, name: string, channels: number, stride: number, gain: number) => void;

/** @param expansion channels of a stage's output over those inside its blocks */
function resNet(
  name: string,
  { side = 224, divisor = 1 }: Size,
  stages: readonly number[],
  expansion: number,
  branch: Branch,
): Network {
  const layers = new Layers(name, [3, side, side]);
  const gain = 1 / Math.sqrt(stages.reduce((sum, blocks) => sum + blocks, 0));
  layers
    .convolution('stem', 64 / divisor, 7, { stride: 2, padding: 3 })
    .relu()
    .maxPool(3, 2, 1);
  for (const [stage, blocks] of stages.entries()) {
    const channels = (64 * 2 ** stage) / divisor;
    for (let k = 1; k <= blocks; k++) {
      const block = `stage_${stage + 1}/block_${k}`;
      const stride = stage > 0 && k === 1 ? 2 : 1;
      const input = layers.last;
      branch(layers, block, channels, stride, gain);
      const output = layers.last;
      layers.last = input;
      if (layers.channels !== expansion * channels) {
        layers.convolution(`${block}/shortcut`, expansion * channels, 1, { stride, gain: Math.SQRT1_2 });
      }
      layers.plus(`${block}/sum`, output).relu();
    }
  }
  return layers.globalMean().classifier([CLASSES]).build();
}

/**
 * WideResNet-28-10 for 10 classes of 32×32 images (Zagoruyko & Komodakis 2016): activation before convolution, batch norms as
 * scales; 36.5 M weights.
 */
export function wideResNet28x10({ side = 32, divisor = 1 }: Size = {}): Network {
  const layers = new Layers('wideresnet_28_10', [3, side, side]);
  const blocksPerGroup = 4;
  const gain = 1 / Math.sqrt(3 * blocksPerGroup);
  layers.convolution('stem', 16, 3, { padding: 1 });
  for (const group of [0, 1, 2]) {
    const channels = (160 * 2 ** group) / divisor;
    for (let k = 1; k <= blocksPerGroup; k++) {
      const block = `group_${group + 1}/block_${k}`;
      const stride = group > 0 && k === 1 ? 2 : 1;
      const identity = layers.last;
      const widens = layers.channels !== channels;
      layers.batchNorm(`${block}/norm_1`).relu();
      const activated = layers.last;
      layers.convolution(`${block}/conv_1`, channels, 3, { stride, padding: 1 });
      layers.batchNorm(`${block}/norm_2`).relu();
      layers.convolution(`${block}/conv_2`, channels, 3, { padding: 1, gain });
      const output = layers.last;
      layers.last = widens ? activated : identity;
      if (widens) layers.convolution(`${block}/shortcut`, channels, 1, { stride, gain: Math.SQRT1_2 });
      layers.plus(`${block}/sum`, output);
    }
  }
  return layers.batchNorm('norm').relu().globalMean().classifier([10]).build();
}

interface ConvolutionOptions {
  readonly stride?: number;
  readonly padding?: number;
  /** Factor on the weights of He et al. (2015, "Delving deep into rectifiers"). */
  readonly gain?: number;
}

/** A network of square images under construction; every layer acts on `last` and becomes it. */
class Layers {
  /** Branches set it back to where they begin. */
  last: TensorId;
  readonly #builder: NetworkBuilder;
  readonly #next = normals(2015);

  constructor(name: string, input: readonly number[]) {
    this.#builder = new NetworkBuilder(name);
    this.last = this.#builder.input('image', input);
  }

  get channels(): number {
    return this.#builder.shape(this.last)[0]!;
  }

  convolution(
    name: string,
    outputs: number,
    side: number,
    { stride = 1, padding = 0, gain = 1 }: ConvolutionOptions = {},
  ): this {
    const inputs = this.channels;
    return this.#add(name, {
      kind: 'convolution',
      outputs,
      inputs,
      groups: 1,
      kernel: [side, side],
      stride: [stride, stride],
      dilation: [1, 1],
      padding: { mode: 'zero', before: [padding, padding], after: [padding, padding] },
      weight: this.#weights(outputs, inputs * side * side, gain),
    });
  }

  relu(): this {
    return this.#add('', RELU);
  }

  maxPool(side: number, stride: number, padding = 0): this {
    const both = (value: number) => [value, value];
    return this.#add('', {
      kind: 'max-pool',
      kernel: both(side),
      stride: both(stride),
      dilation: both(1),
      before: both(padding),
      after: both(padding),
    });
  }

  /** A batch norm at inference, with factors near 1. */
  batchNorm(name: string): this {
    const scale = Float64Array.from({ length: this.channels }, () => 1 + 0.1 * this.#next());
    return this.#add(name, { kind: 'scale', scale });
  }

  globalMean(): this {
    return this.#add('mean', { kind: 'global-average-pool', sum: false });
  }

  plus(name: string, other: TensorId): this {
    this.last = this.#builder.add(name, { kind: 'add', coefficients: [1, 1] }, [this.last, other]);
    return this;
  }

  /** Fully connected layers of so many outputs, with ReLUs between them. */
  classifier(features: readonly number[]): this {
    for (const [k, outputs] of features.entries()) {
      if (k > 0) this.relu();
      const inputs = this.#builder.shape(this.last).reduce((p, n) => p * n, 1);
      const weight = this.#weights(outputs, inputs, 1);
      this.#add(`linear_${k + 1}`, { kind: 'affine', outputs, inputs, weight });
    }
    return this;
  }

  build(): Network {
    return this.#builder.build(this.last);
  }

  #add(name: string, operator: Operator): this {
    this.last = this.#builder.add(name, operator, [this.last]);
    return this;
  }

  #weights(outputs: number, inputsEach: number, gain: number): Float64Array {
    const deviation = gain * Math.sqrt(2 / inputsEach);
    const weights = new Float64Array(outputs * inputsEach);
    for (let k = 0; k < weights.length; k++) weights[k] = deviation * this.#next();
    return weights;
  }
}
