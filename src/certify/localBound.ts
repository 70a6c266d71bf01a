import { Algebra } from '../ellipsoid/region/algebra.ts';
import { PreparedChain } from '../ellipsoid/region/anchoredPass.ts';
import { chainOf } from '../ellipsoid/region/chain.ts';
import { type LocalKind, localPass } from '../ellipsoid/region/localPass.ts';
import { InputError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { type ProverOptions, proverEngine, refuseLarge } from './proverEngine.ts';

export type { LocalKind } from '../ellipsoid/region/localPass.ts';

/**
 * An ℓ2 bound on slopes within a ball (docs/mathematics.md §8), rounded up. `incremental`: ‖f(x) − f(x′)‖ ≤ L ‖x − x′‖ for all x, x′ within
 * `radius` of `centre`. `anchored`: the same where x′ is the centre itself.
 * @param centre in the order of the network's input, flat
 * @param radius ℓ2, from 0 on; Infinity: everywhere
 * @returns Infinity where rounding leaves nothing to say
 * @throws UnsupportedError as `createRegionProver`
 * @throws the signal's reason when it is aborted
 */
export async function localBound(
  network: Network,
  centre: Float64Array,
  radius: number,
  kind: LocalKind,
  options: ProverOptions & { readonly signal?: AbortSignal } = {},
): Promise<number> {
  options.signal?.throwIfAborted();
  const prepared = new PreparedChain(chainOf(network));
  refuseLarge(prepared, options.memory);
  const { inputs, outputs, factor } = prepared.chain;
  if (centre.length !== inputs)
    throw new RangeError(`local bound: the input has ${inputs} entries, got ${centre.length}`);
  if (!centre.every(Number.isFinite)) throw new InputError('local bound: the centre must be finite');
  if (!(radius >= 0))
    throw new RangeError(`local bound: the radius must be a number from 0 on, got ${radius}`);
  const { engine, close } = await proverEngine(options.engine);
  try {
    const covariance = await localPass(new Algebra(engine, options.signal), prepared, centre, radius, kind);
    if (!covariance) return Infinity;
    const matrix = engine.matrices(covariance, 1, outputs, outputs, false);
    const largest = engine.spectralRadius(matrix);
    const [value] = await engine.read(largest);
    engine.release(matrix, largest);
    // The root, the product and what the engine's own bound is read with.
    const bound = Math.sqrt(value![0]!) * factor * (1 + 2 ** -48);
    return Number.isNaN(bound) ? Infinity : bound;
  } finally {
    await close();
  }
}
