/** Whether entries of a network's output can be told apart by their index once it is simplified. */
import type { Network } from './network.ts';

/**
 * Whether the entries of the output keep their order when the network is simplified: no transpose lies between the output and
 * the last layer that mixes all channels. Where one does, entries of Σ_out cannot be told apart by index.
 */
export function keepsOutputOrder(network: Network): boolean {
  const producer = new Map(network.nodes.map((n) => [n.output, n]));
  // A set, to which nothing is added twice: branches that part and meet again have exponentially many paths.
  const pending = new Set([network.output]);
  for (const id of pending) {
    const node = producer.get(id);
    if (!node) continue;
    const { operator } = node;
    if (operator.kind === 'affine') continue;
    if (operator.kind === 'reindex' && !operator.permutation.every((axis, k) => axis === k)) return false;
    for (const input of node.inputs) pending.add(input);
  }
  return true;
}
