/** Verification of regions: whether a certificate proves that a label stays the largest output around an input. */
import { InputError, UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { Refusal } from './checker/refusal.ts';
import { countOf, decodeValues } from './fields.ts';
import { type RegionCertificate, readRegionCertificate } from './regionFormat.ts';
import { checkRegion, type Region } from './regions/check.ts';
import type { Values } from './regions/sectors.ts';
import { reasonOf, refuseOtherNetwork, type VerifyOptions } from './verify.ts';

export interface RegionVerification {
  readonly accepted: boolean;
  /** Why not, if not accepted. */
  readonly reason?: string;
  /** What the checker proves of the output of the label minus the largest other, from below; null where it proves nothing. */
  readonly margin: number | null;
  /** What is claimed; null where the certificate could not be read. */
  readonly region: Pick<Region, 'label' | 'radius'> | null;
}

/**
 * Proves anew what a certificate claims, in float64, trusting nothing of it (docs/certificate.md says what is proven). Never throws for what is
 * wrong with the certificate.
 * @param certificate as `JSON.parse` gives it
 * @throws the signal's reason when it is aborted
 */
export async function verifyRegion(
  network: Network,
  certificate: unknown,
  options: Pick<VerifyOptions, 'signal'> = {},
): Promise<RegionVerification> {
  let region: RegionVerification['region'] = null;
  try {
    const read = readRegionCertificate(certificate);
    const { label, radius } = read.region;
    region = { label, radius };
    refuseOtherNetwork(network, read);
    const margin = await proveRegion(network, read, options);
    return { accepted: true, margin, region };
  } catch (error) {
    const refusals = [Refusal, InputError, UnsupportedError, RangeError];
    if (!(error instanceof Error && refusals.some((kind) => error instanceof kind))) throw error;
    return { accepted: false, reason: reasonOf(error), margin: null, region };
  }
}

/**
 * The least margin that is proven, above 0.
 * @throws Refusal where it is not, or the checker does not cover the network
 */
export async function proveRegion(
  network: Network,
  { region, layers, centres }: Pick<RegionCertificate, 'region' | 'layers' | 'centres'>,
  { signal }: Pick<VerifyOptions, 'signal'>,
): Promise<number> {
  const { centre, label, radius, scale, limits } = region;
  const values = (encoded: string, where: string): Values => ({
    count: countOf(encoded),
    values: () => decodeValues(encoded, where),
  });
  const claimed: Region = {
    ...{ label, radius },
    centre: decodeValues(centre, 'region.centre'),
    scale: scale === null ? null : decodeValues(scale, 'region.scale'),
    limits: limits && {
      low: decodeValues(limits.low, 'region.limits.low'),
      high: decodeValues(limits.high, 'region.limits.high'),
    },
  };
  const multipliers = {
    layers: layers.map((layer, k) => ({
      name: layer.name,
      multipliers: values(layer.multipliers, `layers[${k}].multipliers`),
    })),
    centres: centres.map(({ offset, layers: own }, j) => ({
      offset: offset === null ? null : values(offset, `centres[${j}].offset`),
      layers: own.map((layer, k) => {
        const where = `centres[${j}].layers[${k}]`;
        return {
          name: layer.name,
          multipliers: values(layer.multipliers, `${where}.multipliers`),
          spread: values(layer.spread, `${where}.spread`),
          middle: values(layer.middle, `${where}.middle`),
        };
      }),
    })),
  };
  const margins = await checkRegion(network, claimed, multipliers, async () => {
    // Lets the host breathe, and a cancellation arrive.
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  });
  const least = margins.reduce((all, margin, j) => (j === label ? all : Math.min(all, margin)), Infinity);
  const rival = margins.indexOf(least);
  if (!(least > 0)) {
    throw new Refusal(
      least === -Infinity
        ? `its multipliers say nothing of output ${rival}`
        : `its multipliers prove output ${label} minus output ${rival} to be at least ${least} alone`,
    );
  }
  return least;
}
