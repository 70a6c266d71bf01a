/**
 * The checker: an upper bound on the Lipschitz constant of a network, from multipliers that anybody may have found. It trusts
 * the reading of the network (src/network: `simplify`, `unroll`, `signalsOf`) and IEEE arithmetic; it shares nothing with
 * the optimiser and the engines. The proof is in docs/certificate.md.
 */
import type { Network } from '../../network/network.ts';
import { signalsOf } from '../../network/signals/read.ts';
import { roundingsOf } from '../../network/simplify/roundings.ts';
import { simplify } from '../../network/simplify.ts';
import { unroll, unrolledSize } from '../../network/unroll.ts';
import { gamma, rootUp, type Scaled } from './numbers.ts';
import { type Layer, planOf } from './plan.ts';
import { run } from './recursion.ts';
import { demand } from './refusal.ts';

export interface Multipliers {
  /** The node from which on the simplified network is unrolled; null: not at all. */
  readonly unrolledFrom: number | null;
  /** Sides of the torus of every segment, in samples of the signal it starts with. */
  readonly tori: readonly (readonly number[])[];
  readonly layers: readonly Layer[];
}

const MOST_UNROLLED_BYTES = 2 ** 30;

/**
 * @param pause awaited between matrices; what it throws passes through
 * @throws Refusal with the reason where nothing is proven
 * @throws UnsupportedError where the network cannot be read as signals
 */
export async function check(
  network: Network,
  given: Multipliers,
  pause: () => Promise<void>,
): Promise<Scaled> {
  const uncertainty = gamma(roundingsOf(network));
  let simple = simplify(network);
  let magnitudes = simple;
  const from = given.unrolledFrom;
  if (from !== null) {
    const nodes = simple.nodes.length;
    demand(from >= 0 && from < nodes, `unrolled from: a node of ${nodes} wanted, got ${from}`);
    const { bytes } = unrolledSize(simple, from);
    demand(bytes <= MOST_UNROLLED_BYTES, 'unrolled: more than 2^30 bytes are not covered');
    magnitudes = unroll(absolute(simple), from);
    simple = unroll(simple, from);
  }
  const graph = signalsOf(simple, magnitudes);
  const [top, exponent] = await run(planOf(graph, given.tori, given.layers, uncertainty), pause);
  demand(top >= 0 && top < Infinity, 'the bound is no number');
  return rootUp(top, exponent, graph.factor);
}

/** |weights|: what unrolling adds up in one entry then bounds its rounding. */
function absolute(network: Network): Network {
  const nodes = network.nodes.map((node) => {
    const { operator } = node;
    return 'weight' in operator
      ? { ...node, operator: { ...operator, weight: operator.weight.map(Math.abs) } }
      : node;
  });
  return { ...network, nodes };
}
