/** One node being converted: its inputs as values, and everything a converter may ask or do. */
import { InputError, UnsupportedError } from '../../errors.ts';
import type { NetworkBuilder } from '../../network/builder.ts';
import { type Follows, OWN_FIELDS, passesOn, tied } from '../../network/lengths/follows.ts';
import type { TensorId, Tie } from '../../network/network.ts';
import type { Operator } from '../../network/operator.ts';
import { product, sameShape } from '../../network/size.ts';
import type { Budget } from '../budget.ts';
import type { GraphNode } from './graph.ts';
import type { UniqueNames } from './names.ts';
import type { Attributes } from './values/attributes.ts';
import { type Constant, integerVector } from './values/constant.ts';
import { type ElementTypes, isInteger } from './values/elementType.ts';
import type { Stores } from './values/tensors.ts';

/** A tensor that depends on the network's input. */
export interface Signal {
  readonly kind: 'signal';
  readonly id: TensorId;
  /** ONNX dims without the batch axis; empty for one number per sample (the network's tensor is then [1]). */
  readonly shape: readonly number[];
  /** Whether the ONNX tensor has the batch as its first axis. */
  readonly batched: boolean;
}

export type Value = Constant | Signal;

/** A size of an ONNX tensor, or the batch size where it is open. */
export type Dimension = number | 'batch';

/** What all nodes of one reading share. */
export interface Scope {
  readonly builder: NetworkBuilder;
  /**
   * The batch size that the file fixes; undefined if it is open. With a batch of 1 a tensor may lose and regain
   * the batch axis; it is `batched` exactly when its first side is 1 and it has others.
   */
  readonly batch: number | undefined;
  readonly budget: Budget;
  /** The number formats of the values of the file. */
  readonly types: ElementTypes;
  /** The names of the network's nodes. */
  readonly names: UniqueNames;
  readonly stores: Stores;
  /** The network's tensors whose sides, the first aside, follow the length of its input. */
  readonly followers: Set<TensorId>;
  /** What ties the network to the length of the file; grows. */
  readonly ties: Tie[];
}

/** How the reasons begin for what has no bound at all. */
export const UNBOUNDED = 'no global bound exists';

/** What is said of nodes that move or mix the first axis. */
export const MIXED_BATCH = 'the batch axis is not left alone';

/** What helps where the size of the batch is needed. */
export const FIX_BATCH = 'give the size of the batch (the option batch)';

/** What converters that say nothing are taken to do. */
const UNDECLARED = tied('an operator', 'it does not say how it follows the length of the signal');

export class Call {
  readonly node: GraphNode;
  readonly scope: Scope;
  readonly inputs: readonly (Value | undefined)[];
  /** Whether something that the call reads is computed from the length. */
  readonly ofLength: boolean;

  constructor(node: GraphNode, inputs: readonly (Value | undefined)[], scope: Scope) {
    this.node = node;
    this.inputs = inputs;
    this.scope = scope;
    this.ofLength = inputs.some((value) => value?.kind === 'constant' && value.ofLength === true);
  }

  /** The same node reading something else. */
  withInputs(inputs: readonly (Value | undefined)[]): Call {
    return new Call(this.node, inputs, this.scope);
  }

  get attributes(): Attributes {
    return this.node.attributes;
  }

  get opset(): number {
    return this.node.opset;
  }

  // ---- refusals -------------------------------------------------------------------------------

  /** What the node holds has no bound, or none is offered. */
  refuse(found: string, reason: string): never {
    const { name, opType } = this.node;
    throw new UnsupportedError([
      { node: name, found: found === '' ? opType : `${opType}: ${found}`, reason },
    ]);
  }

  /** The node breaks the rules of ONNX. */
  malformed(rule: string, got: string | number | readonly Dimension[]): never {
    const shown = Array.isArray(got) ? `[${got.join(', ')}]` : got;
    throw new InputError(`${this.node.name}: ${this.node.opType}: ${rule}, got ${shown}`);
  }

  demand(holds: boolean, rule: string, got: string | number | readonly Dimension[]): void {
    if (!holds) this.malformed(rule, got);
  }

  // ---- inputs ---------------------------------------------------------------------------------

  /** The given input, constant or not. */
  value(index: number): Value {
    return this.inputs[index] ?? this.malformed(`input ${index} must be given`, 'none');
  }

  /** The given input, which must depend on the network's input. */
  signal(index: number): Signal {
    const value = this.value(index);
    if (value.kind === 'signal') return value;
    return this.refuse(`input ${index} is a constant`, 'it must depend on the network’s input');
  }

  /** The given input, which must be known now; undefined where it is absent. */
  constant(index: number): Constant | undefined {
    const value = this.inputs[index];
    if (value?.kind !== 'signal') return value;
    const reason = `${UNBOUNDED} for what multiplies or rearranges data by data, as self-attention does; it must be a constant`;
    return this.refuse(`input ${index} depends on the network’s input`, reason);
  }

  requiredConstant(index: number): Constant {
    return this.constant(index) ?? this.malformed(`input ${index} must be given`, 'none');
  }

  /** A list of known integers. */
  integers(index: number): number[] | undefined {
    if (!this.inputs[index]) return undefined;
    const constant = this.numbers(index);
    this.demand(isInteger(constant.type), `input ${index} must hold integers`, constant.type);
    this.demand(constant.shape.length <= 1, `input ${index} must be a vector`, constant.shape);
    return [...constant.data];
  }

  /** A single known number. */
  scalar(index: number): number | undefined {
    if (!this.inputs[index]) return undefined;
    const constant = this.numbers(index);
    this.demand(constant.data.length === 1, `input ${index} must be one number`, constant.shape);
    return constant.data[0];
  }

  /** A constant without an open batch size among its entries. */
  known(index: number): Constant {
    const constant = this.requiredConstant(index);
    if (!constant.batch) return constant;
    return this.refuse(`input ${index} depends on the batch size`, FIX_BATCH);
  }

  /** A constant to compute with: every entry is known, and integers are below 2^53. */
  numbers(index: number): Constant {
    const constant = this.known(index);
    if (isInteger(constant.type) && !constant.data.every(Number.isFinite)) {
      this.refuse(`input ${index} holds an integer beyond 2^53`, 'integers are computed up to 2^53');
    }
    return constant;
  }

  /** A list of integers that is an attribute up to some operator set, and an input since. */
  listArgument(name: string, index: number, inputSince: number): number[] | undefined {
    return this.opset >= inputSince ? this.integers(index) : this.attributes.integers(name);
  }

  /** An axis of a tensor of `rank` axes, counted from the front. */
  axis(axis: number, rank: number): number {
    const fromFront = axis < 0 ? axis + rank : axis;
    this.demand(fromFront >= 0 && fromFront < rank, `axes must lie in [${-rank}, ${rank})`, axis);
    return fromFront;
  }

  /** Distinct axes in ascending order. */
  axes(axes: readonly number[], rank: number): number[] {
    const result = [...new Set(axes.map((axis) => this.axis(axis, rank)))].sort((a, b) => a - b);
    this.demand(result.length === axes.length, 'axes must be distinct', axes);
    return result;
  }

  // ---- shapes of signals ----------------------------------------------------------------------

  /** The ONNX dims of a value, the batch axis included. */
  dims(value: Value): Dimension[] {
    if (value.kind === 'constant' || !value.batched) return [...value.shape];
    return [this.scope.batch === 1 ? 1 : 'batch', ...value.shape];
  }

  /** The dims as a constant, which is what Shape gives. */
  dimsConstant(value: Value, start: number, end: number): Constant {
    const dims = this.dims(value).slice(start, end);
    const vector = integerVector(dims.map((side) => (side === 'batch' ? Number.NaN : side)));
    const batch = new Set([...dims.keys()].filter((i) => dims[i] === 'batch'));
    const following = value.kind === 'signal' ? this.followingAxes(value) : [];
    const ofLength = following.some((axis) => axis >= start && axis < end);
    return { ...vector, ofLength, ...(batch.size > 0 && { batch }) };
  }

  /** Whether the signal's sides follow the length of the network's input. */
  follows(signal: Signal): boolean {
    return this.scope.followers.has(signal.id);
  }

  /** The ONNX axes, the batch counted, whose sides follow the length of the network's input. */
  followingAxes(signal: Signal): number[] {
    if (!this.follows(signal)) return [];
    const channel = signal.batched ? 1 : 0;
    return this.dims(signal).flatMap((_, axis) => (axis > channel ? [axis] : []));
  }

  /** The signal with all its axes, the batch among them, as axes of the sample. */
  unbatched(signal: Signal): Signal {
    if (!signal.batched) return signal;
    if (this.scope.batch !== 1) {
      this.refuse(
        MIXED_BATCH,
        `it must remain the first axis, and samples must not mix${this.scope.batch === undefined ? `; or ${FIX_BATCH}` : ''}`,
      );
    }
    return this.view(signal, [1, ...signal.shape], false);
  }

  /** The batch of 1 as the batch axis again, wherever it can be. */
  settled(signal: Signal): Signal {
    const [first, ...rest] = signal.shape;
    if (signal.batched || this.scope.batch !== 1 || first !== 1 || rest.length === 0) return signal;
    return this.view(signal, rest, true);
  }

  /** The same entries in the same order, with another shape. */
  view(signal: Signal, shape: readonly number[], batched = signal.batched): Signal {
    const from = networkShape(signal.shape);
    const to = networkShape(shape);
    if (sameShape(from, to)) return { ...signal, shape, batched };
    this.demand(product(from) === product(to), `the shape must have ${product(from)} entries`, shape);
    const reindex: Operator = { kind: 'reindex', permutation: [...from.keys()], shape: to };
    return { ...this.emit(reindex, [signal], OWN_FIELDS, 'reindex'), shape, batched };
  }

  /** The axes of the sample reordered (axis a of the result is axis permutation[a]), then read with `shape`. */
  permuted(signal: Signal, permutation: readonly number[], shape?: readonly number[]): Signal {
    const result = shape ?? permutation.map((axis) => signal.shape[axis]!);
    if (permutation.every((axis, i) => axis === i)) return this.view(signal, result);
    const reindex: Operator = { kind: 'reindex', permutation, shape: networkShape(result) };
    return { ...this.emit(reindex, [signal], OWN_FIELDS, 'reindex'), shape: result };
  }

  /** An image [channels, …] with 1 to 3 spatial axes and a batch axis before it. */
  image(index: number): Signal {
    const signal = this.settled(this.signal(index));
    if (!signal.batched || signal.shape.length < 2 || signal.shape.length > 4) {
      const reason = 'images are [batch, channels, …] with 1 to 3 spatial axes';
      this.refuse(`an input of shape [${this.dims(signal).join(', ')}]`, reason);
    }
    return signal;
  }

  // ---- output ---------------------------------------------------------------------------------

  /**
   * Says that the node, or a part of it, is what it is at the length of the file alone. Where converters emit nothing, since there is
   * nothing to do at that length, this is how they say that there may be at others.
   */
  tie(found: string, reason: string): void {
    const { name, opType } = this.node;
    this.scope.ties.push({ node: name, found: `${opType}: ${found}`, reason });
  }

  /**
   * Appends an operator to the network. Its output has the batch axis of its first input.
   * @param follows how the operator follows the length of the signal, if its inputs do: whoever says nothing ties the network
   * @param part set where a node becomes several operators: what this one does
   */
  emit(operator: Operator, inputs: readonly Signal[], follows: Follows = UNDECLARED, part?: string): Signal {
    const { builder, names, budget, followers } = this.scope;
    // The builder looks at every weight, and many nodes may share one.
    if ('weight' in operator) budget.work(this.node.name, operator.weight.length);
    const name = names.claim(part === undefined ? this.node.name : `${this.node.name} (${part})`);
    const id = builder.add(
      name,
      operator,
      inputs.map((signal) => signal.id),
    );
    const following = inputs.map((signal) => this.follows(signal));
    if (passesOn(operator, following)) followers.add(id);
    if (following.includes(true)) this.declare(name, follows);
    return { kind: 'signal', id, shape: builder.shape(id), batched: inputs[0]!.batched };
  }

  /** As `emit`, for operators that leave the shape alone. */
  emitSame(operator: Operator, input: Signal, follows?: Follows, part?: string): Signal {
    return { ...this.emit(operator, [input], follows, part), shape: input.shape };
  }

  private declare(node: string, follows: Follows): void {
    const { opType } = this.node;
    if (follows.kind === 'tied') {
      const { found, reason } = follows;
      this.scope.ties.push({ node, found: `${opType}: ${found}`, reason });
    } else if (follows.from !== undefined && follows.from > 1) {
      const reason = `in signals of fewer than ${follows.from} samples it is another operator`;
      this.scope.ties.push({ node, found: opType, reason, from: follows.from });
    }
  }
}

/** Networks have no tensors without axes. */
function networkShape(shape: readonly number[]): readonly number[] {
  return shape.length === 0 ? [1] : shape;
}
