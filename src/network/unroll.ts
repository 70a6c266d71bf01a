/**
 * Networks whose convolutions are dense matrices on flat vectors (docs/mathematics.md §3): one multiplier per neuron, and
 * every padding mode.
 */
import { mapChannelEntries } from './elementwise/elementwise.ts';
import { entrySources, listedWindows } from './evaluation/gather.ts';
import { placedGroups, softmaxOfGroups } from './groups/grouped.ts';
import { isLinear, type LinearOperator } from './linearOperator.ts';
import { kernelGradient, linearMatrix, linearOffset } from './matrix.ts';
import type { Network, Node, Tensor, TensorId } from './network.ts';
import type { Numbers } from './numbers.ts';
import type { Affine, Operator } from './operator.ts';
import { prune } from './prune.ts';
import { unknownOperator } from './shape.ts';
import { scalePerEntry } from './simplify/fold.ts';
import { perEntry, product, sameShape } from './size.ts';
import { constants, madeOf } from './weights/origin.ts';

type Shape = readonly number[];

/**
 * The same function with flat vectors from node `from` on: every linear operator becomes an affine one with its
 * dense matrix (a scale stays a scale, with one entry per neuron; a reindex that keeps the row-major order
 * vanishes), max pools become `max-gather`, per-channel parameters become per-neuron ones. Nodes before `from`
 * stay as they are; what an unrolled operator reads from them is flattened in front of it, by the operator
 * itself if it is affine or a maximum and by a reindex otherwise. A softmax over the channels of an image becomes
 * one of groups, position by position. With `from` = 0 the input is flat too. What only moves entries stays a `gather`.
 *
 * Allocates what `unrolledSize` announces.
 * @throws RangeError if `from` is not in [0, number of nodes]
 */
export function unroll(network: Network, from: number): Network {
  checkStart(network, from);
  const tensors: Tensor[] = network.tensors.map((t) => ({ ...t }));
  const nodes: Node[] = network.nodes.slice(0, from);
  const shape = (id: TensorId) => network.tensors[id]!.shape;
  /** Where the entries of an original tensor are found, flat or as a prefix left them. */
  const standIn = network.tensors.map((_, id) => id);
  if (from === 0) tensors[network.input] = flat(network.tensors[network.input]!);

  const append = (node: Omit<Node, 'output'>, output: Tensor): TensorId => {
    const id = tensors.push(output) - 1;
    nodes.push({ ...node, output: id });
    return id;
  };
  const reshaped = (id: TensorId, to: Shape): TensorId => {
    const { name, shape: now } = tensors[id]!;
    if (sameShape(now, to)) return id;
    const operator: Operator = { kind: 'reindex', permutation: now.map((_, axis) => axis), shape: to };
    return append(
      { name: `${name}_reshaped`, operator, inputs: [id] },
      { name: `${name}_reshaped`, shape: to },
    );
  };

  for (const node of network.nodes.slice(from)) {
    const inputs = node.inputs.map((id) => standIn[id]!);
    if (isRowMajorReshape(node.operator)) {
      standIn[node.output] = inputs[0]!;
      continue;
    }
    const operator = unrolledOperator(node.operator, shape(node.inputs[0]!), shape(node.output));
    const output = network.tensors[node.output]!;
    const flattensItself =
      operator.kind === 'affine' || operator.kind === 'gather' || operator.kind === 'max-gather';
    const vectors = flattensItself ? inputs : inputs.map((id) => reshaped(id, [product(tensors[id]!.shape)]));
    standIn[node.output] = append({ ...node, operator, inputs: vectors }, flat(output));
  }
  return prune({ ...network, tensors, nodes, output: standIn[network.output]! });
}

export interface UnrolledSize {
  /** Entries of the largest tensor that an unrolled operator reads or writes. */
  readonly largestNeurons: number;
  /** Bytes of all dense matrices, those that were affine before included. */
  readonly bytes: number;
  /** Floating-point operations of one closed-form pass over a chain of them: W Q Wᵀ for each o × i matrix,
   *  2·o·i·(i + o), and an inverse of n neurons for each nonlinearity, n³. */
  readonly flops: number;
}

/** What `unroll(network, from)` and a bound of its result would cost, without allocating any of it. */
export function unrolledSize(network: Network, from: number): UnrolledSize {
  checkStart(network, from);
  let largestNeurons = 0;
  let bytes = 0;
  let flops = 0;
  for (const { operator, inputs, output } of network.nodes.slice(from)) {
    const sizes = inputs.map((id) => product(network.tensors[id]!.shape));
    const i = sizes[0]!;
    const o = product(network.tensors[output]!.shape);
    largestNeurons = Math.max(largestNeurons, o, ...sizes);
    if (operator.kind === 'nonlinearity') flops += o ** 3;
    if (isLinear(operator) && operator.kind !== 'scale' && !isRowMajorReshape(operator)) {
      bytes += 8 * i * o;
      flops += 2 * o * i * (i + o);
    }
  }
  return { largestNeurons, bytes, flops };
}

function checkStart(network: Network, from: number): void {
  if (!(Number.isInteger(from) && from >= 0 && from <= network.nodes.length)) {
    throw new RangeError(`unroll: from must be an integer in [0, ${network.nodes.length}], got ${from}`);
  }
}

/** The flat indices of all entries stay what they are. */
function isRowMajorReshape(operator: Operator): boolean {
  return operator.kind === 'reindex' && operator.permutation.every((axis, position) => axis === position);
}

function unrolledOperator(operator: Operator, input: Shape, output: Shape): Operator {
  switch (operator.kind) {
    case 'convolution':
    case 'transposed-convolution':
    case 'average-pool':
    case 'global-average-pool':
    case 'pad': {
      const { rows: outputs, columns: inputs, data, ...exactness } = linearMatrix(operator, input);
      const weight = withOrigin(data, operator, input);
      const dense: Affine = { kind: 'affine', outputs, inputs, weight, ...exactness };
      return 'bias' in operator && operator.bias ? { ...dense, bias: linearOffset(operator, input) } : dense;
    }
    case 'reindex':
    case 'gather':
      return { kind: 'gather', sources: entrySources(operator, input), shape: [product(output)] };
    case 'scale':
      return scalePerEntry(operator, input);
    case 'nonlinearity':
      return {
        kind: 'nonlinearity',
        function: mapChannelEntries(operator.function, (own) => perEntry(own, input)),
      };
    case 'max-pool':
    case 'global-max-pool':
      return { kind: 'max-gather', windows: listedWindows(operator, input, output) };
    case 'grouped': {
      const groups = placedGroups(operator, input).map(({ sources }) => sources);
      return operator.function.name === 'max'
        ? { kind: 'max-gather', windows: groups }
        : { ...operator, groups, wide: false };
    }
    case 'affine':
    case 'max-gather':
    case 'add':
    case 'concat':
      return operator;
    case 'softmax':
      return product(input) === input[0]
        ? operator
        : unrolledOperator(softmaxOfGroups(operator, input[0]!), input, output);
    default:
      throw unknownOperator(operator);
  }
}

/** The matrix, of which is known where its weights come from. */
function withOrigin(data: Numbers, operator: LinearOperator, input: Shape): Numbers {
  if (operator.kind !== 'convolution' && operator.kind !== 'transposed-convolution') return constants(data);
  const { weight, ...rest } = operator;
  return madeOf(data, weight, (gradient) => kernelGradient(rest, input, gradient));
}

function flat({ name, shape }: Tensor): Tensor {
  return { name, shape: [product(shape)] };
}
