/**
 * The checker: an upper bound on the Lipschitz constant of a network, from multipliers that anybody may have found. It trusts
 * the reader of the file, `simplify`, `unroll` and `slopeInterval` (src/network), and IEEE arithmetic; it shares nothing with
 * the optimiser and the engines. The proof is in docs/certificate.md.
 */
import type { Network } from '../../network/network.ts';
import { simplify } from '../../network/simplify.ts';
import { unroll, unrolledSize } from '../../network/unroll.ts';
import { uncertaintyOf } from './folding.ts';
import { graphOf } from './graph.ts';
import { rootUp, type Scaled } from './numbers.ts';
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
 */
export async function check(
  network: Network,
  given: Multipliers,
  pause: () => Promise<void>,
): Promise<Scaled> {
  const uncertainty = uncertaintyOf(network);
  let simple = simplify(network);
  let magnitudes = simple;
  const from = given.unrolledFrom;
  if (from !== null) {
    demand(
      from >= 0 && from < simple.nodes.length,
      `unrolled from: a node of ${simple.nodes.length} wanted, got ${from}`,
    );
    demand(
      unrolledSize(simple, from).bytes <= MOST_UNROLLED_BYTES,
      'unrolled: more than 2^30 bytes are not covered',
    );
    magnitudes = unroll(absolute(simple), from);
    simple = unroll(simple, from);
  }
  const graph = graphOf(simple, magnitudes);
  const { segments, exponent } = planOf(graph, given.tori, given.layers, uncertainty);
  const top = await run(segments, pause);
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
