/**
 * The checker: an upper bound on the Lipschitz constant of a network, from multipliers that anybody may have found. It trusts
 * the reading of the network (src/network: `simplify`, `signalsOf`) and IEEE arithmetic; it shares nothing with
 * the optimiser and the engines. The proof is in docs/certificate.md.
 */
import type { Network } from '../../network/network.ts';
import { signalsOf } from '../../network/signals/read.ts';
import { roundingsOf } from '../../network/simplify/roundings.ts';
import { simplify } from '../../network/simplify.ts';
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

/**
 * @param pause awaited between matrices; what it throws passes through
 * @throws Refusal with the reason where nothing is proven
 * @throws UnsupportedError where the network cannot be read as signals
 */
export async function check(
  network: Network,
  { unrolledFrom, tori, layers }: Multipliers,
  pause: () => Promise<void>,
): Promise<Scaled> {
  const simple = simplify(network);
  const { length } = simple.nodes;
  const known = unrolledFrom === null || (unrolledFrom >= 0 && unrolledFrom < length);
  demand(known, `unrolled from: a node of ${length} wanted, got ${unrolledFrom}`);
  const graph = signalsOf(simple, unrolledFrom);
  const segments = planOf(graph, tori, layers, gamma(roundingsOf(network)));
  return rootUp(await run(segments, pause), graph.factor);
}
