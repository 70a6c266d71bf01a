/** What a bound of a network that is constant may be: not zero, but next to nothing beside the size of its layers. */
import type { Network } from '../../src/network/network.ts';
import { volume } from './grid.ts';
import { linearNode } from './linearNode.ts';
import type { SparseMatrix } from './sparse.ts';

/**
 * A row of S without any covariance gets D = 2^-400 of the covariance's scale, and a product is taken to lose 2^-1000 of its factors
 * by underflow; a bound is the root of what they leave behind. 2^-190 is a little above both roots.
 */
const SHARE = 2 ** -190;

/**
 * Bounds below this are rounding residue, about which nothing is known but that they are not zero: they say that the network is
 * constant, and are as good as one another. The scale is the network's own: Frobenius norms multiplied along every path and added over
 * paths. Operators that are zero count as 1, for what is left of them does not shrink with them; so do nonlinearities.
 */
export function residueOf(network: Network): number {
  const scales: number[] = [];
  scales[network.input] = Math.sqrt(volume(network.tensors[network.input]!.shape));
  for (const node of network.nodes) {
    const matrices = linearNode(network, node)?.matrices;
    scales[node.output] = node.inputs.reduce((sum, id, k) => sum + scales[id]! * gain(matrices?.[k]), 0);
  }
  return SHARE * scales[network.output]!;
}

function gain(matrix: SparseMatrix | undefined): number {
  return Math.sqrt(matrix?.value.reduce((sum, value) => sum + value * value, 0) ?? 0) || 1;
}

/** Whether two bounds of a network are the same but for a relative error, or both of them its residue. */
export function expectSame(network: Network, a: number, b: number, tolerance: number): void {
  const [least, most] = a < b ? [a, b] : [b, a];
  if (most <= residueOf(network)) return;
  if (!(most - least <= tolerance * least))
    throw new Error(
      `bounds must be the same to ${tolerance}, got ${a} and ${b} (residue: ${residueOf(network)})`,
    );
}
