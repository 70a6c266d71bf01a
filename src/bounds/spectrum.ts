/** The spectrum of one convolution of a network. */

import { stepsOf } from '../ellipsoid/memory/cost.ts';
import { termSpectrum } from '../ellipsoid/norms/layerSpectrum.ts';
import { Rounding } from '../ellipsoid/rounding/rounding.ts';
import type { EngineHandle } from '../engine/engine.ts';
import { engineOf } from '../engine/engineOf.ts';
import { InputError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { foldingsOf } from '../network/simplify/roundings.ts';
import { simplify } from '../network/simplify/simplify.ts';
import { compile } from '../program/compile.ts';

export interface LayerSpectrum {
  readonly layer: string;
  /** Frequencies per axis: the sides of the torus that the layer works on, divided by its stride. */
  readonly torus: readonly number[];
  /** λ_max(S(ω)), row-major over `torus`, frequency 0 first. The largest is the squared ℓ2 norm of the layer. */
  readonly values: Float64Array;
}

/**
 * λ_max(S(ω)) of a convolution at every frequency of its torus, S(ω) = W(ω) W(ω)ᴴ (with a stride: its mean over the
 * frequencies that alias), from above, rounding errors accounted for (Sedghi, Gupta & Long 2019, arXiv 1805.10408, for circular padding).
 *
 * @param layer name of a convolution, plain or transposed, in `inspect(network).layers`
 * @throws InputError where there is no convolution of this name, or more channels than the engine's precision can bound
 * @throws UnsupportedError for networks that have no torus
 * @throws the signal's reason when it is aborted
 */
export async function layerSpectrum(
  network: Network,
  layer: string,
  options: { readonly engine: EngineHandle; readonly signal?: AbortSignal },
): Promise<LayerSpectrum> {
  const engine = engineOf(options.engine);
  const rounding = new Rounding(engine.information, foldingsOf(network));
  for (const { segment, k, step } of stepsOf(compile(simplify(network)))) {
    if (step.kind !== 'linear') continue;
    for (const placed of step.terms) {
      const { name, map } = placed.term;
      if (name !== layer || (map.kind !== 'convolution' && map.kind !== 'transposed')) continue;
      return { layer, ...(await termSpectrum(engine, segment, k, placed, rounding, options.signal)) };
    }
  }
  throw new InputError(`spectrum: the name of a convolution of the network, got ${layer}`);
}
