/**
 * Builds networks: infers shapes, refuses what does not fit or holds numbers that are no numbers.
 * Cycles cannot be written down, since a node can only take tensors that exist.
 */
import { InputError } from '../errors.ts';
import { checkElementwise, slopeInterval } from './elementwise/elementwise.ts';
import { ELEMENTWISE, type Elementwise, type ElementwiseName } from './elementwise/table.ts';
import { largestModulus } from './extremes.ts';
import { softmaxOfGroups } from './groups/grouped.ts';
import { groupDefinitionOf } from './groups/table.ts';
import type { Network, Node, Source, Tensor, TensorId, Tie } from './network.ts';
import { type Magnitude, magnitudeOf, UNKNOWN } from './norms/magnitudes.ts';
import { firstNotFinite } from './numbers.ts';
import type { Affine, Operator } from './operator.ts';
import { prune } from './prune.ts';
import { checkShape, outputShape, unknownOperator } from './shape.ts';
import { product } from './size.ts';

/** A fully connected layer as plain numbers. */
export interface DenseLayer {
  /** Rows, one per output, or all entries row by row in an array of float32 or float64, which must not change thereafter. */
  readonly weight: readonly ArrayLike<number>[] | Float32Array | Float64Array;
  /** One number per output; absent: zeros. */
  readonly bias?: ArrayLike<number>;
  /** What follows: a function, or the name of one without parameters; absent: nothing. */
  readonly activation?: Elementwise | ElementwiseName;
}

/**
 * A network under construction:
 *
 *     const b = new NetworkBuilder('tiny');
 *     const x = b.input('x', [4]);
 *     const y = b.add('fc', { kind: 'affine', outputs: 2, inputs: 4, weight }, [x]);
 *     const network = b.build(y);
 */
export class NetworkBuilder {
  private readonly name: string;
  private readonly tensors: Tensor[] = [];
  private readonly nodes: Node[] = [];
  private inputId: TensorId | undefined;
  private readonly magnitudes = new Map<TensorId, Magnitude>();

  constructor(name: string) {
    this.name = name;
  }

  /**
   * A network of fully connected layers:
   *
   *     NetworkBuilder.fromDense([
   *       { weight: [[1, -2], [0.5, 3], [2, 0]], bias: [0, 1, 0], activation: 'relu' },
   *       { weight: [[1, 1, -1]] },
   *     ]);
   *
   * @param inputs entries of the input; to be given where the first layer has its weights in one array and no bias
   * @throws InputError for sizes that do not fit, numbers that are none, and fields and functions that are not known
   */
  static fromDense(layers: readonly DenseLayer[], inputs?: number): Network {
    const builder = new NetworkBuilder('dense');
    let x: TensorId | undefined;
    for (const [k, layer] of layers.entries()) {
      const name = `layer ${k + 1}`;
      const { weight, bias, activation } = checkedDense(name, layer);
      const known = x === undefined ? inputs : builder.shape(x)[0]!;
      const affine = denseAffine(name, weight, bias, known);
      x = builder.add(name, affine, [x ?? builder.input('input', [affine.inputs])]);
      if (activation)
        x = builder.add(`${activation.name} ${k + 1}`, { kind: 'nonlinearity', function: activation }, [x]);
    }
    if (x === undefined) throw new InputError('dense: must have layers, got none');
    return builder.build(x);
  }

  /**
   * Declares the input, which a network has exactly one of. `shape` is without the batch axis.
   * @throws InputError
   */
  input(name: string, shape: readonly number[]): TensorId {
    if (this.inputId !== undefined) {
      throw new InputError(
        `${name}: a network has one input, got a second besides ${this.tensors[this.inputId]!.name}`,
      );
    }
    checkShape(`${name}: input`, shape);
    this.inputId = this.tensors.push({ name, shape: [...shape] }) - 1;
    return this.inputId;
  }

  /**
   * Appends a node and returns the id of its output. An empty name is replaced by one made of the operator and
   * the node's number; the output tensor is called after its node unless `outputName` is given.
   * @throws InputError that starts with the node's name
   */
  add(name: string, operator: Operator, inputs: readonly TensorId[], outputName?: string): TensorId {
    const node = name === '' ? `${operator.kind.replaceAll('-', '_')}_${this.nodes.length}` : name;
    const shapes = inputs.map((id) => this.tensor(node, id).shape);
    const shape = outputShape(node, operator, shapes);
    checkNumbers(node, operator, shape);
    const output = this.tensors.push({ name: outputName ?? node, shape }) - 1;
    this.nodes.push({ name: node, operator, inputs: [...inputs], output });
    return output;
  }

  /** The shape inferred for a tensor. */
  shape(id: TensorId): readonly number[] {
    return this.tensor('shape', id).shape;
  }

  /** What no entry of a tensor exceeds, whatever the input is. Looks at every weight in front of it, once. */
  magnitude(id: TensorId): { readonly most: number; readonly ofLength: boolean } {
    for (let k = this.magnitudes.size; k < this.nodes.length; k++) {
      const { operator, inputs, output } = this.nodes[k]!;
      const known = inputs.map((input) => this.magnitudes.get(input) ?? UNKNOWN);
      this.magnitudes.set(output, magnitudeOf(operator, known, this.shape(inputs[0]!)));
    }
    return this.magnitudes.get(id) ?? UNKNOWN;
  }

  /** Says of a tensor what no entry of it exceeds, where that is known to be less than what its operators show. */
  limit(id: TensorId, most: number): void {
    const shown = this.magnitude(id);
    if (most < shown.most) this.magnitudes.set(id, { ...shown, most });
  }

  /** How steep the function is that makes a tensor: 1 for what is not made by one of single numbers. */
  steepness(id: TensorId): number {
    const operator = this.nodes.findLast((node) => node.output === id)?.operator;
    if (operator?.kind !== 'nonlinearity') return 1;
    const { lower, upper } = slopeInterval(operator.function);
    return Math.max(largestModulus(lower), largestModulus(upper));
  }

  /**
   * The network that computes `output`, without the nodes that it does not depend on. Every tensor depends on the
   * input, so a constant network cannot arise here.
   * @param ties what ties it to the length of its file; none where every node means its operator at every length
   * @throws InputError without an input
   */
  build(output: TensorId, source?: Source, ties: readonly Tie[] = []): Network {
    if (this.inputId === undefined) throw new InputError(`${this.name}: a network has one input, got none`);
    this.tensor('output', output);
    const { name, tensors, nodes, inputId: input } = this;
    const said = { ...(source && { source }), ...(ties.length > 0 && { ties }) };
    const network = prune({ name, ...said, tensors, nodes, input, output });
    const last = lastOperation(network);
    const rewritten = network.nodes.map((node) =>
      node.operator.kind === 'softmax' && node !== last
        ? { ...node, operator: softmaxOfGroups(node.operator, network.tensors[node.output]!.shape[0]!) }
        : node,
    );
    return { ...network, nodes: rewritten };
  }

  private tensor(node: string, id: TensorId): Tensor {
    const tensor = this.tensors[id];
    if (!tensor)
      throw new InputError(`${node}: tensors are numbered up to ${this.tensors.length - 1}, got ${id}`);
    return tensor;
  }
}

const DENSE_FIELDS = ['weight', 'bias', 'activation'];

/** The layer with its function in full. */
function checkedDense(
  name: string,
  layer: DenseLayer,
): Pick<DenseLayer, 'weight' | 'bias'> & { readonly activation?: Elementwise } {
  const unknown = Object.keys(layer).filter((key) => !DENSE_FIELDS.includes(key));
  if (unknown.length > 0) {
    throw new InputError(`${name}: must have ${DENSE_FIELDS.join(', ')}, got ${unknown.join(', ')}`);
  }
  const { weight, bias, activation } = layer;
  const called = typeof activation === 'string' ? activation : activation?.name;
  if (called === undefined) return { weight, ...(bias && { bias }) };
  if (!Object.hasOwn(ELEMENTWISE, called)) {
    throw new InputError(
      `${name}: activation must be one of ${Object.keys(ELEMENTWISE).join(', ')}, got ${called}`,
    );
  }
  const plain = ELEMENTWISE[called].examples.some((example) => Object.keys(example).length === 1);
  if (typeof activation === 'string' && !plain) {
    throw new InputError(
      `${name}: activation must be given with its parameters, got the name ${called} alone`,
    );
  }
  const f = typeof activation === 'string' ? ({ name: called } as Elementwise) : activation!;
  return { weight, ...(bias && { bias }), activation: f };
}

/** @param known the number of inputs, where something else says it */
function denseAffine(
  name: string,
  weight: DenseLayer['weight'],
  bias: ArrayLike<number> | undefined,
  known: number | undefined,
): Affine {
  const flat = weight instanceof Float32Array || weight instanceof Float64Array;
  const outputs = flat ? (bias?.length ?? weight.length / known!) : weight.length;
  const inputs = flat ? weight.length / outputs : (weight[0]?.length ?? 0);
  if (!(Number.isSafeInteger(outputs) && Number.isSafeInteger(inputs))) {
    throw new InputError(
      `${name}: weights in one array must be a whole number of rows (inputs and biases say how many), got ${weight.length} numbers`,
    );
  }
  const ragged = flat ? -1 : weight.findIndex((row) => row.length !== inputs);
  if (ragged >= 0) {
    throw new InputError(
      `${name}: rows must be of one length, got ${inputs} and ${(weight[ragged] as ArrayLike<number>).length}`,
    );
  }
  const numbers = flat ? weight : Float64Array.from(weight.flatMap((row) => Array.from(row)));
  return { kind: 'affine', outputs, inputs, weight: numbers, ...(bias && { bias: Float64Array.from(bias) }) };
}

/** The node that makes the output, reindexes of it aside. */
function lastOperation({ nodes, output }: Network): Node | undefined {
  const producers = new Map(nodes.map((node) => [node.output, node]));
  let last = producers.get(output);
  while (last?.operator.kind === 'reindex') last = producers.get(last.inputs[0]!);
  return last;
}

/** Weights and parameters must be finite. */
function checkNumbers(node: string, operator: Operator, shape: readonly number[]): void {
  const finite = (what: string, values: ArrayLike<number> | undefined) => {
    const at = values ? firstNotFinite(values) : -1;
    if (at < 0) return;
    throw new InputError(`${node}: ${operator.kind}: ${what} must be finite, got ${values![at]} at ${at}`);
  };
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution':
      finite('weight', operator.weight);
      finite('bias', operator.bias);
      return;
    case 'scale':
      finite('scale', operator.scale);
      finite('shift', operator.shift);
      return;
    case 'add':
      finite('coefficients', operator.coefficients);
      return;
    case 'grouped': {
      const fault = groupDefinitionOf(operator.function).fault?.(operator.function);
      if (fault) throw new InputError(`${node}: ${operator.function.name}: ${fault[0]}, got ${fault[1]}`);
      return;
    }
    case 'nonlinearity':
      checkElementwise(node, operator.function, shape[0]!, product(shape));
      return;
    case 'average-pool':
    case 'max-pool':
    case 'max-gather':
    case 'global-average-pool':
    case 'global-max-pool':
    case 'pad':
    case 'reindex':
    case 'gather':
    case 'concat':
    case 'softmax':
      return;
    default:
      throw unknownOperator(operator);
  }
}
