/**
 * Norms of inputs and outputs as operators at the ends of a network (docs/mathematics.md §9). What they add are maxima of single entries, of
 * which a recursion uses that the result changes by no more than the entry: that is all that is known of an input of the ℓ∞ ball.
 */
import type { Network, Node, Tensor } from '../network.ts';
import type { Affine, MaxGather, Operator } from '../operator.ts';
import { product } from '../size.ts';

/** A network whose input is one number or one image of numbers, and what its ℓ2 bound is multiplied with. */
export interface OfBall {
  readonly network: Network;
  /** The root of the positions that share a multiplier: 1 where every entry has its own. */
  readonly factor: number;
}

/**
 * The network on inputs that change by at most 1 in every entry: an ℓ2 bound of the result, times the factor, is one from ℓ∞. Every entry
 * of a vector has a multiplier of its own; of an image, every channel.
 */
export function ofLargestEntry(network: Network): OfBall {
  const { name, shape } = network.tensors[network.input]!;
  const reader = network.nodes.filter(({ inputs }) => inputs.includes(network.input));
  const flat = shape.length === 1 || reader.every(({ operator }) => operator.kind === 'affine');
  if (flat) {
    const entries = product(shape);
    const windows = Array.from({ length: entries }, () => Int32Array.of(0));
    const spread: MaxGather = { kind: 'max-gather', windows };
    const steps = [{ name: `${name} (ℓ∞)`, operator: spread, shape: [entries] }];
    return { network: preceded(network, `${name} (one)`, [1], steps), factor: 1 };
  }
  const [channels, ...window] = shape as [number, ...number[]];
  const ones = window.map(() => 1);
  const none = window.map(() => 0);
  const spread: Operator = {
    ...{
      kind: 'convolution',
      outputs: channels,
      inputs: 1,
      groups: 1,
      kernel: ones,
      stride: ones,
      dilation: ones,
    },
    padding: { mode: 'zero', before: none, after: none },
    weight: new Float64Array(channels).fill(1),
  };
  const single: Operator = {
    kind: 'max-pool',
    kernel: ones,
    stride: ones,
    dilation: ones,
    before: none,
    after: none,
  };
  return {
    network: preceded(
      network,
      `${name} (one)`,
      [1, ...window],
      [
        { name: `${name} (channels)`, operator: spread, shape },
        { name: `${name} (ℓ∞)`, operator: single, shape },
      ],
    ),
    factor: Math.sqrt(product(window)),
  };
}

interface Step {
  readonly name: string;
  readonly operator: Operator;
  readonly shape: readonly number[];
}

/** The network behind some steps, the first of which reads a new input. */
function preceded(network: Network, name: string, shape: readonly number[], steps: readonly Step[]): Network {
  const tensors: Tensor[] = [...network.tensors];
  const input = tensors.push({ name, shape }) - 1;
  let from = input;
  const nodes = steps.map(({ name, operator, shape }, k): Node => {
    const output = k === steps.length - 1 ? network.input : tensors.push({ name, shape }) - 1;
    const node = { name, operator, inputs: [from], output };
    from = output;
    return node;
  });
  tensors[network.input] = { name: steps.at(-1)!.name, shape: steps.at(-1)!.shape };
  return { ...network, tensors, nodes: [...nodes, ...network.nodes], input };
}

/** The network whose one output is the sum of what the moduli of its outputs change by, at most: an ℓ2 bound of it is one in ℓ1. */
export function withSumOfModuli(network: Network): Network {
  const outputs = product(network.tensors[network.output]!.shape);
  const windows = Array.from({ length: outputs }, (_, k) => Int32Array.of(k));
  const { name } = network.tensors[network.output]!;
  const moduli = appended(network, `${name} (moduli)`, { kind: 'max-gather', windows }, outputs);
  return appended(moduli, `${name} (ℓ1)`, sumOf(new Float64Array(outputs).fill(1)), 1);
}

/** The network whose one output is output i minus output j of another. */
export function withDifference(network: Network, [i, j]: readonly [number, number]): Network {
  const weight = new Float64Array(product(network.tensors[network.output]!.shape));
  weight[i] = 1;
  weight[j] = -1;
  return appended(network, `output ${i} − output ${j}`, sumOf(weight), 1);
}

function sumOf(weight: Float64Array): Affine {
  return { kind: 'affine', outputs: 1, inputs: weight.length, weight };
}

function appended(network: Network, name: string, operator: Operator, outputs: number): Network {
  const output = network.tensors.length;
  return {
    ...network,
    tensors: [...network.tensors, { name, shape: [outputs] }],
    nodes: [...network.nodes, { name, operator, inputs: [network.output], output }],
    output,
  };
}

/** The network on inputs that are multiplied by weights, entry by entry: its bounds are for changes relative to these. */
export function weighted(network: Network, weights: Float64Array): Network {
  const { name, shape } = network.tensors[network.input]!;
  const scale: Operator = { kind: 'scale', scale: weights };
  return preceded(network, name, shape, [{ name: `${name} (weights)`, operator: scale, shape }]);
}
