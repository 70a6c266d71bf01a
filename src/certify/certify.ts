/** Certifying samples with the prover of regions that this library has. */
import { engineOf } from '../engine/engineOf.ts';
import type { Network } from '../network/network.ts';
import { type CertifySamplesOptions, certifyWith } from './certifySamples.ts';
import type { Sample } from './data/samples.ts';
import { createRegionProver } from './regionProver.ts';
import type { SampleReport } from './report.ts';

/**
 * For each sample, in turn: is its label proven to be the largest output at every input within each radius (ℓ2), by what, how far at most,
 * and how near is a counterexample?
 *
 *     for await (const { index, certified } of certifySamples(network, samples, { radii: [0.5] })) …
 *
 * Labels that are wrong at the input itself are never certified, and ties are not.
 * @throws InputError for options, networks and samples that make no sense
 * @throws UnsupportedError where the network has no bound
 * @throws the signal's reason when it is aborted
 */
export function certifySamples(
  network: Network,
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  options: CertifySamplesOptions = {},
): AsyncGenerator<SampleReport, void> {
  return certifyWith(
    (logits, { engine, memory }) =>
      createRegionProver(logits, {
        ...(engine && { engine: engineOf(engine) }),
        ...(memory !== undefined && { memory }),
      }),
    network,
    samples,
    options,
  );
}
