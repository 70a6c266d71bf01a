/**
 * The checker: an upper bound on the Lipschitz constant of a network, from multipliers that anybody may have found. It trusts
 * the reading of the network (src/network: `simplify`, `signalsOf`) and IEEE arithmetic; it shares nothing with
 * the optimiser and the engines. The proof is in docs/certificate.md.
 */

import { lengthened } from '../../network/lengths/lengths.ts';
import type { Network } from '../../network/network.ts';
import { weighted } from '../../network/norms/balls.ts';
import { type Framed, framed } from '../../network/norms/framed.ts';
import { EUCLIDEAN, isEuclidean, type NormPair } from '../../network/norms/norm.ts';
import { keepsOutputOrder } from '../../network/outputOrder.ts';
import { foldingsOf } from '../../network/simplify/roundings.ts';
import { simplify } from '../../network/simplify/simplify.ts';
import type { Sector, SignalGraph } from '../reading/signal.ts';
import { signalsOf } from '../reading/signalsOf.ts';
import { gamma, rootUp, type Scaled, U } from './numbers.ts';
import { type Layer, planOf } from './plan.ts';
import { differences, largestEntry, run } from './recursion.ts';
import { demand } from './refusal.ts';

/** What a bound is in: norms of input and output, and units of the input's entries; null: 1 for all. */
export interface Measure {
  readonly norms: NormPair;
  readonly weights: Float64Array | null;
}

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

const PLAIN: Measure = { norms: EUCLIDEAN, weights: null };

/**
 * @param pause awaited between matrices; what it throws passes through
 * @param measure absent: ℓ2, and no weights
 * @throws Refusal with the reason where nothing is proven
 * @throws UnsupportedError where the network cannot be read as signals
 */
export async function check(
  given: Network,
  { unrolledFrom, tori, layers, reach }: Multipliers,
  pause: () => Promise<void>,
  { norms, weights }: Measure = PLAIN,
): Promise<Proven> {
  const network = weights ? weighted(given, weights) : given;
  const plain = isEuclidean(norms);
  demand(reach === null || (plain && !weights), 'norms: for any length ℓ2 alone, without weights');
  const simple = simplify(reach === null ? network : lengthened(network, undefined));
  const { length } = simple.nodes;
  const known = unrolledFrom === null || (unrolledFrom >= 0 && unrolledFrom < length);
  demand(known, `unrolled from: a node of ${length} wanted, got ${unrolledFrom}`);
  demand(reach === null || unrolledFrom === null, 'unrolled from: not for any length');
  let frame: Framed | undefined;
  const graph = signalsOf(simple, unrolledFrom, (whole) => {
    frame = framed(whole, norms);
    return frame.network;
  });
  if (reach !== null)
    for (const { name, origin } of graph.signals) if (origin.kind === 'sector') holdZero(name, origin);
  const segments = planOf(
    graph,
    tori,
    layers,
    reach,
    gamma(foldingsOf(network) + (plain ? 0 : foldingsOf(frame!.network))),
  );
  const ending = await run(segments, pause);
  // The factor of a network without norms is its own.
  const factor = plain ? graph.factor : graph.factor * frame!.factor * (1 + 4 * U);
  const isRead = frame!.reading !== undefined && graph.output.window.length === 0;
  const bound = rootUp(isRead ? largestEntry(ending) : ending.largest, factor);
  const comparable = norms.input !== '1' && norms.output === '2';
  if (!comparable || !hasEntries(network, graph)) return { bound, differences: undefined };
  const ofEntries = frame!.ofEntries * (1 + 4 * U);
  return { bound, differences: differences(ending).map((x) => rootUp(x, plain ? 1 : ofEntries)) };
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
