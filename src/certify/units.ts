/** Pixels and the network's input: x = (pixel − mean) / std, channel by channel. */
import { InputError } from '../errors.ts';
import { NetworkBuilder } from '../network/builder.ts';
import type { Network, TensorId } from '../network/network.ts';
import { product } from '../network/size.ts';
import { highAt, type Limits, lowAt } from './limits.ts';

/** One number for all channels, or one for each: along the first axis of the network's input. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * The network as a function of pixel − mean: a division by std comes before it. A ball in pixels is then a ball of its input, whatever the
 * channels are divided by.
 * @throws InputError where there are not as many numbers as channels
 */
export function inPixels(network: Network, normalization: Normalization): Network {
  const { name, source, ties, tensors, nodes, input, output } = network;
  const builder = new NetworkBuilder(name);
  const image = new Map<TensorId, TensorId>();
  const pixels = builder.input(`pixels of ${tensors[input]!.name}`, tensors[input]!.shape);
  const scale = reciprocals(normalization);
  image.set(input, builder.add('1 / std', { kind: 'scale', scale }, [pixels]));
  for (const node of nodes) {
    const inputs = node.inputs.map((id) => image.get(id)!);
    image.set(node.output, builder.add(node.name, node.operator, inputs, tensors[node.output]!.name));
  }
  const built = builder.build(image.get(output)!, source);
  return ties ? { ...built, ties } : built;
}

/** What pixel − mean is multiplied with. */
export function reciprocals({ std }: Normalization): Float64Array {
  return Float64Array.from(std, (s) => 1 / s);
}

/** @throws InputError for numbers that are none, or not as many as channels */
export function checkNormalization({ mean, std }: Normalization, shape: readonly number[]): void {
  for (const [name, values] of Object.entries({ mean, std })) {
    if (values.length !== 1 && values.length !== shape[0]) {
      throw new InputError(
        `${name}: one number, or one for each of ${shape[0]} along the first axis of the input [${shape.join(', ')}], got ${values.length}`,
      );
    }
    if (!values.every(Number.isFinite)) throw new InputError(`${name}: numbers, got ${values.join(', ')}`);
  }
  if (!std.every((s) => s > 0)) throw new InputError(`std: above 0, got ${std.join(', ')}`);
}

/** Relative: what a difference of two numbers may be off by, and a sum of that with `STORED`. */
const ROUNDED = 2 ** -51;
/** What floating-point numbers of 32 bits lose where they were normalized before they were stored, and more. */
const STORED = 1e-5;

/** Numbers that are stored, as inputs of `inPixels`; and limits on pixels, as limits on these. */
export class Pixels {
  readonly #mean: (n: number) => number;
  readonly #std: (n: number) => number;
  readonly #entries: number;
  readonly #normalized: boolean;

  /** @param normalized whether what is stored is (pixel − mean) / std already */
  constructor({ mean, std }: Normalization, shape: readonly number[], normalized: boolean) {
    const image = product(shape.slice(1));
    const each = (values: readonly number[]) => (n: number) =>
      values.length === 1 ? values[0]! : values[Math.floor(n / image)]!;
    this.#mean = each(mean);
    this.#std = each(std);
    this.#entries = product(shape);
    this.#normalized = normalized;
  }

  input(stored: Float64Array): Float64Array {
    return this.#normalized
      ? stored.map((x, n) => x * this.#std(n))
      : stored.map((x, n) => x - this.#mean(n));
  }

  /** Back, for pictures. */
  pixels(input: Float64Array): Float64Array {
    return input.map((x, n) => x + this.#mean(n));
  }

  limits(low: number, high: number): Limits {
    const side = (value: number) =>
      Float64Array.from({ length: this.#entries }, (_, n) => value - this.#mean(n));
    return { low: side(low), high: side(high) };
  }

  /** Wider by what rounding has moved them and, where they were normalized, stored numbers: what is proven there holds within. */
  limitsAbove(low: number, high: number): Limits {
    const limits = this.limits(low, high);
    const slack = (x: number) => (this.#normalized ? STORED : 0) + Math.abs(x) * ROUNDED;
    return {
      low: Float64Array.from({ length: this.#entries }, (_, n) => lowAt(limits, n) - slack(lowAt(limits, n))),
      high: Float64Array.from(
        { length: this.#entries },
        (_, n) => highAt(limits, n) + slack(highAt(limits, n)),
      ),
    };
  }
}
