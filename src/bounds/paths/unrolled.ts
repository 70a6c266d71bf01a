/** The per-neuron path (docs/mathematics.md §3): convolutions as dense matrices from some layer on, one multiplier per neuron. */

import { programCost } from '../../ellipsoid/memory/cost.ts';
import type { Network } from '../../network/network.ts';
import type { OperatorKind } from '../../network/operator.ts';
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
 * @throws UnsupportedError for what the layers before hold
 */
export function unrolledProgram(network: Network, memory: number, asked: boolean): Unrolled | undefined {
  for (const from of candidates(network)) {
    if (!fits(network, from, memory)) continue;
    if (!asked && unrolledSize(network, from).flops > UNASKED_FLOPS) continue;
    const program = compile(unroll(network, from));
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
  return network.nodes.flatMap((node, k) => (k <= last && isMatrix(node.operator.kind) ? [k] : []));
}

function isMatrix(kind: OperatorKind): boolean {
  return (
    kind === 'convolution' || kind === 'transposed-convolution' || kind === 'average-pool' || kind === 'pad'
  );
}
