/**
 * Random small networks. A *plan* is a list of layers that always builds: what does not fit the tensor at hand is cut
 * to fit or left out, so that fast-check may drop and shrink layers freely.
 */
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import type { Operator, Padding, PaddingMode } from '../../src/network/operator.ts';
import { volume } from './grid.ts';
import { Random } from './random.ts';

/** How many samples a convolution pads with. */
export type PaddingPlan = 'none' | 'same' | 'wide' | 'before' | 'after' | 'lopsided';

export type LayerPlan =
  | { readonly kind: 'affine'; readonly outputs: number }
  | {
      readonly kind: 'convolution';
      readonly outputs: number;
      readonly kernel: number;
      readonly stride: number;
      readonly dilation: number;
      readonly groups: 'one' | 'two' | 'depthwise';
      readonly padding: PaddingPlan;
    }
  | {
      readonly kind: 'transposed';
      readonly outputs: number;
      readonly kernel: number;
      readonly stride: number;
      readonly dilation: number;
      readonly crop: readonly [number, number];
      readonly outputPadding: number;
      readonly groups: 'one' | 'two' | 'depthwise';
    }
  | { readonly kind: 'nonlinearity'; readonly function: Elementwise }
  /** Per-channel scales of both signs; `shared`: one for all channels. */
  | { readonly kind: 'scale'; readonly shared: boolean }
  | {
      readonly kind: 'average-pool';
      readonly kernel: number;
      readonly stride: number;
      readonly padding: 0 | 1;
      readonly counted: boolean;
    }
  | {
      readonly kind: 'max-pool';
      readonly kernel: number;
      readonly stride: number;
      readonly dilation: number;
      readonly padding: 0 | 1;
    }
  | { readonly kind: 'global'; readonly how: 'mean' | 'sum' | 'max' }
  | { readonly kind: 'flatten' }
  /** Axes turned round by one: [c, h, w] to [h, w, c]. */
  | { readonly kind: 'transpose' }
  | { readonly kind: 'pad'; readonly before: number; readonly after: number }
  | {
      readonly kind: 'residual';
      /** Sides of the branch's kernels; [1, 3, 1] is a bottleneck. On vectors: affine layers. */
      readonly kernels: readonly (1 | 3)[];
      readonly stride: 1 | 2;
      /** Which of the branch's convolutions has the stride. */
      readonly strideAt: number;
      readonly order: 'post' | 'pre' | 'bare';
      readonly shortcut: 'identity' | 'projection' | 'mean';
      readonly function: Elementwise;
    }
  | { readonly kind: 'dense'; readonly growth: number; readonly function: Elementwise }
  | {
      readonly kind: 'inception';
      readonly branches: readonly ('1' | '3' | '1-3' | 'max' | 'mean' | 'identity')[];
      readonly stride: 1 | 2;
      readonly function: Elementwise;
    };

export type WeightStyle = 'integers' | 'normal' | 'positive' | 'scaled' | 'sparse';

export interface Plan {
  readonly channels: number;
  /** Spatial sides; none for a vector. */
  readonly sides: readonly number[];
  readonly layers: readonly LayerPlan[];
  /** Padding mode of all convolutions and average poolings. */
  readonly mode: PaddingMode;
  readonly end: 'none' | 'softmax' | 'log-softmax';
  readonly weights: WeightStyle;
  readonly biases: boolean;
  readonly seed: number;
}

const MOST_CHANNELS = 6;
const MOST_ENTRIES = 512;

/** The network of a plan. */
export function networkOf(plan: Plan): Network {
  const planner = new Planner(plan);
  for (const layer of plan.layers) planner.layer(layer);
  return planner.build();
}

/** Puts layers one after the other and draws their weights. */
class Planner {
  private readonly builder = new NetworkBuilder('random');
  private readonly random: Random;
  private readonly plan: Plan;
  private current: TensorId;

  constructor(plan: Plan) {
    this.plan = plan;
    this.random = new Random(plan.seed);
    this.current = this.builder.input('x', [plan.channels, ...plan.sides]);
  }

  build(): Network {
    const { end } = this.plan;
    const softmax: Operator = { kind: 'softmax', logarithm: end === 'log-softmax' };
    return this.builder.build(end === 'none' ? this.current : this.add(softmax, [this.current]));
  }

  layer(layer: LayerPlan): void {
    const next = this.append(layer, this.current);
    if (volume(this.shape(next)) <= MOST_ENTRIES) this.current = next;
  }

  /** The tensor after the layer, or the same one where the layer does not apply. */
  private append(layer: LayerPlan, x: TensorId): TensorId {
    const shape = this.shape(x);
    const isVector = shape.length === 1;
    switch (layer.kind) {
      case 'affine':
        return this.affine(this.flat(x), layer.outputs);
      case 'flatten':
        return this.flat(x);
      case 'transpose':
        return isVector || shape.at(1)! > MOST_CHANNELS ? x : this.transpose(x);
      case 'nonlinearity':
        return this.nonlinearity(layer.function, x);
      case 'scale':
        return this.scale(x, layer.shared ? 1 : shape[0]!);
      case 'convolution':
        return isVector ? this.affine(x, layer.outputs) : this.convolution(x, layer);
      case 'transposed':
        return isVector ? x : this.transposed(x, layer);
      case 'average-pool':
        return isVector ? x : this.averagePool(x, layer.kernel, layer.stride, layer.padding, layer.counted);
      case 'max-pool':
        return isVector ? x : this.maxPool(x, layer.kernel, layer.stride, layer.dilation, layer.padding);
      case 'global':
        return isVector ? x : this.add(globalPool(layer.how), [x]);
      case 'pad':
        return isVector ? x : this.pad(x, layer.before, layer.after);
      case 'residual':
        return this.residual(x, layer);
      case 'dense':
        return shape[0]! + layer.growth > MOST_CHANNELS && !isVector ? x : this.dense(x, layer);
      case 'inception':
        return this.inception(x, layer);
      default:
        return layer satisfies never;
    }
  }

  private residual(x: TensorId, layer: Extract<LayerPlan, { kind: 'residual' }>): TensorId {
    const channels = this.shape(x)[0]!;
    const spatial = this.shape(x).length > 1;
    const stride = spatial ? layer.stride : 1;
    const width = layer.kernels.length === 3 ? Math.max(1, channels >> 1) : channels;
    let branch = x;
    layer.kernels.forEach((kernel, k) => {
      const last = k === layer.kernels.length - 1;
      if (layer.order === 'pre') branch = this.nonlinearity(layer.function, branch);
      const step = k === layer.strideAt % layer.kernels.length ? stride : 1;
      branch = this.step(branch, last ? channels : width, kernel, step);
      if (layer.order !== 'pre' && !last) branch = this.nonlinearity(layer.function, branch);
    });
    const sum: Operator = { kind: 'add', coefficients: [1, 1] };
    const joined = this.add(sum, [this.shortcut(x, stride, layer.shortcut), branch]);
    return layer.order === 'post' ? this.nonlinearity(layer.function, joined) : joined;
  }

  private shortcut(x: TensorId, stride: 1 | 2, kind: 'identity' | 'projection' | 'mean'): TensorId {
    const [channels, ...sides] = this.shape(x);
    if (stride === 1) return kind === 'identity' ? x : this.step(x, channels!, 1, 1);
    const even = sides.every((side) => side % 2 === 0);
    if (kind === 'mean' && even) return this.step(this.averagePool(x, 2, 2, 0, true), channels!, 1, 1);
    return this.step(x, channels!, 1, stride);
  }

  private dense(x: TensorId, layer: Extract<LayerPlan, { kind: 'dense' }>): TensorId {
    const grown = this.nonlinearity(layer.function, this.step(x, layer.growth, 3, 1));
    return this.add({ kind: 'concat' }, [x, grown]);
  }

  private inception(x: TensorId, layer: Extract<LayerPlan, { kind: 'inception' }>): TensorId {
    const spatial = this.shape(x).length > 1;
    const stride = spatial ? layer.stride : 1;
    const branches = layer.branches.slice(0, 3).map((branch) => {
      switch (branch) {
        case '1':
          return this.nonlinearity(layer.function, this.step(x, 1, 1, stride));
        case '3':
          return this.nonlinearity(layer.function, this.step(x, 1, 3, stride));
        case '1-3': {
          const inner = this.nonlinearity(layer.function, this.step(x, 2, 1, 1));
          return this.nonlinearity(layer.function, this.step(inner, 1, 3, stride));
        }
        case 'max':
          return spatial ? this.step(this.maxPool(x, 3, stride, 1, 1), 1, 1, 1) : this.step(x, 1, 1, 1);
        case 'mean':
          return spatial
            ? this.step(this.averagePool(x, 3, stride, 1, true), 1, 1, 1)
            : this.step(x, 1, 1, 1);
        case 'identity':
          return stride === 1 ? x : this.step(x, 1, 1, stride);
        default:
          return branch satisfies never;
      }
    });
    return branches.length === 1 ? branches[0]! : this.add({ kind: 'concat' }, branches);
  }

  /** A convolution that keeps the sides (divided by the stride, rounded up), or an affine layer on vectors. */
  private step(x: TensorId, outputs: number, kernel: 1 | 3, stride: number): TensorId {
    if (this.shape(x).length === 1) return this.affine(x, outputs);
    return this.convolution(x, {
      kind: 'convolution',
      outputs,
      kernel,
      stride,
      dilation: 1,
      groups: 'one',
      padding: kernel === 1 ? 'none' : 'same',
    });
  }

  private convolution(x: TensorId, layer: Extract<LayerPlan, { kind: 'convolution' }>): TensorId {
    const [inputs, ...sides] = this.shape(x);
    const { mode } = this.plan;
    const paddings = sides.map((side) =>
      paddingOf(layer.padding, layer.kernel, layer.dilation).map((p) => Math.min(p, mostPadding(mode, side))),
    );
    // What reaches beyond the padded side is cut off the kernel.
    const kernel = sides.map((side, a) =>
      Math.min(layer.kernel, Math.floor((side + sum(paddings[a]!) - 1) / layer.dilation) + 1),
    );
    const groups = groupsOf(layer.groups, inputs!, layer.outputs);
    const outputs = layer.groups === 'depthwise' ? inputs! : layer.outputs;
    const operator: Operator = {
      kind: 'convolution',
      outputs,
      inputs: inputs!,
      groups,
      kernel,
      stride: sides.map(() => layer.stride),
      dilation: sides.map(() => layer.dilation),
      padding: {
        mode,
        before: paddings.map((p) => p[0]!),
        after: paddings.map((p) => p[1]!),
      },
      weight: this.weights(outputs, (inputs! / groups) * volume(kernel)),
      ...this.bias('bias', outputs),
    };
    return this.add(operator, [x]);
  }

  private transposed(x: TensorId, layer: Extract<LayerPlan, { kind: 'transposed' }>): TensorId {
    const [inputs, ...sides] = this.shape(x);
    const groups = groupsOf(layer.groups, inputs!, layer.outputs);
    const outputs = layer.groups === 'depthwise' ? inputs! : layer.outputs;
    // ONNX wants the output padding below the stride or the dilation.
    const extra = Math.min(layer.outputPadding, Math.max(layer.stride, layer.dilation) - 1);
    const least = Math.min(...sides.map((n) => (n - 1) * layer.stride + layer.dilation * (layer.kernel - 1)));
    const [before, after] = sum(layer.crop) <= least ? layer.crop : [0, 0];
    const operator: Operator = {
      kind: 'transposed-convolution',
      outputs,
      inputs: inputs!,
      groups,
      kernel: sides.map(() => layer.kernel),
      stride: sides.map(() => layer.stride),
      dilation: sides.map(() => layer.dilation),
      before: sides.map(() => before),
      after: sides.map(() => after),
      outputPadding: sides.map(() => extra),
      weight: this.weights(inputs!, (outputs / groups) * layer.kernel ** sides.length),
      ...this.bias('bias', outputs),
    };
    return this.add(operator, [x]);
  }

  private averagePool(x: TensorId, side: number, stride: number, pad: 0 | 1, counted: boolean): TensorId {
    const { mode } = this.plan;
    const sides = this.shape(x).slice(1);
    const before = sides.map((n) => Math.min(pad, mostPadding(mode, n)));
    const padding: Padding = { mode, before, after: before };
    return this.add(
      {
        kind: 'average-pool',
        kernel: sides.map((n, a) => Math.min(side, n + 2 * before[a]!)),
        stride: sides.map(() => stride),
        padding,
        countIncludesPadding: counted || mode !== 'zero',
      },
      [x],
    );
  }

  private maxPool(x: TensorId, side: number, stride: number, dilation: number, pad: 0 | 1): TensorId {
    const sides = this.shape(x).slice(1);
    const step = sides.every((n) => n > dilation * (side - 1)) ? dilation : 1;
    const kernel = sides.map((n) => Math.min(side, n + 2 * pad));
    const before = kernel.map(() => pad);
    return this.add(
      {
        kind: 'max-pool',
        kernel,
        stride: sides.map(() => stride),
        dilation: sides.map(() => step),
        before,
        after: before,
      },
      [x],
    );
  }

  private pad(x: TensorId, before: number, after: number): TensorId {
    const { mode } = this.plan;
    const sides = this.shape(x).slice(1);
    const padding: Padding = {
      mode,
      before: sides.map((n) => Math.min(before, mostPadding(mode, n))),
      after: sides.map((n) => Math.min(after, mostPadding(mode, n))),
    };
    return this.add({ kind: 'pad', padding }, [x]);
  }

  private affine(x: TensorId, outputs: number): TensorId {
    const inputs = volume(this.shape(x));
    const weight = this.weights(outputs, inputs);
    return this.add({ kind: 'affine', outputs, inputs, weight, ...this.bias('bias', outputs) }, [x]);
  }

  private scale(x: TensorId, channels: number): TensorId {
    return this.add({ kind: 'scale', scale: this.weights(channels, 1), ...this.bias('shift', channels) }, [
      x,
    ]);
  }

  private nonlinearity(f: Elementwise, x: TensorId): TensorId {
    const channels = this.shape(x)[0]!;
    const fits = f.name !== 'prelu' || f.slopes.length === 1;
    const slopes = fits
      ? undefined
      : Float64Array.from({ length: channels }, (_, c) => f.slopes[c % f.slopes.length]!);
    return this.add({ kind: 'nonlinearity', function: slopes ? { name: 'prelu', slopes } : f }, [x]);
  }

  private transpose(x: TensorId): TensorId {
    const shape = this.shape(x);
    const permutation = shape.map((_, axis) => (axis + 1) % shape.length);
    return this.add({ kind: 'reindex', permutation, shape: permutation.map((axis) => shape[axis]!) }, [x]);
  }

  private flat(x: TensorId): TensorId {
    const shape = this.shape(x);
    if (shape.length === 1) return x;
    return this.add({ kind: 'reindex', permutation: [...shape.keys()], shape: [volume(shape)] }, [x]);
  }

  /** [rows, columns], scaled so that a layer's gain is about 1 (in style `scaled`: times 10^±3). */
  private weights(rows: number, columns: number): Float64Array {
    const { random } = this;
    const { weights: style } = this.plan;
    const size = (style === 'scaled' ? 10 ** random.between(-3, 3) : 1) / Math.sqrt(columns);
    const draw = (): number => {
      switch (style) {
        case 'integers':
          return random.integer(-2, 2);
        case 'normal':
        case 'scaled':
        case 'sparse':
          return 1.5 * size * random.normal();
        case 'positive':
          return 2 * size * random.uniform();
        default:
          return style satisfies never;
      }
    };
    const weight = Float64Array.from({ length: rows * columns }, draw);
    if (style === 'sparse') {
      for (let row = 0; row < rows; row++) {
        if (random.uniform() < 0.35) weight.fill(0, row * columns, (row + 1) * columns);
      }
    }
    return weight;
  }

  private bias<K extends 'bias' | 'shift'>(key: K, length: number): Partial<Record<K, Float64Array>> {
    if (!this.plan.biases) return {};
    return { [key]: this.random.normals(length, 0.5) } as Partial<Record<K, Float64Array>>;
  }

  private shape(x: TensorId): readonly number[] {
    return this.builder.shape(x);
  }

  private add(operator: Operator, inputs: readonly TensorId[]): TensorId {
    return this.builder.add('', operator, inputs);
  }
}

/** Circular padding goes round once at most, reflection stops at the far end. */
function mostPadding(mode: PaddingMode, side: number): number {
  switch (mode) {
    case 'zero':
    case 'replicate':
      return Number.POSITIVE_INFINITY;
    case 'circular':
      return side;
    case 'reflect':
      return side - 1;
    default:
      return mode satisfies never;
  }
}

function globalPool(how: 'mean' | 'sum' | 'max'): Operator {
  return how === 'max' ? { kind: 'global-max-pool' } : { kind: 'global-average-pool', sum: how === 'sum' };
}

function groupsOf(plan: 'one' | 'two' | 'depthwise', inputs: number, outputs: number): number {
  if (plan === 'depthwise') return inputs;
  return plan === 'two' && inputs % 2 === 0 && outputs % 2 === 0 ? 2 : 1;
}

function paddingOf(plan: PaddingPlan, kernel: number, dilation: number): [before: number, after: number] {
  const reach = dilation * (kernel - 1);
  switch (plan) {
    case 'none':
      return [0, 0];
    case 'same':
      return [reach >> 1, reach - (reach >> 1)];
    case 'wide':
      return [reach + 1, reach + 1];
    case 'before':
      return [reach, 0];
    case 'after':
      return [0, reach];
    case 'lopsided':
      return [1, 2];
    default:
      return plan satisfies never;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
