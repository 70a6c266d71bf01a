/** How a network is described in JSON, and how many numbers it stores. */
import type { Network } from '../network/network.ts';
import type { Operator } from '../network/operator.ts';

/** `file` as given on the command line. */
export function networkDocument(file: string, network: Network): object {
  return {
    file,
    sha256: network.source?.sha256 ?? null,
    parameters: network.nodes.reduce((sum, node) => sum + parameterCount(node.operator), 0),
    layers: network.nodes.length,
  };
}

/** Numbers stored in an operator: weights, biases, scales, and the slopes of a PReLU. */
export function parameterCount(operator: Operator): number {
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution':
      return operator.weight.length + (operator.bias?.length ?? 0);
    case 'scale':
      return operator.scale.length + (operator.shift?.length ?? 0);
    case 'nonlinearity':
      return operator.function.name === 'prelu' ? operator.function.slopes.length : 0;
    case 'average-pool':
    case 'max-pool':
    case 'max-gather':
    case 'global-average-pool':
    case 'global-max-pool':
    case 'pad':
    case 'reindex':
    case 'add':
    case 'concat':
    case 'softmax':
      return 0;
    default:
      return operator satisfies never;
  }
}
