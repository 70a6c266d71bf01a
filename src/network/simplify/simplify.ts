import { NetworkBuilder } from '../builder.ts';
import type { Network } from '../network.ts';
import { replaceDegenerate } from './degenerate.ts';
import { joinGathers } from './gathers.ts';
import { mergePads } from './pads.ts';
import { sortPairs } from './pairs.ts';
import { absorbReindexes } from './reindexes.ts';
import { foldScales } from './scales.ts';

/**
 * The same function, up to rounding in float64, in fewer and simpler operators: reindexes are absorbed, gathers joined,
 * pads merged, scales folded, degenerate operators replaced (see the passes). Two things change for whoever looks from outside:
 * reindexes at the input and at the output are dropped, so that the input and the output may have another shape and,
 * where a transpose was dropped, another order of entries; their l2 norms are the same.
 *
 * @throws InputError where a folded weight overflows
 */
export function simplify(network: Network): Network {
  return rewritten(network, [...ARRANGING, foldScales]);
}

/**
 * As `simplify`, with scales left where they are: weights are those of the network or rearranged, never products. What origin they have
 * (`origin.ts`) they keep.
 */
export function arrange(network: Network): Network {
  return rewritten(network, ARRANGING);
}

type Pass = (network: Network) => Network;

const ARRANGING: readonly Pass[] = [sortPairs, absorbReindexes, joinGathers, replaceDegenerate, mergePads];

function rewritten(network: Network, passes: readonly Pass[]): Network {
  let current = network;
  // Every pass removes a node or moves a reindex towards the output, so this ends.
  for (;;) {
    const next = passes.reduce((now, pass) => pass(now), current);
    if (structure(next) === structure(current)) return validated(next);
    current = next;
  }
}

/** Which operators there are and how they are connected. */
function structure({ tensors, input, output, nodes }: Network): string {
  const lines = nodes.map((node) => `${node.operator.kind} ${node.inputs} ${tensors[node.output]!.shape}`);
  return [...lines, `${tensors[input]!.shape} ${output}`].join('\n');
}

/** The network rebuilt with every check that a network from a file goes through. */
function validated({ name, source, ties, tensors, nodes, input, output }: Network): Network {
  const builder = new NetworkBuilder(name);
  const images = new Map([[input, builder.input(tensors[input]!.name, tensors[input]!.shape)]]);
  for (const node of nodes) {
    const inputs = node.inputs.map((id) => images.get(id)!);
    images.set(node.output, builder.add(node.name, node.operator, inputs, tensors[node.output]!.name));
  }
  return builder.build(images.get(output)!, source, ties);
}
