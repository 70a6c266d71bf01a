import { Algebra } from '../../ellipsoid/region/algebra.ts';
import { PreparedChain } from '../../ellipsoid/region/anchoredPass.ts';
import { type Chain, chainOf } from '../../ellipsoid/region/chain.ts';
import {
  ellipsoidAround,
  extentOf,
  type Region,
  slackOf,
  slackOfBox,
} from '../../ellipsoid/region/limits.ts';
import { type Boxed, type LocalKind, type LocalStage, localPass } from '../../ellipsoid/region/localPass.ts';
import type { Engine } from '../../engine/engine.ts';
import { InputError } from '../../errors.ts';
import { PreparedNetwork } from '../../network/evaluation/preparedNetwork.ts';
import type { Network } from '../../network/network.ts';
import { endingFactor } from '../../network/norms/ending.ts';
import { BALL_NORMS, type BallNorm, NORMS, type Norm } from '../../network/norms/norm.ts';
import { withTournaments } from '../../network/simplify/tournaments.ts';
import { checkLimits, highAt, type Limits, lowAt, outside } from '../limits.ts';
import { hasRoomForForms, refuseLarge } from './proverEngine.ts';

export type { LocalKind } from '../../ellipsoid/region/localPass.ts';

/** What is needed beside the region. */
export interface LocalOptions {
  readonly engine: Engine;
  /** Bytes. Default: 2 GiB. */
  readonly memory?: number;
  /** Limits that every input keeps, the centre too. */
  readonly domain?: Limits;
  /** Of the radius and of changes of the input: ℓ2 (default) or ℓ∞. */
  readonly norm?: BallNorm;
  /** Of changes of the output; default ℓ2. */
  readonly outputNorm?: Norm;
  readonly signal?: AbortSignal;
}

export interface LocalForm {
  /** Rounded up; Infinity where rounding leaves nothing to say. */
  readonly bound: number;
  readonly chain: Chain;
  /** Slopes in the region, and the multipliers there; undefined where rounding leaves nothing to say. */
  readonly stages: readonly LocalStage[] | undefined;
}

/**
 * A bound on slopes within `radius` of `centre`, in a box, or in what both have in common (docs/mathematics.md §8), rounded up; in ℓ2, or the
 * norms of the options.
 * `incremental`: ‖f(x) − f(x′)‖ ≤ L ‖x − x′‖ for all x, x′ there. `anchored`: the same where x′ is the centre.
 * @param centre in the order of the network's input, flat; undefined: the middle of the domain
 * @param radius from 0 on; Infinity: everywhere in the domain, or everywhere
 * @throws InputError for a region that makes no sense
 * @throws UnsupportedError as `createRegionProver`
 * @throws the signal's reason when it is aborted
 */
export async function closedFormWithin(
  network: Network,
  centre: Float64Array | undefined,
  radius: number,
  kind: LocalKind,
  options: LocalOptions,
): Promise<LocalForm> {
  options.signal?.throwIfAborted();
  const { norm = '2', outputNorm = '2', domain, memory, engine, signal } = options;
  checkNorms(norm, outputNorm);
  const prepared = new PreparedChain(chainOf(withTournaments(network)));
  const { chain } = prepared;
  const region = regionOf(chain.inputs, centre, radius, domain, norm);
  refuseLarge(prepared, memory, region.slack !== undefined);
  const withForms = region.radius < Infinity && hasRoomForForms(prepared, memory);
  const algebra = new Algebra(engine, signal);
  const unbounded = { centre: region.centre, radius: Infinity };
  let bound = Infinity;
  let stages: readonly LocalStage[] | undefined;
  for (const sigma of norm === 'inf' ? ellipsoids(network, region.centre) : [undefined]) {
    const boxed = (reach: number): Boxed | undefined => sigma && { sigma, reach };
    const here = await localPass(algebra, prepared, region, kind, withForms, boxed(reachOf(region)));
    if (here) bound = Math.min(bound, await rootOf(engine, here.covariance, chain.outputs, outputNorm));
    stages ??= here?.stages;
    if (region.radius === Infinity) continue;
    // Closed forms are not monotone: what holds everywhere may be less.
    const everywhere = await localPass(algebra, prepared, unbounded, 'anchored', false, boxed(Infinity));
    if (everywhere) {
      bound = Math.min(bound, await rootOf(engine, everywhere.covariance, chain.outputs, outputNorm));
    }
  }
  const ending = outputNorm === '2' ? chain.factor : endingOf(network, outputNorm);
  return { bound: bound * ending * (1 + 2 ** -50), chain, stages };
}

/** @throws InputError for norms that regions do not have */
function checkNorms(norm: string, outputNorm: string): void {
  const balls: readonly string[] = BALL_NORMS;
  const all: readonly string[] = NORMS;
  if (!balls.includes(norm))
    throw new InputError(`norm: one of ${balls.join(', ')} in a region, got ${norm}`);
  if (!all.includes(outputNorm))
    throw new InputError(`output norm: one of ${all.join(', ')}, got ${outputNorm}`);
}

/** The largest distance of an entry from the centre. */
function reachOf({ slack }: Region): number {
  return slack ? extentOf(slack).widths.reduce((a, b) => Math.max(a, b), 0) : Infinity;
}

/** Outputs whose slopes an ellipsoid is made for, of many. */
const MOST_SLOPES = 64;

/** Ellipsoids that hold the ℓ∞ ball: the round one, and one by how much each input matters at a point. */
function ellipsoids(network: Network, centre: Float64Array): Float64Array[] {
  const ones = new Float64Array(centre.length).fill(1);
  const at = new PreparedNetwork(network).linearise(centre);
  const squares = new Float64Array(centre.length);
  for (let j = 0; j < Math.min(at.value.length, MOST_SLOPES); j++) {
    const read = new Float64Array(at.value.length);
    read[j] = 1;
    for (const [i, slope] of at.pull(read).entries()) squares[i]! += slope * slope;
  }
  return [ellipsoidAround(ones, ones), ellipsoidAround(ones, squares.map(Math.sqrt))];
}

/** What a softmax that was left off at the end multiplies with. */
function endingOf({ nodes, tensors }: Network, norm: Norm): number {
  const end = nodes.find(({ operator }) => operator.kind === 'softmax');
  if (end?.operator.kind !== 'softmax') return 1;
  return endingFactor(norm, { logarithm: end.operator.logarithm, size: tensors[end.output]!.shape[0]! });
}

/** The largest change of the output in a norm, rounded up: from its covariance. */
async function rootOf(
  engine: Engine,
  covariance: Float64Array,
  outputs: number,
  norm: Norm,
): Promise<number> {
  // The root, and what the engine's own bound is read with.
  const above = (square: number) => {
    const root = Math.sqrt(square) * (1 + 2 ** -48);
    return Number.isNaN(root) ? Infinity : root;
  };
  if (norm === 'inf') {
    let most = 0;
    for (let k = 0; k < covariance.length; k += outputs + 1) most = Math.max(most, covariance[k]!);
    return above(most);
  }
  const matrix = engine.matrices(covariance, 1, outputs, outputs, false);
  const largest = engine.spectralRadius(matrix);
  const [value] = await engine.read(largest);
  engine.release(matrix, largest);
  if (norm === '2') return above(value![0]!);
  // diag ν ⪰ Σ for row sums of moduli, and for λ_max.
  const sums = covariance.reduce((sum, entry) => sum + Math.abs(entry), 0);
  return above(Math.min(sums, outputs * value![0]!) * (1 + (covariance.length + 8) * 2 ** -52));
}

/** A ball, a box or what both have in common, as passes take it. @throws InputError for what is none */
export function regionOf(
  inputs: number,
  given: Float64Array | undefined,
  radius: number,
  domain: Limits | undefined,
  norm: BallNorm,
): Region {
  if (given && given.length !== inputs)
    throw new InputError(`centre: the network's ${inputs} entries, got ${given.length}`);
  if (given && !given.every(Number.isFinite)) throw new InputError('centre: must be finite');
  if (!(radius >= 0)) throw new InputError(`radius: not negative, got ${radius}`);
  if (!domain) {
    if (!given) throw new InputError('local bound: needs a centre or a domain');
    if (norm === '2' || radius === Infinity) return { centre: given, radius };
    const slack = slackOfBox(given, radius, undefined);
    return { centre: given, radius: extentOf(slack).corner, slack };
  }
  checkLimits(domain, inputs);
  const centre = given ?? middleOf(inputs, domain);
  const out = outside(domain, centre);
  if (out >= 0) throw new InputError(`centre: must be in the domain, got ${centre[out]} at entry ${out}`);
  const corner = farthestCorner(centre, domain);
  if (norm === 'inf' && Math.min(radius, corner) < Infinity) {
    const slack = slackOfBox(centre, Math.min(radius, corner), domain);
    return { centre, radius: extentOf(slack).corner, slack };
  }
  const reach = Math.min(radius, corner);
  // Without an end there is no box to speak of.
  if (!(reach < Infinity)) return { centre, radius: reach };
  return { centre, radius: reach, slack: slackOf(centre, reach, domain) };
}

function middleOf(inputs: number, domain: Limits): Float64Array {
  return new Float64Array(inputs).map((_, n) => {
    const [low, high] = [lowAt(domain, n), highAt(domain, n)];
    if (!(Number.isFinite(low) && Number.isFinite(high)))
      throw new InputError(`domain: finite where no centre is given, got ${low} and ${high}`);
    return Math.min(Math.max(low / 2 + high / 2, low), high);
  });
}

/** Its distance from the centre, rounded up. */
function farthestCorner(centre: Float64Array, domain: Limits): number {
  const far = centre.map((x, n) => Math.max(x - lowAt(domain, n), highAt(domain, n) - x));
  const most = far.reduce((a, b) => Math.max(a, b), 0);
  if (!(most > 0 && most < Infinity)) return most;
  const squares = far.reduce((sum, value) => sum + (value / most) ** 2, 0);
  return most * Math.sqrt(squares) * (1 + (far.length + 8) * 2 ** -52);
}
