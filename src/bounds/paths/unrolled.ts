/** The per-neuron path (docs/mathematics.md §3): convolutions as dense matrices from some layer on, one multiplier per neuron. */

import { programCost } from '../../ellipsoid/memory/cost.ts';
import { channelEntries } from '../../network/elementwise/elementwise.ts';
import type { Network, Node } from '../../network/network.ts';
import { unroll, unrolledSize } from '../../network/unroll.ts';
import { compile } from '../../program/compile.ts';
import type { Program } from '../../program/program.ts';

/** Operations of one closed-form pass that are in proportion when nobody asked for this method. */
const UNASKED_FLOPS = 1e9;

export interface Unrolled {
  readonly program: Program;
  /** The node from which on the network is unrolled. */
  readonly from: number;
}

/**
 * The program of a simplified network, unrolled from the first layer on from which everything fits. Undefined where there is
 * nothing to unroll (no layer works on images) or nothing fits.
 * @param memory bytes for the dense matrices and the covariances of one pass
 * @param asked false: also keep the cost in proportion
 * @param compiled makes programs of networks
 * @throws UnsupportedError for what the layers before hold
 */
export function unrolledProgram(
  network: Network,
  memory: number,
  asked: boolean,
  compiled: (network: Network) => Program = compile,
): Unrolled | undefined {
  for (const from of candidates(network)) {
    if (!fits(network, from, memory)) continue;
    if (!asked && unrolledSize(network, from).flops > UNASKED_FLOPS) continue;
    const program = compiled(unroll(network, from));
    if (asked || programCost(program) <= UNASKED_FLOPS) return { program, from };
  }
  return undefined;
}

/**
 * Where `unrolledProgram` starts if it is asked for, and the operations of one pass then; from sizes alone. Undefined as there.
 */
export function wholeUnrolling(
  network: Network,
  memory: number,
): { from: number; flops: number } | undefined {
  const from = candidates(network).find((k) => fits(network, k, memory));
  return from === undefined ? undefined : { from, flops: unrolledSize(network, from).flops };
}

function fits(network: Network, from: number, memory: number): boolean {
  const { bytes, largestNeurons } = unrolledSize(network, from);
  return 2 * bytes + 8 * 8 * largestNeurons ** 2 <= memory;
}

/** Layers that unrolling can start from: a matrix takes in the image before it. */
function candidates(network: Network): number[] {
  const last = network.nodes.findLastIndex(
    (node) =>
      network.tensors[node.output]!.shape.length > 1 ||
      node.operator.kind === 'max-pool' ||
      node.operator.kind === 'global-max-pool',
  );
  return network.nodes.flatMap((node, k) => (k <= last && begins(node, network) ? [k] : []));
}

/** What is another matrix once it is unrolled, or has a number of its own for every entry. */
function begins({ operator, inputs }: Node, { tensors }: Network): boolean {
  const channels = tensors[inputs[0]!]!.shape[0]!;
  switch (operator.kind) {
    case 'convolution':
    case 'transposed-convolution':
    case 'average-pool':
    case 'pad':
    case 'reindex':
    case 'gather':
      return true;
    case 'scale':
      return operator.scale.length > channels;
    case 'nonlinearity':
      return (channelEntries(operator.function)?.length ?? 1) > channels;
    default:
      return false;
  }
}
