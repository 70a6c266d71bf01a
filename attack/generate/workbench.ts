/** A model that grows node by node; what a node makes is known as soon as it is there. */
import { TooLarge } from '../evaluate/circuit.ts';
import { Interpretation } from '../evaluate/interpret.ts';
import { Meaningless, product } from '../evaluate/values.ts';
import type {
  FunctionDescription,
  ModelDescription,
  NodeDescription,
  Tensor,
  Type,
} from '../model/description.ts';
import type { Random } from '../random.ts';
import type { Attributes, Bench } from './bench.ts';
import { Scales, type Style } from './scales.ts';
import { storedDifferently } from './storage.ts';

export interface WorkbenchOptions {
  readonly opset: number;
  readonly type: 'float' | 'double';
  readonly style: Style;
  /** Sides of a sample: [features] or [channels, ...sides]. */
  readonly sample: readonly number[];
  readonly batch: number | string;
}

/** Adds a layer behind tensor x; undefined where it does not fit. */
export type Layer = (bench: Workbench, x: string) => string | undefined;

/** More entries than these in one tensor cost more than they find. */
const MOST_ENTRIES = 160;

export class Workbench implements Bench {
  readonly random: Random;
  readonly opset: number;
  readonly type: 'float' | 'double';
  readonly scales: Scales;
  readonly #input: ModelDescription['input'];
  readonly #initializers: Record<string, Tensor> = {};
  readonly #nodes: NodeDescription[] = [];
  readonly #functions: FunctionDescription[] = [];
  readonly #interpretation: Interpretation;
  /** Tensors that depend on the input, in the order in which they were made. */
  readonly made: string[] = ['x'];
  #names = 0;

  constructor(random: Random, { opset, type, style, sample, batch }: WorkbenchOptions) {
    this.random = random;
    this.opset = opset;
    this.type = type;
    this.scales = new Scales(random, style, type);
    this.#input = { name: 'x', type, dims: [batch, ...sample] };
    this.#interpretation = new Interpretation(
      { opset, functions: this.#functions, input: this.#input, initializers: {} },
      sample,
    );
  }

  /** Sides of a tensor, the batch included, which is 1. */
  shape(name: string): readonly number[] {
    return this.#interpretation.values.get(name)!.shape;
  }

  /** Of a constant. */
  numbers(name: string): readonly number[] {
    return this.#interpretation.values.get(name)!.items;
  }

  get nodes(): readonly NodeDescription[] {
    return this.#nodes;
  }

  fresh(stem: string): string {
    return `${stem}${this.#names++}`;
  }

  /** The first output of a new node; undefined where it would have no meaning. */
  add(op: string, inputs: readonly string[], attributes: Attributes = {}, outputs = 1): string | undefined {
    return this.addAll(op, inputs, attributes, outputs)?.[0];
  }

  addAll(
    op: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    outputs = 1,
    domain?: string,
  ): string[] | undefined {
    const names = Array.from({ length: outputs }, () => this.fresh(op.toLowerCase()));
    const node: NodeDescription = { op, inputs, outputs: names, attributes, ...(domain ? { domain } : {}) };
    if (!this.#try(node)) return undefined;
    for (const name of names) {
      const value = this.#interpretation.values.get(name)!;
      if (value.items.length === 0 || value.items.length > MOST_ENTRIES) return undefined;
    }
    this.#nodes.push(node);
    this.made.push(...names.filter((name) => this.#interpretation.values.get(name)!.type === 'cell'));
    return names;
  }

  #try(node: NodeDescription): boolean {
    try {
      this.#interpretation.add(node);
      return true;
    } catch (error) {
      if (error instanceof Meaningless || error instanceof TooLarge || error instanceof RangeError)
        return false;
      throw error;
    }
  }

  /** A local function, which `addAll` can call. */
  define(definition: Omit<FunctionDescription, 'domain'>): string {
    const domain = 'attack.functions';
    this.#functions.push({ ...definition, domain });
    return domain;
  }

  /** A constant as an initializer, a node, or what a few nodes make of another. */
  constant(tensor: Tensor): string {
    const known = Object.entries(this.#initializers).filter(
      ([, other]) => other.type === tensor.type && other.dims.join() === tensor.dims.join(),
    );
    if (tensor.type === this.type && known.length > 0 && this.random.chance(0.15))
      return this.random.pick(known)[0];
    return this.exactly(tensor);
  }

  /** A constant that must have these values. */
  exactly(tensor: Tensor): string {
    if (this.random.chance(0.2)) {
      const stored = storedDifferently(this, tensor);
      if (stored !== undefined) return stored;
    }
    if (this.random.chance(0.1)) return this.add('Constant', [], { value: { t: tensor } })!;
    return this.initializer(tensor);
  }

  initializer(tensor: Tensor): string {
    const name = this.fresh('c');
    this.#initializers[name] = tensor;
    const { type, dims, values } = tensor;
    this.#interpretation.values.set(name, { type, shape: dims, items: values });
    return name;
  }

  integers(values: readonly number[], type: Type = 'int64'): string {
    return this.exactly({ type, dims: [values.length], values });
  }

  /** Weights in the style of this model, with a sum of squares of about one per output. */
  weights(dims: readonly number[], fanIn: number): string {
    return this.constant(this.tensor(dims, fanIn));
  }

  tensor(dims: readonly number[], fanIn: number): Tensor {
    return { type: this.type, dims, values: this.scales.values(product(dims), fanIn) };
  }

  number(value: number, dims: readonly number[] = []): string {
    return this.exactly({ type: this.type, dims, values: [this.scales.stored(value)] });
  }

  /** The model up to a tensor. What the output does not need stays as a dead end. */
  finish(output: string): ModelDescription {
    return {
      opset: this.opset,
      input: this.#input,
      output,
      initializers: { ...this.#initializers },
      nodes: [...this.#nodes],
      functions: [...this.#functions],
    };
  }
}
