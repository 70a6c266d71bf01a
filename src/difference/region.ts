/** How far two networks are apart in a region, and how fast that changes (docs/mathematics.md §13). */
import { localBound } from '../certify/certify.ts';
import { regionOf } from '../certify/proofs/localForm.ts';
import { hasRoomForForms, proverEngine } from '../certify/proofs/proverEngine.ts';
import { Algebra } from '../ellipsoid/region/algebra.ts';
import { PreparedChain } from '../ellipsoid/region/anchoredPass.ts';
import { chainOf } from '../ellipsoid/region/chain.ts';
import { LinearForms } from '../ellipsoid/region/linearForms.ts';
import { PreparedPair } from '../ellipsoid/region/pairedForms.ts';
import type { Engine } from '../engine/engine.ts';
import { UnsupportedError } from '../errors.ts';
import { pairedNetwork } from '../network/difference/merged.ts';
import { ValueEnclosure } from '../network/evaluation/valueEnclosure.ts';
import type { Network } from '../network/network.ts';
import { type BallNorm, type Norm, normOf } from '../network/norms/norm.ts';
import { withComparators } from '../network/simplify/comparators.ts';
import { withTournaments } from '../network/simplify/tournaments.ts';
import { withoutEnding } from './ending.ts';

/** Inputs within `radius` of `centre`. */
export interface DifferenceRegion {
  readonly centre: Float64Array;
  readonly radius: number;
  readonly norm: BallNorm;
  readonly outputNorm: Norm;
}

export interface RegionMeans {
  readonly engine: Engine;
  /** Bytes. */
  readonly memory?: number;
  readonly signal?: AbortSignal;
}

/** Bounds, rounded up; Infinity where rounding leaves nothing to say. */
export interface RegionBounds {
  /** ‖(A − B)(x) − (A − B)(y)‖ ≤ lipschitz · ‖x − y‖ for all x, y of the region. */
  readonly lipschitz: number;
  /** The same for y = centre. */
  readonly gain: number;
  /** ‖A − B‖ at the centre. */
  readonly atCentre: number;
  /** ‖A(x) − B(x)‖ for all x of the region. */
  readonly largest: number;
  /** What gave it: differences carried through both networks, ranges of the network A − B, or its value and gain at the centre. */
  readonly by: 'differences' | 'ranges' | 'gain';
}

/**
 * @param difference A − B
 * @param everywhere a bound on its Lipschitz constant; Infinity where there is none
 */
export async function regionBounds(
  a: Network,
  b: Network,
  difference: Network,
  region: DifferenceRegion,
  everywhere: number,
  means: RegionMeans,
): Promise<RegionBounds> {
  const { centre, radius, outputNorm } = region;
  const lipschitz = Math.min(everywhere, await localOf(a, b, difference, region, 'incremental', means));
  // Between any two points is between the centre and another.
  const gain = Math.min(lipschitz, await localOf(a, b, difference, region, 'anchored', means));
  const atCentre = normFromAbove(new ValueEnclosure(difference).at(centre), outputNorm);
  // At the centre itself nothing grows, whatever the gain is.
  const byGain = (atCentre + (radius === 0 ? 0 : gain * radius)) * (1 + 2 ** -50) + 2 ** -1000;
  const { carried, ranges } = await byForms(a, b, difference, region, means);
  const largest = Math.min(byGain, carried, ranges);
  const by = largest === byGain ? 'gain' : largest === carried ? 'differences' : 'ranges';
  return { ...{ lipschitz, gain, atCentre }, largest, by };
}

/** Of both networks together, or of one and the other, whichever is less. */
async function localOf(
  a: Network,
  b: Network,
  difference: Network,
  { centre, radius, norm, outputNorm }: DifferenceRegion,
  kind: 'incremental' | 'anchored',
  means: RegionMeans,
): Promise<number> {
  const of = (network: Network) =>
    localBound(network, centre, radius, { kind, norm, outputNorm, method: 'closed-form', ...means });
  const together = await of(difference).catch((error: unknown) => {
    // One after the other they may be smaller, or end with a softmax.
    if (error instanceof UnsupportedError) return Infinity;
    throw error;
  });
  return Math.min(together, ((await of(a)) + (await of(b))) * (1 + 2 ** -50));
}

/** What linear forms say of the largest distance: of differences that are carried, and of the network A − B. Infinity where they say nothing. */
async function byForms(
  a: Network,
  b: Network,
  difference: Network,
  { centre, radius, norm, outputNorm }: DifferenceRegion,
  { engine: given, memory, signal }: RegionMeans,
): Promise<{ readonly carried: number; readonly ranges: number }> {
  const region = regionOf(centre.length, centre, radius, undefined, norm);
  const { engine, close } = await proverEngine(given);
  try {
    const algebra = new Algebra(engine, signal);
    let [carried, ranges] = [Infinity, Infinity];
    const chain = chainWhere(() => new PreparedChain(chainOf(difference)));
    if (chain && hasRoomForForms(chain, memory)) {
      const forms = await LinearForms.start(algebra, chain, region);
      await forms.toOutput();
      const { low, high } = forms.ranges();
      ranges = lengthFromAbove(
        low.map((l, k) => Math.max(Math.abs(l), Math.abs(high[k]!))),
        outputNorm,
      );
    }
    const bare = withoutEnding(a, b, outputNorm);
    const [first, second] = bare ? [elementwise(bare.a), elementwise(bare.b)] : [];
    // Either network may be the one that differences are added to.
    for (const [one, other] of first && second ? [[first, second] as const, [second, first] as const] : []) {
      const paired = pairedNetwork(one, other);
      const pair = paired && new PreparedPair(paired);
      if (!pair || !hasRoomForForms(pair.prepared, memory)) break;
      const length = lengthFromAbove(await pair.largest(algebra, region), outputNorm);
      carried = Math.min(carried, length * bare!.factor * (1 + 2 ** -50));
    }
    return { carried, ranges };
  } finally {
    await close();
  }
}

/** With maxima and sorting made of functions of single numbers. */
function elementwise(network: Network): Network {
  return withTournaments(withComparators(network));
}

/** Undefined where the network is no chain. */
function chainWhere(make: () => PreparedChain): PreparedChain | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

function normFromAbove(ball: ReturnType<ValueEnclosure['at']>, norm: Norm): number {
  if (!ball) return Infinity;
  return lengthFromAbove(
    ball.middle.map((value, n) => Math.abs(value) + ball.radius[n]!),
    norm,
  );
}

/** Of a vector with these moduli at most. */
function lengthFromAbove(most: Float64Array, norm: Norm): number {
  // A sum of squares may have lost something.
  const length = normOf(most, norm) * (1 + (most.length + 8) * 2 ** -52) + most.length * 2 ** -500;
  return Number.isNaN(length) ? Infinity : length;
}
