/** A network as the chain of dissipative layers that the program of `dissipativity.ts` is about. */

import { type Unsupported, UnsupportedError } from '../errors.ts';
import { channelEntries, slopeInterval } from '../network/elementwise/elementwise.ts';
import { mostWindowsSharing } from '../network/evaluation/windows.ts';
import type { DenseMatrix } from '../network/matrix.ts';
import type { Network, Node } from '../network/network.ts';
import type { Numbers } from '../network/numbers.ts';
import type { AveragePool, Convolution, Operator, OperatorKind } from '../network/operator.ts';
import { broadcast, product } from '../network/size.ts';
import { incrementScales } from './scales.ts';
import type { Slopes } from './sector.ts';
import { memoryless, realise, type StateSpace } from './stateSpace.ts';

/** y = the system's answer to u; then, with slopes, φ(y) entry by entry. */
export interface ChainLayer {
  readonly name: string;
  /** Takes the channels of several samples at once: of a stride, or of a whole signal where that is flattened. */
  readonly system: StateSpace;
  /** Channels of one sample of the input. */
  readonly channels: number;
  readonly slopes?: Slopes;
}

/**
 * What stands between two layers: pooling that a static supply rate passes. It obeys Σ_k ΔvᵀX Δv ≤ factor · Σ_k ΔuᵀX Δu over all samples
 * of its output v and its input u, for every X ⪰ 0, or only for every diagonal one.
 */
export interface Passage {
  readonly factor: number;
  readonly diagonal: boolean;
}

export interface Chain {
  readonly layers: readonly ChainLayer[];
  /** Before each layer, and after the last. */
  readonly passages: readonly Passage[];
  /** Channels of the network's input. */
  readonly channels: number;
  /** The unit of the output: the chain's own bound is to be multiplied by it. */
  readonly scale: number;
}

/**
 * The chain of a simplified network. Weights are in the units of `incrementScales`.
 * @throws UnsupportedError listing every node that the program has no inequality for
 */
export function chainOf(network: Network): Chain {
  const scales = incrementScales(network);
  const layers: ChainLayer[] = [];
  const passages: Passage[] = [{ factor: 1, diagonal: false }];
  const unsupported: Unsupported[] = [];
  let previous = network.input;
  /** The last layer is linear so far, and nothing has come after it. */
  let open = false;
  for (const node of network.nodes) {
    const reason = refusal(node, network);
    if (reason !== undefined) unsupported.push({ node: node.name, found: node.operator.kind, reason });
    else if (node.inputs[0] !== previous) {
      unsupported.push({ node: node.name, found: 'a branch', reason: BRANCHES });
    }
    previous = node.output;
    if (unsupported.length > 0) continue;

    const shape = network.tensors[node.inputs[0]!]!.shape;
    const ratio = scales[node.inputs[0]!]! / scales[node.output]!;
    const passage = passageOf(node.operator, product(shape.slice(1)));
    if (passage) {
      open = false;
      const last = passages.pop()!;
      passages.push({
        factor: last.factor * passage.factor * ratio ** 2,
        diagonal: last.diagonal || passage.diagonal,
      });
      continue;
    }
    if (node.operator.kind === 'nonlinearity') {
      const { lower, upper } = slopeInterval(node.operator.function);
      const slopes = { lower: lower.map((s) => s * ratio), upper: upper.map((s) => s * ratio) };
      // It belongs to the linear layer in front of it; where there is none, to the identity.
      if (open) {
        layers.push({ ...layers.pop()!, slopes });
        open = false;
        continue;
      }
      const system = memoryless(diagonal(shape[0]!, () => 1));
      layers.push({ name: node.name, system, channels: shape[0]!, slopes });
    } else {
      const system = scaled(linearSystem(node.operator, shape), ratio);
      layers.push({ name: node.name, system, channels: shape[0]! });
      open = true;
    }
    passages.push({ factor: 1, diagonal: false });
  }
  if (unsupported.length > 0) throw new UnsupportedError(unsupported);
  const channels = network.tensors[network.input]!.shape[0]!;
  return { layers, passages, channels, scale: scales[network.output]! };
}

const BRANCHES = 'the program is for chains of layers; for small networks try --formulation lipsdp';

const REASONS: Partial<Record<OperatorKind, string>> = {
  'transposed-convolution': 'transposed convolutions have no realisation here',
  'max-gather': 'maxima over lists of entries have no supply rate',
  pad: 'padding is covered where a convolution or an average pooling takes it in',
  reindex: 'between layers only a flatten in front of a fully connected one is covered',
  gather: 'entries that are picked or moved have no realisation here',
  add: BRANCHES,
  concat: BRANCHES,
  grouped: 'functions of groups have no supply rate',
  softmax: 'the program is for networks that end in their logits',
};

const PER_POSITION = 'numbers that differ from position to position have no realisation here';

/** Entries of one layer's input, states and output together, at most: matrices as large, and far more than solvers take. */
const MOST_ORDER = 2000;

/** Inputs and states of the realisation of a layer, at most: from sizes alone. */
function orderOf({ operator, inputs }: Node, network: Network): number {
  const channels = network.tensors[inputs[0]!]!.shape[0]!;
  switch (operator.kind) {
    case 'convolution':
    case 'average-pool': {
      const dilation = operator.kind === 'convolution' ? operator.dilation[0]! : 1;
      const columns = operator.stride[0]! * channels;
      const steps = Math.floor((dilation * (operator.kernel[0]! - 1)) / operator.stride[0]!);
      const outputs = operator.kind === 'convolution' ? operator.outputs : channels;
      return columns + steps * Math.min(columns, outputs);
    }
    case 'scale':
    case 'nonlinearity':
      return channels;
    default:
      return 0;
  }
}

/** Why the program does not cover a node; undefined where it does. */
function refusal(node: Node, network: Network): string | undefined {
  const { operator, inputs } = node;
  const axes = network.tensors[inputs[0]!]!.shape.length - 1;
  const order = orderOf(node, network);
  if (order > MOST_ORDER) {
    return `layers are written down with at most ${MOST_ORDER} inputs and states, this one has up to ${order}`;
  }
  const channels = network.tensors[inputs[0]!]!.shape[0]!;
  switch (operator.kind) {
    case 'scale':
      return operator.scale.length > channels ? PER_POSITION : undefined;
    case 'nonlinearity':
      return (channelEntries(operator.function)?.length ?? 1) > channels ? PER_POSITION : undefined;
    case 'convolution':
    case 'average-pool':
    case 'max-pool': {
      if (axes !== 1) return `the program is for signals of one axis, got ${axes}`;
      if (operator.kind === 'max-pool') return undefined;
      const { mode, before, after } = operator.padding;
      const padded = before[0]! + after[0]! > 0;
      if (padded && mode !== 'zero') return `signals start and end with zeros here, got ${mode} padding`;
      return operator.kind === 'average-pool' && padded && !operator.countIncludesPadding
        ? 'averages over fewer samples at the ends are no convolution; count the padding in'
        : undefined;
    }
    default:
      return REASONS[operator.kind];
  }
}

/** The windows of a pooling; undefined for other operators. `positions` are those of the input. */
function passageOf(operator: Operator, positions: number): Passage | undefined {
  switch (operator.kind) {
    case 'max-pool':
      // |max a − max b|² ≤ Σ |a_k − b_k|² over the window, in every channel.
      return {
        factor: mostWindowsSharing(operator.kernel[0]!, operator.stride[0]!, operator.dilation[0]!),
        diagonal: true,
      };
    case 'global-max-pool':
      return { factor: 1, diagonal: true };
    case 'global-average-pool':
      // By convexity, and with equality for constant signals.
      return { factor: operator.sum ? positions : 1 / positions, diagonal: false };
    default:
      return undefined;
  }
}

/** `shape` is that of the input. */
function linearSystem(operator: Operator, shape: readonly number[]): StateSpace {
  switch (operator.kind) {
    case 'convolution':
      return realise(operator).system;
    case 'average-pool':
      return realise(asConvolution(operator, shape[0]!)).system;
    case 'affine':
      return memoryless(bySample(operator.weight, operator.outputs, shape));
    case 'scale':
      return memoryless(diagonal(shape[0]!, (channel) => broadcast(operator.scale, channel)));
    default:
      throw new Error(`chain: linear operators that have a realisation, got ${operator.kind}`);
  }
}

function asConvolution({ kernel, stride, padding }: AveragePool, channels: number): Convolution {
  return {
    kind: 'convolution',
    outputs: channels,
    inputs: channels,
    groups: channels,
    kernel,
    stride,
    dilation: [1],
    padding,
    weight: new Float64Array(channels * kernel[0]!).fill(1 / kernel[0]!),
  };
}

/** Columns in the order of samples, then channels, where a flattened signal has them the other way round. */
function bySample(weight: Numbers, rows: number, [channels, ...sides]: readonly number[]): DenseMatrix {
  const positions = product(sides);
  const columns = channels! * positions;
  const data = new Float64Array(weight.length);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < channels!; c++) {
      for (let k = 0; k < positions; k++) {
        data[row * columns + k * channels! + c] = weight[row * columns + c * positions + k]!;
      }
    }
  }
  return { rows, columns, data };
}

/** The system with its output multiplied by a power of two. */
function scaled({ a, b, c, d }: StateSpace, factor: number): StateSpace {
  const times = (m: DenseMatrix) => ({ ...m, data: m.data.map((value) => value * factor) });
  return { a, b, c: times(c), d: times(d) };
}

function diagonal(size: number, value: (k: number) => number): DenseMatrix {
  const data = new Float64Array(size * size);
  for (let k = 0; k < size; k++) data[k * size + k] = value(k);
  return { rows: size, columns: size, data };
}
