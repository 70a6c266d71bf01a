/** A softmax that both networks end with, and the same without it. */
import type { Network } from '../network/network.ts';
import { endingFactor } from '../network/norms/ending.ts';
import type { Norm } from '../network/norms/norm.ts';
import { Rewriter } from '../network/simplify/rewriter.ts';

export interface WithoutEnding {
  readonly a: Network;
  readonly b: Network;
  /** By how much a norm of differences grows at most where the softmax is put on again. */
  readonly factor: number;
}

/** Undefined where one of them ends with what the other does not end with. */
export function withoutEnding(a: Network, b: Network, norm: Norm): WithoutEnding | undefined {
  const [first, second] = [endOf(a), endOf(b)];
  if (!first && !second) return { a, b, factor: 1 };
  if (!first || !second || first.logarithm !== second.logarithm) return undefined;
  return { a: first.network, b: second.network, factor: endingFactor(norm, first) };
}

function endOf(network: Network) {
  const node = network.nodes.find(({ operator }) => operator.kind === 'softmax');
  if (node?.operator.kind !== 'softmax') return undefined;
  const rewriter = new Rewriter(network);
  for (const one of network.nodes) {
    if (one === node) rewriter.stand(one.output, rewriter.inputs(one)[0]!);
    else rewriter.copy(one);
  }
  const { logarithm } = node.operator;
  return { network: rewriter.finish(), logarithm, size: network.tensors[node.output]!.shape[0]! };
}
