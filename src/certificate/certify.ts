/** Makes certificates. The claim is what the checker proves, never what an engine computed. */
import type { BoundResult } from '../bounds/result.ts';
import { InputError, UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { Refusal } from './checker/refusal.ts';
import type { Claim } from './claim.ts';
import { type Certificate, encodeValues, FORMAT, VERSION } from './format.ts';
import { prove, type VerifyOptions } from './verify.ts';

export interface CertifyOptions extends VerifyOptions {
  /** Who made it, for people; default `lipsoid`. */
  readonly by?: string;
}

/**
 * Multipliers that an engine's rounding has put on the wrong side of D ≻ S, or max poolings on its boundary, are moved: the
 * k-th layer's by (1 + δ)^k, which scales all covariances alike (D R D grows no faster than D when S does not).
 */
const REPAIRS = [0, 2 ** -40, 2 ** -30, 2 ** -20, 2 ** -10, 2 ** -7];

/** Of rows without any covariance; larger ones are as good. */
const LEAST = 2 ** -400;

/** For signals of any length: what is tried as `reach`, and how many times as many frequencies as the engine needed, by axes. */
const REACHES = [0.5, 1, 2, 4, 8, 16, 64, 256];
const FINER = [4, 2, 2];

/**
 * A certificate of the network's bound, from the multipliers in a result of `bound`. Its claim can be above `result.bound`:
 * where a spectral product is the least, which multipliers do not prove, or by what rounding costs.
 *
 * @throws InputError for a network that came from no file, or a result without multipliers
 * @throws UnsupportedError where the checker does not cover the network, with its reason
 * @throws the signal's reason when it is aborted
 */
export async function certify(
  network: Network,
  result: Pick<BoundResult, 'proof' | 'engine' | 'method' | 'rule' | 'length'>,
  options: CertifyOptions = {},
): Promise<Certificate> {
  const { source, name, tensors, input, output } = network;
  if (!source) throw new InputError(`${name}: a certificate is for a network from a file, got none`);
  const refused = (reason: string) => new UnsupportedError([{ node: name, found: 'a certificate', reason }]);
  const { proof, length } = result;
  if (!proof) {
    throw new InputError(
      `${name}: a certificate needs multipliers, got a result that has none (spectral product, or a pair of outputs)`,
    );
  }
  if (length?.smallest !== undefined) {
    throw refused('means over whole signals of any length have none; bound it for the length in the file');
  }
  const { unrolledFrom } = proof;
  const tori = length ? proof.tori.map((t) => t.map((n) => n * FINER[t.length - 1]!)) : proof.tori;
  const attempts = length
    ? REACHES.flatMap((reach) => [0, 2 ** -10, 2 ** -7].map((delta) => ({ delta, reach })))
    : REPAIRS.map((delta) => ({ delta, reach: null }));
  let refusal: Refusal | undefined;
  for (const { delta, reach } of attempts) {
    const layers = proof.layers.map((layer, k) => {
      const factor = (1 + delta) ** (k + 1);
      return { ...layer, values: layer.values.map((x) => Math.max(x * factor, LEAST)) };
    });
    let claim: Claim;
    try {
      claim = await prove(network, { unrolledFrom, tori, layers, reach }, options);
    } catch (error) {
      if (error instanceof UnsupportedError) throw refused(error.message);
      if (!(error instanceof Refusal)) throw error;
      refusal ??= error;
      continue;
    }
    return {
      format: FORMAT,
      version: VERSION,
      network: {
        name,
        sha256: source.sha256,
        input: tensors[input]!.shape,
        output: tensors[output]!.name,
      },
      found: {
        by: options.by ?? 'lipsoid',
        engine: result.engine.description,
        method: [result.method, result.rule].filter((x) => x !== undefined).join(' '),
      },
      unrolledFrom,
      tori,
      layers: layers.map((layer) => ({ ...layer, values: encodeValues(layer.values) })),
      reach,
      claim,
    };
  }
  throw refused(refusal!.message);
}
