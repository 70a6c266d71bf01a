/** What reading and simplifying a network may do to its weights: multiply them, by batch norm and other scales, and add them up. */
import type { Network, Node } from '../network.ts';
import type { Operator } from '../operator.ts';

/**
 * Relative errors of 2^−53, at most, between an entry of a linear map of the recursion and the real one, against the sum of the moduli of
 * what is added up for it. Weights meet on a path through the network, and each node adds at most what its own are off by, a product, a
 * sum that is rounded twice, and an addition for every term.
 */
export function foldingsOf({ nodes }: Network): number {
  const own = ({ operator, inputs }: Node) => {
    const roundings = ('roundings' in operator && operator.roundings) || 0;
    return roundings + 3 + (operator.kind === 'add' ? inputs.length : 0);
  };
  return nodes.reduce((sum, node) => sum + (isMultiplied(node.operator) ? own(node) : 0), FEW);
}

const isMultiplied = (operator: Operator) =>
  'padding' in operator ||
  'weight' in operator ||
  operator.kind === 'scale' ||
  operator.kind === 'add' ||
  operator.kind === 'grouped' ||
  operator.kind === 'global-average-pool';

/** What engines do with weights. */
const FEW = 8;
