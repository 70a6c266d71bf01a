import { channelEntries } from './elementwise/elementwise.ts';
import type { Network } from './network.ts';
import type { Numbers } from './numbers.ts';
import type { Operator } from './operator.ts';
import { unknownOperator } from './shape.ts';

/** How many trained numbers the network holds: weights, biases, scales, shifts and slopes per channel. */
export function countParameters(network: Network): number {
  return network.nodes.reduce((sum, node) => sum + operatorParameters(node.operator), 0);
}

/** Bytes of the numbers that networks hold, of those that they share once. */
export function weightBytes(...networks: readonly Network[]): number {
  const arrays = new Set<Numbers>();
  for (const { nodes } of networks) {
    for (const { operator } of nodes) {
      if ('weight' in operator) arrays.add(operator.weight);
      else if (operator.kind === 'scale') arrays.add(operator.scale);
    }
  }
  let bytes = 0;
  for (const array of arrays) bytes += array.byteLength;
  return bytes;
}

function operatorParameters(operator: Operator): number {
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution':
      return operator.weight.length + (operator.bias?.length ?? 0);
    case 'scale':
      return operator.scale.length + (operator.shift?.length ?? 0);
    case 'nonlinearity':
      return channelEntries(operator.function)?.length ?? 0;
    case 'average-pool':
    case 'max-pool':
    case 'max-gather':
    case 'global-average-pool':
    case 'global-max-pool':
    case 'pad':
    case 'reindex':
    case 'gather':
    case 'add':
    case 'concat':
    case 'grouped':
    case 'softmax':
      return 0;
    default:
      throw unknownOperator(operator);
  }
}
