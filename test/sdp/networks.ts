/** Seeded networks of the shapes that the referee is asked about. */
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';
import type { Network } from '../../src/network/network.ts';
import type { AveragePool, Convolution, MaxPool, Operator } from '../../src/network/operator.ts';
import { Random } from '../support/random.ts';

/** Builds a chain from a list of layers whose weights follow from the shapes. */
export class ChainBuilder {
  private readonly builder: NetworkBuilder;
  private readonly random: Random;
  private last: number;

  constructor(name: string, seed: number, input: readonly number[]) {
    this.builder = new NetworkBuilder(name);
    this.random = new Random(seed);
    this.last = this.builder.input('x', input);
  }

  private get shape(): readonly number[] {
    return this.builder.shape(this.last);
  }

  private append(operator: Operator): this {
    this.last = this.builder.add('', operator, [this.last]);
    return this;
  }

  /** Zero-padded to the input's length over the stride, unless `padding` says otherwise. */
  convolution(outputs: number, kernel: number, options: Partial<ConvolutionOptions> = {}): this {
    const { stride = 1, dilation = 1, groups = 1, padding } = options;
    const inputs = this.shape[0]!;
    const fanIn = (inputs / groups) * kernel;
    const side = padding ?? (dilation * (kernel - 1)) >> 1;
    return this.append({
      kind: 'convolution',
      outputs,
      inputs,
      groups,
      kernel: [kernel],
      stride: [stride],
      dilation: [dilation],
      padding: { mode: 'zero', before: [side], after: [side] },
      weight: this.random.normals(outputs * fanIn, 1.2 / Math.sqrt(fanIn)),
      bias: this.random.normals(outputs, 0.1),
    } satisfies Convolution);
  }

  /** Flattens first where the last tensor is a signal. */
  dense(outputs: number): this {
    const inputs = this.shape.reduce((size, side) => size * side, 1);
    if (this.shape.length > 1) {
      this.append({ kind: 'reindex', permutation: this.shape.map((_, axis) => axis), shape: [inputs] });
    }
    const weight = this.random.normals(outputs * inputs, 1.2 / Math.sqrt(inputs));
    return this.append({ kind: 'affine', outputs, inputs, weight, bias: this.random.normals(outputs, 0.1) });
  }

  activation(f: Elementwise = { name: 'relu' }): this {
    return this.append({ kind: 'nonlinearity', function: f });
  }

  maxPool(kernel: number, stride = kernel): this {
    return this.append({
      kind: 'max-pool',
      kernel: [kernel],
      stride: [stride],
      dilation: [1],
      before: [0],
      after: [0],
    } satisfies MaxPool);
  }

  averagePool(kernel: number, stride = kernel): this {
    return this.append({
      kind: 'average-pool',
      kernel: [kernel],
      stride: [stride],
      padding: { mode: 'zero', before: [0], after: [0] },
      countIncludesPadding: true,
    } satisfies AveragePool);
  }

  globalAverage(): this {
    return this.append({ kind: 'global-average-pool', sum: false });
  }

  globalMaximum(): this {
    return this.append({ kind: 'global-max-pool' });
  }

  /** y = x + G φ(W x) on vectors. */
  residual(hidden: number): this {
    const skip = this.last;
    const width = this.shape[0]!;
    this.dense(hidden).activation().dense(width);
    this.last = this.builder.add('', { kind: 'add', coefficients: [1, 1] }, [skip, this.last]);
    return this;
  }

  build(): Network {
    return this.builder.build(this.last);
  }
}

interface ConvolutionOptions {
  readonly stride: number;
  readonly dilation: number;
  readonly groups: number;
  /** On either side. */
  readonly padding: number;
}

const leaky = (slope: number): Elementwise => ({ name: 'leaky-relu', slope });

/** Dense networks: multilayer perceptrons and residual ones. */
export const DENSE: Readonly<Record<string, () => Network>> = {
  '6-32-32-32-4, ReLU': () =>
    new ChainBuilder('mlp', 1, [6])
      .dense(32)
      .activation()
      .dense(32)
      .activation()
      .dense(32)
      .activation()
      .dense(4)
      .build(),
  '10-24-3, ReLU': () => new ChainBuilder('mlp', 2, [10]).dense(24).activation().dense(3).build(),
  '8-32-32-5, leaky ReLU': () =>
    new ChainBuilder('mlp', 3, [8])
      .dense(32)
      .activation(leaky(0.2))
      .dense(32)
      .activation(leaky(0.2))
      .dense(5)
      .build(),
  '5-16-16-16-2, tanh and sigmoid': () =>
    new ChainBuilder('mlp', 4, [5])
      .dense(16)
      .activation({ name: 'tanh' })
      .dense(16)
      .activation({ name: 'sigmoid' })
      .dense(16)
      .activation({ name: 'tanh' })
      .dense(2)
      .build(),
  'two residual blocks': () =>
    new ChainBuilder('residual', 5, [6]).dense(10).residual(16).residual(16).dense(3).build(),
  '6-20-20-4, SiLU': () =>
    new ChainBuilder('mlp', 6, [6])
      .dense(20)
      .activation({ name: 'silu' })
      .dense(20)
      .activation({ name: 'silu' })
      .dense(4)
      .build(),
};

/** One-dimensional convolutional networks. */
export const CONVOLUTIONAL: Readonly<Record<string, () => Network>> = {
  'two convolutions': () =>
    new ChainBuilder('cnn', 11, [2, 24])
      .convolution(4, 3)
      .activation()
      .convolution(4, 5)
      .activation()
      .build(),
  'three convolutions, strides 2, 2, 1': () =>
    new ChainBuilder('cnn', 12, [1, 48])
      .convolution(4, 7, { stride: 2 })
      .activation()
      .convolution(8, 3, { stride: 2 })
      .activation()
      .convolution(4, 3, { padding: 0 })
      .build(),
  'four convolutions': () =>
    new ChainBuilder('cnn', 13, [2, 32])
      .convolution(4, 3)
      .activation()
      .convolution(4, 3)
      .activation()
      .convolution(4, 3)
      .activation()
      .convolution(2, 3)
      .build(),
  'max pooling': () =>
    new ChainBuilder('cnn', 14, [1, 48])
      .convolution(4, 5)
      .activation()
      .maxPool(2)
      .convolution(6, 3)
      .activation()
      .maxPool(3, 2)
      .convolution(4, 3)
      .build(),
  'average pooling': () =>
    new ChainBuilder('cnn', 15, [1, 48])
      .convolution(4, 5)
      .activation()
      .averagePool(2)
      .convolution(6, 3)
      .activation()
      .averagePool(3, 2)
      .convolution(4, 3)
      .build(),
  'max pooling and a fully connected head': () =>
    new ChainBuilder('cnn', 16, [1, 32])
      .convolution(4, 5)
      .activation()
      .maxPool(2)
      .convolution(8, 3, { stride: 2 })
      .activation()
      .dense(12)
      .activation()
      .dense(4)
      .build(),
  'average pooling and a fully connected head': () =>
    new ChainBuilder('cnn', 17, [1, 32])
      .convolution(4, 5)
      .activation()
      .averagePool(2)
      .convolution(4, 3, { stride: 2 })
      .activation()
      .averagePool(2)
      .dense(8)
      .activation()
      .dense(3)
      .build(),
  'a global mean': () =>
    new ChainBuilder('cnn', 18, [2, 40])
      .convolution(6, 5)
      .activation()
      .convolution(6, 3)
      .activation()
      .globalAverage()
      .dense(4)
      .build(),
  'a global maximum': () =>
    new ChainBuilder('cnn', 19, [1, 40])
      .convolution(4, 7, { stride: 2 })
      .activation()
      .convolution(8, 3)
      .activation()
      .globalMaximum()
      .dense(3)
      .build(),
  'dilation, groups and leaky slopes': () =>
    new ChainBuilder('cnn', 20, [2, 40])
      .convolution(8, 3)
      .activation(leaky(0.1))
      .convolution(8, 3, { dilation: 2, groups: 2 })
      .activation(leaky(0.1))
      .convolution(4, 3, { stride: 2 })
      .build(),
};
