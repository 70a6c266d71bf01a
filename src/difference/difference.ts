/** Two networks on one input: the Lipschitz constant of their difference, and how far they are apart in a region. */
import { bound } from '../bounds/bound.ts';
import { DEFAULTS } from '../bounds/defaults.ts';
import type { BoundOptions, BoundResult } from '../bounds/result.ts';
import { createEngine } from '../engine/create.ts';
import type { EngineHandle, EngineInformation } from '../engine/engine.ts';
import { engineOf } from '../engine/engineOf.ts';
import { InputError, UnsupportedError } from '../errors.ts';
import { refuseOtherShapes } from '../network/difference/merged.ts';
import type { Network } from '../network/network.ts';
import { BALL_NORMS, type BallNorm, type NormPair } from '../network/norms/norm.ts';
import { product } from '../network/size.ts';
import { type FarPoint, farthestPoint } from './farthest.ts';
import { differenceNetwork } from './network.ts';
import { type RegionBounds, regionBounds } from './region.ts';

/** What `difference` may be told: of `BoundOptions`, those that two networks have together. */
export interface DifferenceOptions
  extends Pick<
    BoundOptions,
    | 'engine'
    | 'memory'
    | 'norm'
    | 'outputNorm'
    | 'evaluations'
    | 'tolerance'
    | 'timeLimit'
    | 'since'
    | 'seed'
    | 'lower'
    | 'signal'
    | 'onProgress'
  > {
  /** The centre of a region, flat, in the order of the input; with `radius`. Default: bounds for all inputs alone. */
  readonly at?: Float64Array;
  /** Of the region, in the norm of the input, which is ℓ2 or ℓ∞ then; from 0 on. */
  readonly radius?: number;
}

/** Within the radius of the centre. */
export interface RegionalDifference {
  /** ‖(A − B)(x) − (A − B)(y)‖ ≤ lipschitz · ‖x − y‖ for all x, y there; null where rounding leaves nothing to say, here and below. */
  readonly lipschitz: number | null;
  /** The same for y = centre alone. */
  readonly gain: number | null;
  /** ‖A(centre) − B(centre)‖ is at most this. */
  readonly atCentre: number | null;
  /** ‖A(x) − B(x)‖ ≤ largest for all x there. */
  readonly largest: number | null;
  /** What gave `largest`: differences carried through both networks, ranges of A − B, or value and gain at the centre. */
  readonly by: 'differences' | 'ranges' | 'gain';
  /** An input there at which they are so far apart, at least: proven, rounding included. */
  readonly attained: { readonly value: number; readonly input: readonly number[] };
}

export interface DifferenceResult {
  /** All that A and B do is the same: every number here is 0. */
  readonly identical: boolean;
  readonly norms: NormPair;
  /** ‖(A − B)(x) − (A − B)(y)‖ ≤ bound · ‖x − y‖ for all inputs, rounded up. Null where it is no float64. */
  readonly bound: number | null;
  readonly log10: number | null;
  /** What gave it: both networks together, or the sum of a bound of each. */
  readonly by: 'together' | 'sum';
  /** Both networks together, as one network; absent where they are identical. */
  readonly together?: BoundResult;
  /** A bound of A and a bound of B: their sum is one of A − B too. */
  readonly each?: readonly [a: number | null, b: number | null];
  /** Present where a region was asked for. */
  readonly region?: RegionalDifference;
  readonly engine: EngineInformation;
}

/**
 * Bounds of x ↦ A(x) − B(x) (docs/mathematics.md §13): its Lipschitz constant, and in a region around a point that, and how far A and B are
 * apart at most. For a copy with rounded or removed weights, one that was trained to imitate another, or two checkpoints.
 *
 *     const { region } = await difference(a, b, { at, radius: 0.1 });
 *     region.largest                        // ‖A(x) − B(x)‖₂ for all x within 0.1
 *
 * @throws InputError for inputs or outputs of other shapes, and for options that make no sense
 * @throws UnsupportedError where no method covers A and B
 * @throws the signal's reason when it is aborted
 */
export async function difference(
  a: Network,
  b: Network,
  options: DifferenceOptions = {},
): Promise<DifferenceResult> {
  refuseOtherShapes(a, b);
  const { at, radius, ...rest } = options;
  const norms = { input: rest.norm ?? DEFAULTS.norm, output: rest.outputNorm ?? DEFAULTS.outputNorm };
  checkRegion(a, at, radius, norms);
  const network = await differenceNetwork(a, b);
  const engine = rest.engine ?? (await createEngine());
  try {
    const { information } = engine;
    if (!network) {
      const region = at && { region: nothingApart(at) };
      return {
        identical: true,
        norms,
        bound: 0,
        log10: null,
        by: 'together',
        ...region,
        engine: information,
      };
    }
    const asked = { ...rest, engine, since: rest.since ?? performance.now() };
    const globally = await globalBounds(a, b, network, asked);
    const region =
      at &&
      (await inRegion(a, b, network, { at, radius: radius!, norms, everywhere: globally.bound }, asked));
    return { identical: false, norms, ...globally, ...(region && { region }), engine: information };
  } finally {
    if (!rest.engine) await engine.close();
  }
}

type Asked = Omit<DifferenceOptions, 'at' | 'radius'> & { readonly engine: EngineHandle };

type Magnitude = Pick<BoundResult, 'bound' | 'log10'>;

async function globalBounds(a: Network, b: Network, network: Network, asked: Asked) {
  const together = await bound(network, asked);
  // What is exact cannot be less; branch and bound of each has its time in that of both.
  if (together.bound === 0 || together.method === 'exact') {
    const { bound: value, log10 } = together;
    return { bound: value, log10, by: 'together' as const, together };
  }
  const options = { ...asked, method: 'refined', lower: false } as const;
  const [first, second] = [await boundAlone(a, options), await boundAlone(b, options)];
  const sum = sumOf(first, second);
  const least = logarithmOf(sum) < logarithmOf(together) ? sum : together;
  return {
    ...{ bound: least.bound, log10: least.log10 },
    by: least === together ? ('together' as const) : ('sum' as const),
    together,
    each: [first.bound, second.bound] as const,
  };
}

/** What the sum is made of; together they may have a bound where one of them has none. */
async function boundAlone(network: Network, options: BoundOptions): Promise<Magnitude> {
  return bound(network, options).catch((error: unknown) => {
    if (error instanceof UnsupportedError) return { bound: null, log10: null };
    throw error;
  });
}

/** Rounded up; the logarithm too. Neither where one of them has none. */
export function sumOf(a: Magnitude, b: Magnitude): Magnitude {
  const [x, y] = [logarithmOf(a), logarithmOf(b)];
  const most = Math.max(x, y);
  if (most === -Infinity) return { bound: 0, log10: null };
  if (most === Infinity) return { bound: null, log10: null };
  const log10 = most + Math.log10(1 + 10 ** (Math.min(x, y) - most));
  const sum = a.bound === null || b.bound === null ? Infinity : (a.bound + b.bound) * (1 + 2 ** -52);
  return { bound: sum < Infinity ? sum : null, log10: log10 + Math.abs(log10) * 2 ** -48 + 2 ** -48 };
}

/** Infinity where there is no bound, which has no logarithm either, as 0 has none. */
function logarithmOf({ bound, log10 }: Magnitude): number {
  return log10 ?? (bound === 0 ? -Infinity : Infinity);
}

interface RegionAsked {
  readonly at: Float64Array;
  readonly radius: number;
  readonly norms: NormPair;
  readonly everywhere: number | null;
}

async function inRegion(
  a: Network,
  b: Network,
  network: Network,
  { at: centre, radius, norms, everywhere }: RegionAsked,
  { engine, memory, signal, seed }: Asked,
): Promise<RegionalDifference> {
  const region = { centre, radius, norm: norms.input as BallNorm, outputNorm: norms.output };
  const found = await regionBounds(a, b, network, region, everywhere ?? Infinity, {
    engine: engineOf(engine),
    ...(memory !== undefined && { memory }),
    ...(signal && { signal }),
  });
  const far = farthestPoint(network, centre, radius, region.norm, norms.output, seed ?? DEFAULTS.seed);
  refuseContradiction(found, far);
  const orNull = (value: number) => (value < Infinity ? value : null);
  return {
    lipschitz: orNull(found.lipschitz),
    gain: orNull(found.gain),
    atCentre: orNull(found.atCentre),
    largest: orNull(found.largest),
    by: found.by,
    attained: { value: far.value, input: [...far.input] },
  };
}

/** Where a proof and a point of the region contradict each other, the program is wrong. */
function refuseContradiction({ largest, by }: RegionBounds, { value }: FarPoint): void {
  if (value <= largest) return;
  throw new Error(
    `difference: a distance of ${value} is attained where ${largest} is proven (${by}); one of them is wrong, please report it`,
  );
}

function nothingApart(at: Float64Array): RegionalDifference {
  const attained = { value: 0, input: [...at] };
  return { lipschitz: 0, gain: 0, atCentre: 0, largest: 0, by: 'differences', attained };
}

function checkRegion(
  { tensors, input }: Network,
  at: Float64Array | undefined,
  radius: number | undefined,
  { input: norm }: NormPair,
): void {
  if ((at === undefined) !== (radius === undefined)) {
    throw new InputError('difference: a region has a centre and a radius, got one of them');
  }
  if (!at) return;
  const entries = product(tensors[input]!.shape);
  if (at.length !== entries)
    throw new InputError(`difference: centre: the networks' ${entries} entries, got ${at.length}`);
  if (!at.every(Number.isFinite)) throw new InputError('difference: centre: must be finite');
  if (!(radius! >= 0 && radius! < Infinity))
    throw new InputError(`difference: radius: from 0 on and finite, got ${radius}`);
  const balls: readonly string[] = BALL_NORMS;
  if (!balls.includes(norm))
    throw new InputError(`difference: norm: one of ${balls.join(', ')} in a region, got ${norm}`);
}
