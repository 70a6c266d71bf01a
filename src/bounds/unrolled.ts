/** The per-neuron path (math.md §3): convolutions as dense matrices from some layer on, one multiplier per neuron. */
import type { Network } from '../network/network.ts';
import { unroll, unrolledSize } from '../network/unroll.ts';

/** Operations of one pass that are in proportion when nobody asked for this method. */
const UNASKED_FLOPS = 5e8;

export interface UnrolledChoice {
  readonly network: Network;
  /** First unrolled node. */
  readonly from: number;
}

/**
 * Unrolls as much of a simplified network as the budget allows: from the first node on from which everything fits.
 * Undefined where there is nothing to unroll (no layer works on images) or nothing fits.
 * @param memory bytes for the dense matrices and the covariances of one pass
 * @param asked false: also keep the cost in proportion
 */
export function chooseUnrolled(network: Network, memory: number, asked: boolean): UnrolledChoice | undefined {
  const from = firstThatFits(network, memory, asked);
  if (from === undefined) return undefined;
  return { network: unroll(network, from), from };
}

function firstThatFits(network: Network, memory: number, asked: boolean): number | undefined {
  const spatial = network.nodes.findLastIndex(
    (node) =>
      network.tensors[node.output]!.shape.length > 1 ||
      node.operator.kind === 'max-pool' ||
      node.operator.kind === 'global-max-pool',
  );
  for (let from = 0; from <= spatial; from++) {
    const { bytes, largestNeurons, flops } = unrolledSize(network, from);
    const needed = 2 * bytes + 8 * 8 * largestNeurons ** 2;
    if (needed <= memory && (asked || flops <= UNASKED_FLOPS)) return from;
  }
  return undefined;
}
