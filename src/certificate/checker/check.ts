/**
 * The checker: an upper bound on the Lipschitz constant of a network, from multipliers that anybody may have found. It trusts
 * the reading of the network (src/network: `simplify`, `signalsOf`) and IEEE arithmetic; it shares nothing with
 * the optimiser and the engines. The proof is in docs/certificate.md.
 */

import { lengthened } from '../../network/lengths/lengths.ts';
import type { Network } from '../../network/network.ts';
import { keepsOutputOrder } from '../../network/outputOrder.ts';
import { foldingsOf } from '../../network/simplify/roundings.ts';
import { simplify } from '../../network/simplify/simplify.ts';
import type { Sector, SignalGraph } from '../reading/signal.ts';
import { signalsOf } from '../reading/signalsOf.ts';
import { gamma, rootUp, type Scaled } from './numbers.ts';
import { type Layer, planOf } from './plan.ts';
import { differences, run } from './recursion.ts';
import { demand } from './refusal.ts';

export interface Multipliers {
  /** The node from which on the simplified network is unrolled; null: not at all. */
  readonly unrolledFrom: number | null;
  /** Sides of the torus of every segment, in samples of the signal it starts with. */
  readonly tori: readonly (readonly number[])[];
  readonly layers: readonly Layer[];
  /** κ, for signals of any length: what nonlinearities read is at most (1 − 1/κ) D. Null: for those of the file's length. */
  readonly reach: number | null;
}

/** What multipliers prove. */
export interface Proven {
  readonly bound: Scaled;
  /** Of output i minus output j for every i > j, in the order of i, then of j; undefined where outputs cannot be told apart. */
  readonly differences: readonly Scaled[] | undefined;
}

/**
 * @param pause awaited between matrices; what it throws passes through
 * @throws Refusal with the reason where nothing is proven
 * @throws UnsupportedError where the network cannot be read as signals
 */
export async function check(
  network: Network,
  { unrolledFrom, tori, layers, reach }: Multipliers,
  pause: () => Promise<void>,
): Promise<Proven> {
  const simple = simplify(reach === null ? network : lengthened(network, undefined));
  const { length } = simple.nodes;
  const known = unrolledFrom === null || (unrolledFrom >= 0 && unrolledFrom < length);
  demand(known, `unrolled from: a node of ${length} wanted, got ${unrolledFrom}`);
  demand(reach === null || unrolledFrom === null, 'unrolled from: not for any length');
  const graph = signalsOf(simple, unrolledFrom);
  if (reach !== null)
    for (const { name, origin } of graph.signals) if (origin.kind === 'sector') holdZero(name, origin);
  const segments = planOf(graph, tori, layers, reach, gamma(foldingsOf(network)));
  const ending = await run(segments, pause);
  const bound = rootUp(ending.largest, graph.factor);
  if (!hasEntries(network, graph)) return { bound, differences: undefined };
  return { bound, differences: differences(ending).map((x) => rootUp(x, 1)) };
}

/** Whether row i of the last covariance is entry i of the output. */
function hasEntries(network: Network, { output, factor }: SignalGraph): boolean {
  const { shape } = network.tensors[network.output]!;
  const isVector = shape.length === 1 && output.window.length === 0 && output.channels === shape[0];
  return isVector && factor === 1 && keepsOutputOrder(network);
}

/** What carries covariances from frequency to frequency needs 0 among the slopes. */
function holdZero(name: string, sector: Sector): void {
  demand(
    sector.role !== 'divisor',
    `${name}: depends on the length, which has no certificate for any length`,
  );
  sector.lower = sector.lower.map((l) => Math.min(l, 0));
  sector.upper = sector.upper.map((u) => Math.max(u, 0));
}
