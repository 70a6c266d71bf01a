/** How far two networks are apart in a region, and how fast that changes (docs/mathematics.md §13). */
import { localBound } from '../certify/certify.ts';
import { regionOf } from '../certify/proofs/localBound.ts';
import { hasRoomForForms, proverEngine } from '../certify/proofs/proverEngine.ts';
import { Algebra } from '../ellipsoid/region/algebra.ts';
import { PreparedPair } from '../ellipsoid/region/pairedForms.ts';
import type { Engine } from '../engine/engine.ts';
import { UnsupportedError } from '../errors.ts';
import { pairedNetwork } from '../network/difference/merged.ts';
import { ValueEnclosure } from '../network/evaluation/valueEnclosure.ts';
import type { Network } from '../network/network.ts';
import { type BallNorm, type Norm, normOf } from '../network/norms/norm.ts';
import { withComparators } from '../network/simplify/comparators.ts';
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
  /** What gave it: differences carried through both networks, or the gain. */
  readonly by: 'differences' | 'gain';
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
  const byGain = (atCentre + gain * radius) * (1 + 2 ** -50) + 2 ** -1000;
  const carried = await carriedDifferences(a, b, region, means);
  return {
    ...{ lipschitz, gain, atCentre },
    largest: Math.min(byGain, carried),
    by: carried < byGain ? 'differences' : 'gain',
  };
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
  const of = (network: Network) => localBound(network, centre, radius, { kind, norm, outputNorm, ...means });
  const together = await of(difference).catch((error: unknown) => {
    // One after the other they may be smaller, or end with a softmax.
    if (error instanceof UnsupportedError) return Infinity;
    throw error;
  });
  return Math.min(together, ((await of(a)) + (await of(b))) * (1 + 2 ** -50));
}

/** With either network as the one that differences are added to. Infinity where networks are not alike enough, or have no room. */
async function carriedDifferences(
  a: Network,
  b: Network,
  { centre, radius, norm, outputNorm }: DifferenceRegion,
  { engine: given, memory, signal }: RegionMeans,
): Promise<number> {
  const bare = withoutEnding(a, b, outputNorm);
  if (!bare) return Infinity;
  const [first, second] = [withComparators(bare.a), withComparators(bare.b)];
  const region = regionOf(centre.length, centre, radius, undefined, norm);
  const { engine, close } = await proverEngine(given);
  try {
    const algebra = new Algebra(engine, signal);
    let least = Infinity;
    for (const [one, other] of [
      [first, second],
      [second, first],
    ] as const) {
      const paired = pairedNetwork(one, other);
      if (!paired) return Infinity;
      const pair = new PreparedPair(paired);
      if (!hasRoomForForms(pair.prepared, memory)) return Infinity;
      const entries = await pair.largest(algebra, region);
      const length = normOf(entries, outputNorm) * (1 + (entries.length + 8) * 2 ** -52);
      // A sum of squares may have lost something.
      least = Math.min(least, Number.isNaN(length) ? Infinity : length + entries.length * 2 ** -500);
    }
    return least * bare.factor * (1 + 2 ** -50);
  } finally {
    await close();
  }
}

function normFromAbove(ball: ReturnType<ValueEnclosure['at']>, norm: Norm): number {
  if (!ball) return Infinity;
  const most = ball.middle.map((value, n) => Math.abs(value) + ball.radius[n]!);
  const length = normOf(most, norm) * (1 + (most.length + 8) * 2 ** -52) + most.length * 2 ** -500;
  return Number.isNaN(length) ? Infinity : length;
}
