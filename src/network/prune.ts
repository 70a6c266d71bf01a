import type { Network, Tensor, TensorId } from './network.ts';

/** A network without the nodes and tensors that its output does not depend on; the input stays. */
export function prune(network: Network): Network {
  const needed = new Set([network.input, network.output]);
  const kept = network.nodes.toReversed().filter((node) => {
    if (!needed.has(node.output)) return false;
    for (const id of node.inputs) needed.add(id);
    return true;
  });
  const renumbered = new Map<TensorId, TensorId>();
  const tensors: Tensor[] = [];
  for (const [id, tensor] of network.tensors.entries()) {
    if (needed.has(id)) renumbered.set(id, tensors.push(tensor) - 1);
  }
  const image = (id: TensorId) => renumbered.get(id)!;
  return {
    ...network,
    tensors,
    nodes: kept.reverse().map((n) => ({ ...n, inputs: n.inputs.map(image), output: image(n.output) })),
    input: image(network.input),
    output: image(network.output),
  };
}
