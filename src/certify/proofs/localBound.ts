import { Algebra } from '../../ellipsoid/region/algebra.ts';
import { PreparedChain } from '../../ellipsoid/region/anchoredPass.ts';
import { chainOf } from '../../ellipsoid/region/chain.ts';
import { type Region, slackOf } from '../../ellipsoid/region/limits.ts';
import { type LocalKind, localPass } from '../../ellipsoid/region/localPass.ts';
import type { Engine } from '../../engine/engine.ts';
import { InputError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';
import { checkLimits, highAt, type Limits, lowAt, outside } from '../limits.ts';
import { hasRoomForForms, type ProverOptions, proverEngine, refuseLarge } from './proverEngine.ts';

export type { LocalKind } from '../../ellipsoid/region/localPass.ts';

/** What `localBound` needs beside the region. */
export interface LocalOptions extends ProverOptions {
  /** Limits that every input keeps, the centre too. */
  readonly domain?: Limits;
  readonly signal?: AbortSignal;
}

/**
 * An ℓ2 bound on slopes within `radius` of `centre`, in a box, or in what both have in common (docs/mathematics.md §8), rounded up.
 * `incremental`: ‖f(x) − f(x′)‖ ≤ L ‖x − x′‖ for all x, x′ there. `anchored`: the same where x′ is the centre.
 * @param centre in the order of the network's input, flat; undefined: the middle of the domain
 * @param radius ℓ2, from 0 on; Infinity: everywhere in the domain, or everywhere
 * @returns Infinity where rounding leaves nothing to say
 * @throws InputError for a region that makes no sense
 * @throws UnsupportedError as `createRegionProver`
 * @throws the signal's reason when it is aborted
 */
export async function localBound(
  network: Network,
  centre: Float64Array | undefined,
  radius: number,
  kind: LocalKind,
  options: LocalOptions = {},
): Promise<number> {
  options.signal?.throwIfAborted();
  const prepared = new PreparedChain(chainOf(network));
  const region = regionOf(prepared.chain.inputs, centre, radius, options.domain);
  refuseLarge(prepared, options.memory, region.slack !== undefined);
  const withForms = region.radius < Infinity && hasRoomForForms(prepared, options.memory);
  const { outputs, factor } = prepared.chain;
  const { engine, close } = await proverEngine(options.engine);
  try {
    const algebra = new Algebra(engine, options.signal);
    const here = await localPass(algebra, prepared, region, kind, withForms);
    let bound = here ? await rootOf(engine, here, outputs) : Infinity;
    if (region.radius < Infinity) {
      // Closed forms are not monotone: what holds everywhere may be less.
      const unbounded = { centre: region.centre, radius: Infinity };
      const everywhere = await localPass(algebra, prepared, unbounded, 'anchored', false);
      if (everywhere) bound = Math.min(bound, await rootOf(engine, everywhere, outputs));
    }
    return bound * factor * (1 + 2 ** -50);
  } finally {
    await close();
  }
}

/** √λ_max, rounded up. */
async function rootOf(engine: Engine, covariance: Float64Array, outputs: number): Promise<number> {
  const matrix = engine.matrices(covariance, 1, outputs, outputs, false);
  const largest = engine.spectralRadius(matrix);
  const [value] = await engine.read(largest);
  engine.release(matrix, largest);
  // The root, and what the engine's own bound is read with.
  const root = Math.sqrt(value![0]!) * (1 + 2 ** -48);
  return Number.isNaN(root) ? Infinity : root;
}

function regionOf(
  inputs: number,
  given: Float64Array | undefined,
  radius: number,
  domain: Limits | undefined,
): Region {
  if (given && given.length !== inputs)
    throw new InputError(`centre: the network's ${inputs} entries, got ${given.length}`);
  if (given && !given.every(Number.isFinite)) throw new InputError('centre: must be finite');
  if (!(radius >= 0)) throw new InputError(`radius: not negative, got ${radius}`);
  if (!domain) {
    if (!given) throw new InputError('local bound: needs a centre or a domain');
    return { centre: given, radius };
  }
  checkLimits(domain, inputs);
  const centre = given ?? middleOf(inputs, domain);
  const out = outside(domain, centre);
  if (out >= 0) throw new InputError(`centre: must be in the domain, got ${centre[out]} at entry ${out}`);
  const reach = Math.min(radius, farthestCorner(centre, domain));
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
