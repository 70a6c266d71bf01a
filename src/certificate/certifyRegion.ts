/** Makes certificates of regions. What they claim is what the checker proves, never what an engine computed. */
import { InputError, UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { Refusal } from './checker/refusal.ts';
import { encodeValues } from './fields.ts';
import { REGION_FORMAT, REGION_VERSION, type RegionCertificate } from './regionFormat.ts';
import type { Region } from './regions/check.ts';
import type { VerifyOptions } from './verify.ts';
import { proveRegion } from './verifyRegion.ts';

/** What a search has found for one region: multipliers of every argument of a function, stage by stage in the order of the network. */
export interface RegionProof {
  readonly layers: readonly { readonly name: string; readonly multipliers: Float64Array }[];
  /** Of moving centres. */
  readonly centres: readonly {
    /** Of the weights of limits; null: none. */
    readonly offset: Float64Array | null;
    readonly layers: readonly {
      readonly name: string;
      readonly multipliers: Float64Array;
      readonly spread: Float64Array;
      readonly middle: Float64Array;
    }[];
  }[];
}

export interface CertifyRegionOptions extends Pick<VerifyOptions, 'signal'> {
  /** Who made it, for people; default `lipsoid`. */
  readonly by?: string;
  /** What has computed, for people; default none. */
  readonly engine?: string;
}

/**
 * A certificate that a label stays the largest output within a radius.
 * @param network as its file has it
 * @throws InputError for a network that came from no file
 * @throws UnsupportedError where the checker does not accept it, with its reason
 * @throws the signal's reason when it is aborted
 */
export async function certifyRegion(
  network: Network,
  { centre, label, radius, scale, limits }: Region,
  { layers, centres }: RegionProof,
  { by = 'lipsoid', engine = '', signal }: CertifyRegionOptions = {},
): Promise<RegionCertificate> {
  const { source, name, tensors, input, output } = network;
  if (!source) throw new InputError(`${name}: a certificate is for a network from a file, got none`);
  const certificate: RegionCertificate = {
    format: REGION_FORMAT,
    version: REGION_VERSION,
    network: {
      name,
      sha256: source.sha256,
      input: tensors[input]!.shape,
      output: tensors[output]!.name,
    },
    found: { by, engine },
    region: {
      centre: encodeValues(centre),
      label,
      radius,
      scale: scale && encodeValues(scale),
      limits: limits && { low: encodeValues(limits.low), high: encodeValues(limits.high) },
    },
    layers: layers.map((layer) => ({ name: layer.name, multipliers: encodeValues(layer.multipliers) })),
    centres: centres.map(({ offset, layers: own }) => ({
      offset: offset && encodeValues(offset),
      layers: own.map((layer) => ({
        name: layer.name,
        multipliers: encodeValues(layer.multipliers),
        spread: encodeValues(layer.spread),
        middle: encodeValues(layer.middle),
      })),
    })),
  };
  try {
    await proveRegion(network, certificate, { ...(signal && { signal }) });
    return certificate;
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof InputError || error instanceof RangeError))
      throw error;
    throw new UnsupportedError([{ node: name, found: 'a certificate of a region', reason: error.message }]);
  }
}
