/** Networks whose ℓ2 bounds are bounds of another in other norms (docs/mathematics.md §9). */
import { lastSoftmax } from '../groups/grouped.ts';
import type { Network, Node } from '../network.ts';
import { prune } from '../prune.ts';
import { product } from '../size.ts';
import { ofLargestEntry, withDifference, withSumOfModuli } from './balls.ts';
import { type Ending, endingFactor } from './ending.ts';
import { dual, isEuclidean, type Norm, type NormPair } from './norm.ts';
import { transposed } from './transposed.ts';

export interface Framed {
  readonly network: Network;
  /** Its bound times this; rounded up. */
  readonly factor: number;
  /** Likewise, bounds of differences of two entries of the output. */
  readonly ofEntries: number;
  /**
   * What of its output is bounded: absent, the length; `entries`: the largest entry; `inputs`: likewise, of the transposed network, whose
   * output has an entry for each of the input.
   */
  readonly reading?: 'entries' | 'inputs';
  /** What is given away, in words. */
  readonly loose?: string;
}

/**
 * @param network as `simplify` or `unroll` return it
 * @param pair of outputs whose difference is bounded; where the frame does not take it, `reading` is absent
 */
export function framed(network: Network, norms: NormPair, pair?: readonly [i: number, j: number]): Framed {
  if (isEuclidean(norms)) return { network, factor: 1, ofEntries: 1 };
  const { input, output } = norms;
  if (input !== '1') {
    const ending = output === '2' ? { network, factor: 1 } : withoutEnding(network, output);
    return betweenNorms(ending.network, ending.factor, input, output);
  }
  const ending = withoutEnding(network, output);
  const turned = transposed(pair ? withDifference(ending.network, pair) : ending.network);
  if ('nodes' in turned) {
    return { ...betweenNorms(turned, ending.factor, dual(output), 'inf'), reading: 'inputs' };
  }
  return {
    ...betweenNorms(ending.network, ending.factor, '2', output),
    loose: `the bound is that from ℓ2, which may be far above: ${turned.node} (${turned.found}) has no transpose here`,
  };
}

/** A product of roots, rounded up. */
function above(factor: number): number {
  return factor === 1 ? 1 : factor * (1 + 2 ** -49);
}

/** From ℓ2 or ℓ∞; from ℓ1 as from ℓ2, which is larger. */
function betweenNorms(network: Network, factor: number, input: Norm, output: Norm): Framed {
  const { shape } = network.tensors[network.output]!;
  const isVector = shape.length === 1;
  const ball = input === 'inf' ? ofLargestEntry(network) : { network, factor: 1 };
  const conversion = output === '1' && !isVector ? Math.sqrt(product(shape)) : 1;
  const loose = [
    ...(ball.factor > 1
      ? [
          `all ${Math.round(ball.factor * ball.factor)} positions of a channel of the input share a multiplier, which costs a factor of up to ${ball.factor.toPrecision(3)} (unrolled from the input on, every entry has its own)`,
        ]
      : []),
    ...(conversion > 1
      ? [`the ℓ1 norm of an image is at most ${conversion.toPrecision(3)} times its ℓ2 norm`]
      : []),
  ];
  return {
    network: output === '1' && isVector ? withSumOfModuli(ball.network) : ball.network,
    factor: above(factor * ball.factor * conversion),
    ofEntries: above(ball.factor),
    ...(output === 'inf' && isVector && { reading: 'entries' as const }),
    ...(loose.length > 0 && { loose: loose.join(', and ') }),
  };
}

/** Without a softmax at the end, and what that multiplies changes in a norm with, at most. */
function withoutEnding(network: Network, norm: Norm): { readonly network: Network; readonly factor: number } {
  for (const node of network.nodes) {
    const ending = endingOf(node, network);
    if (ending) return { network: bypassed(network, node), factor: endingFactor(norm, ending) };
  }
  return { network, factor: 1 };
}

function endingOf(node: Node, network: Network): Ending | undefined {
  const { operator, inputs } = node;
  if (operator.kind !== 'softmax') return lastSoftmax(node, network);
  return { logarithm: operator.logarithm, size: network.tensors[inputs[0]!]!.shape[0]! };
}

function bypassed(network: Network, { inputs, output }: Node): Network {
  const image = (id: number) => (id === output ? inputs[0]! : id);
  const nodes = network.nodes
    .filter((node) => node.output !== output)
    .map((node) => ({ ...node, inputs: node.inputs.map(image) }));
  return prune({ ...network, nodes, output: image(network.output) });
}

/**
 * Relative errors of 2^−53, at most, that the entries of its maps may have beside those of the network itself: where tensors have several readers
 * the transposed network has sums.
 */
export function foldingsOfFrame({ nodes }: Network): number {
  return 2 * nodes.reduce((sum, { inputs }) => sum + 3 + inputs.length, 8);
}
