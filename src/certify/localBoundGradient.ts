/** How a bound in a region changes with the weights (docs/mathematics.md §12). */
import {
  type BoundGradient,
  type BoundGradientOptions,
  gradientOf,
} from '../bounds/gradient/boundGradient.ts';
import { GradientSums } from '../bounds/gradient/gradientSums.ts';
import { wholeUnrolling } from '../bounds/paths/unrolled.ts';
import { engineOf } from '../engine/engineOf.ts';
import { UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { arrange } from '../network/simplify/simplify.ts';
import { unroll } from '../network/unroll.ts';
import type { LocalBoundOptions } from './certify.ts';
import { closedFormWithin } from './proofs/localForm.ts';
import { withSlopes } from './proofs/localSearch.ts';
import { DEFAULT_MEMORY, proverEngine } from './proofs/proverEngine.ts';

export interface LocalBoundGradientOptions
  extends Omit<BoundGradientOptions, 'multipliers'>,
    Pick<LocalBoundOptions, 'kind' | 'domain'> {}

/** As `BoundGradient`, of what holds in the region. Multipliers are those of this region alone. */
export type LocalBoundGradient = Omit<BoundGradient, 'multipliers'>;

/**
 * The refined bound of `localBound` in ℓ2, of the whole output, of all margins or of a pair, and the gradient of its logarithm. Slopes in the
 * region count as constants: of straight pieces they change only where an entry begins or ceases to be uncertain.
 *
 * @param centre in the order of the network's input, flat; undefined: the domain's middle
 * @param radius from 0 on; Infinity: everywhere in the domain
 * @throws InputError and UnsupportedError as `localBound` and `boundGradient`
 * @throws the signal's reason when it is aborted
 */
export async function localBoundGradient(
  network: Network,
  centre: Float64Array | undefined,
  radius: number,
  { kind = 'incremental', domain, engine: given, ...options }: LocalBoundGradientOptions = {},
): Promise<LocalBoundGradient> {
  const { memory = DEFAULT_MEMORY, signal } = options;
  // Before anything is made of them.
  const sums = new GradientSums(network);
  const { engine, close } = await proverEngine(given && engineOf(given));
  try {
    const form = await closedFormWithin(network, centre, radius, kind, {
      ...{ engine, memory },
      ...(domain && { domain }),
      ...(signal && { signal }),
    });
    const own = withSlopes(form);
    if (!own) throw refusal(network, 'a region', 'rounding leaves nothing to say there');
    const arranged = arrange(own.network);
    const unrolling = wholeUnrolling(arranged, memory);
    if (unrolling && unrolling.from > 0)
      throw refusal(
        network,
        'images',
        `dense matrices of all layers do not fit the memory of ${memory} bytes`,
      );
    const dense = unrolling ? unroll(arranged, 0) : arranged;
    const warm = { version: 2, network: null, path: 'torus', layers: own.layers } as const;
    const { multipliers: _, ...found } = await gradientOf(dense, { ...options, engine, memory }, sums, [
      warm,
    ]);
    return found;
  } finally {
    await close();
  }
}

function refusal({ name }: Network, found: string, reason: string): UnsupportedError {
  return new UnsupportedError([{ node: name, found, reason: `localBoundGradient: ${reason}` }]);
}
