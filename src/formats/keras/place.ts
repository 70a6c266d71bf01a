/** A layer of Keras that is being read: what it says, what it reads, its weights. */
import { InputError, UnsupportedError } from '../../errors.ts';
import type { NetworkBuilder } from '../../network/builder.ts';
import type { TensorId, Tie } from '../../network/network.ts';
import { inDouble } from '../../network/numbers.ts';
import type { Operator } from '../../network/operator.ts';
import { product } from '../../network/size.ts';
import type { Fields, Json } from '../fields.ts';
import type { Weight } from '../layers/arranged.ts';
import type { Pads } from '../layers/windows.ts';
import type { KerasLayer } from './topology.ts';

/** Arrays of layers, however a file keeps them. */
export interface KerasWeights {
  /**
   * The arrays of a layer.
   * @param roles what they are called, in the order in which Keras makes them
   * @throws InputError where the file holds others than these
   */
  of(layer: KerasLayer, roles: readonly string[]): Promise<Weight[]>;
}

/** Fields that say nothing of what a layer computes when it is not trained. */
const IDLE =
  /^(name|trainable|dtype|dtype_policy|batch_input_shape|batch_shape|input_dtype|seed|momentum|activity_regularizer|implementation|rate|stddev|sparse|ragged|optional|input_shape|build_config)$|_(initializer|regularizer|constraint)$/;

/** A model that is being read. */
export interface Reading {
  readonly builder: NetworkBuilder;
  /** Of Keras, the first of its numbers; undefined where nothing says it. */
  readonly version: number | undefined;
  readonly weights: KerasWeights;
  readonly ties: Tie[];
  /** What was padded with zeros by layers of their own, by what came of it: convolutions pad by themselves. */
  readonly padded: Map<TensorId, Padded>;
}

export interface Padded extends Pads {
  readonly source: TensorId;
}

/** Tensors have their channels first here, as networks have, and last in Keras: [channels, …] is […, channels] there. */
export class Place {
  readonly reading: Reading;
  readonly layer: KerasLayer;
  readonly inputs: readonly TensorId[];

  constructor(reading: Reading, layer: KerasLayer, inputs: readonly TensorId[]) {
    this.reading = reading;
    this.layer = layer;
    this.inputs = inputs;
  }

  get builder(): NetworkBuilder {
    return this.reading.builder;
  }

  get config(): Fields {
    return this.layer.config;
  }

  /** The one tensor that it reads. @throws InputError where it reads several */
  get x(): TensorId {
    if (this.inputs.length !== 1) {
      throw new InputError(
        `${this.config.where}: ${this.layer.kind} must read one tensor, got ${this.inputs.length}`,
      );
    }
    return this.inputs[0]!;
  }

  /** Channels first. */
  get shape(): readonly number[] {
    return this.builder.shape(this.x);
  }

  /** Axes of space. */
  get axes(): number {
    return this.shape.length - 1;
  }

  /** Appends a step of the layer. @param part what it is called, where the layer has several */
  add(operator: Operator, inputs: readonly TensorId[], part = ''): TensorId {
    return this.builder.add(part ? `${this.layer.name} ${part}` : this.layer.name, operator, inputs);
  }

  tie(found: string): void {
    this.reading.ties.push({
      ...{ node: this.layer.name, found },
      reason: 'the padding depends on the length; bound it without the option length',
    });
  }

  weights(roles: readonly string[]): Promise<Weight[]> {
    return this.reading.weights.of(this.layer, roles);
  }

  /** Kernels, and a bias where the layer says that it has one. */
  async kernelsAndBias(kernels: readonly string[]): Promise<{ kernels: Weight[]; bias?: Float64Array }> {
    const biased = this.config.optional('use_bias', true, (key) => this.config.flag(key));
    const found = await this.weights([...kernels, ...(biased ? ['bias'] : [])]);
    const bias = biased ? inDouble(found.pop()!.numbers) : undefined;
    return { kernels: found, ...(bias && { bias }) };
  }

  /** @throws InputError unless a weight has this shape */
  demandShape(what: string, weight: Weight, shape: readonly number[]): void {
    if (weight.shape.join() === shape.join()) return;
    throw new InputError(
      `${this.config.where}: ${what} must be [${shape.join(', ')}], got [${weight.shape.join(', ')}]`,
    );
  }

  /** @throws InputError unless it reads so many axes of space */
  demandAxes(axes: number): void {
    if (this.axes === axes) return;
    throw new InputError(
      `${this.config.where}: ${this.layer.kind} must read ${axes} axes of space and channels, got [${[...this.shape.slice(1), this.shape[0]].join(', ')}]`,
    );
  }

  /** @throws UnsupportedError for images with their channels first */
  demandChannelsLast(): void {
    const format = this.config.optional('data_format', 'channels_last', (key) =>
      this.config.raw(key) === null
        ? 'channels_last'
        : this.config.text(key, ['channels_last', 'channels_first']),
    );
    if (format !== 'channels_last')
      this.refuse(`data_format ${format}`, 'images with channels last are read; export ONNX');
  }

  /** Whether an axis of Keras, the batch among them, is that of the channels. */
  isChannels(axis: Json | undefined): boolean {
    const one = Array.isArray(axis) && axis.length === 1 ? axis[0] : axis;
    return one === -1 || one === this.shape.length;
  }

  refuse(found: string, reason: string): never {
    throw new UnsupportedError([
      { node: this.layer.name, found: `${this.layer.kind} with ${found}`, reason },
    ]);
  }

  /** @throws UnsupportedError for fields that nobody asked for, unless they are switched off or idle */
  finish(): void {
    const left = this.config.unread().filter((key) => !IDLE.test(key));
    const meant = left.filter((key) => ![null, false].includes(this.config.raw(key) as null));
    if (meant.length > 0) this.refuse(meant.join(', '), 'what this means is not known; export ONNX');
  }

  /** The entries of a tensor in Keras's order, as a vector. */
  flat(x: TensorId, part = ''): TensorId {
    const shape = this.builder.shape(x);
    const permutation = channelsLast(shape.length);
    return this.add({ kind: 'reindex', permutation, shape: [product(shape)] }, [x], part);
  }
}

/** Axes of [channels, …] in the order […, channels]. */
export function channelsLast(axes: number): number[] {
  return [...Array.from({ length: axes - 1 }, (_, k) => k + 1), 0];
}

/** Axes of […, channels] in the order [channels, …]. */
export function channelsFirst(axes: number): number[] {
  return [axes - 1, ...Array.from({ length: axes - 1 }, (_, k) => k)];
}
