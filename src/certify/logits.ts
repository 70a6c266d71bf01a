/** Networks that classify, without what does not change the order of their outputs. */
import { InputError, UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { prune } from '../network/prune.ts';
import { product } from '../network/size.ts';

/**
 * The network up to its logits: a softmax at its end, or the logarithm of one, leaves every output as large in comparison as it was.
 * @throws InputError where the output is no vector of at least two
 */
export function logitsOf(network: Network): Network {
  const { shape } = network.tensors[network.output]!;
  if (shape.length !== 1 || shape[0]! < 2) {
    throw new InputError(
      `${network.name}: must have one output for each of at least two classes, got [${shape.join(', ')}]`,
    );
  }
  const last = network.nodes.find(({ output }) => output === network.output);
  if (last?.operator.kind !== 'softmax') return network;
  return prune({ ...network, output: last.inputs[0]! });
}

/**
 * That outputs are in the order of what a softmax on the way to them reads.
 * @throws UnsupportedError where it has several positions, which it does not keep in order
 */
export function checkOrder({ nodes, tensors }: Network): void {
  for (const { name, operator, output } of nodes) {
    if (operator.kind !== 'softmax' || product(tensors[output]!.shape.slice(1)) === 1) continue;
    const reason = 'outputs of different positions cannot be compared by what it reads';
    throw new UnsupportedError([{ node: name, found: 'a softmax at several positions', reason }]);
  }
}
