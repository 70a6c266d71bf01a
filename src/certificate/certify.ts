/** Makes certificates. The claim is what the checker proves, never what an engine computed. */
import type { BoundProof } from '../bounds/report/proof.ts';
import type { BoundResult } from '../bounds/result.ts';
import { InputError, UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { isEuclidean } from '../network/norms/norm.ts';
import type { Measure, Multipliers, Proven } from './checker/check.ts';
import type { Scaled } from './checker/numbers.ts';
import type { Layer } from './checker/plan.ts';
import { Refusal } from './checker/refusal.ts';
import { type Claim, claimOf } from './claim.ts';
import { encodeValues } from './fields.ts';
import { type Certificate, FORMAT, type StoredLayer, type StoredMargins, VERSION } from './format.ts';
import { bestDifferences, boundsOf, isLess } from './margins.ts';
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

/** Of all sets of multipliers that margins have beside those of the bound: float64 numbers, about eleven characters each, and seconds that
 *  the checker may take for them here. */
const MOST_NUMBERS = 2 ** 20;
const MOST_SECONDS = 120;

/** The multiplier of rows without any covariance; larger ones are as good. */
const LEAST = 2 ** -400;

/** For signals of any length: what is tried as `reach`, and how many times as many frequencies as the engine needed. */
const REACHES = [2, 4, 8, 16, 64, 256, 1024];
const FINER = [2, 8, 32];
/** The claim may then lie so much above the engine's bound before more frequencies are tried. */
const WORSE = 1.01;

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
  result: Pick<
    BoundResult,
    'log10' | 'norms' | 'weights' | 'proof' | 'engine' | 'method' | 'rule' | 'length' | 'marginProofs'
  >,
  options: CertifyOptions = {},
): Promise<Certificate> {
  const { source, name, tensors, input, output } = network;
  if (!source) throw new InputError(`${name}: a certificate is for a network from a file, got none`);
  const refused = (reason: string) => new UnsupportedError([{ node: name, found: 'a certificate', reason }]);
  const { proof, length } = result;
  const weights = result.weights ? Float64Array.from(result.weights) : null;
  const measure: Measure = { norms: result.norms, weights };
  if (!proof) {
    throw new InputError(
      `${name}: a certificate needs multipliers, got a result that has none (spectral product, or a pair of outputs)`,
    );
  }
  const means = network.nodes.some(({ operator }) => operator.kind === 'global-average-pool');
  if (length && means) {
    throw refused('means over whole signals of any length have none; bound it for the length in the file');
  }
  let refusal: Refusal | undefined;
  let best: Found | undefined;
  for (const multipliers of length ? forAnyLength(proof) : repaired(proof)) {
    // On as many frequencies a larger reach proves no more.
    if (best?.tori === multipliers.tori) continue;
    try {
      const proven = await prove(network, multipliers, options, measure);
      const claim = claimOf(proven.bound);
      const { differences } = proven;
      if (!best || claim.log10 < best.claim.log10) best = { ...multipliers, claim, differences };
    } catch (error) {
      if (error instanceof UnsupportedError) throw refused(error.message.replaceAll('\n', '; '));
      if (!(error instanceof Refusal)) throw error;
      refusal ??= error;
    }
    if (best && !(length && best.claim.log10 > (result.log10 ?? -Infinity) + Math.log10(WORSE))) break;
  }
  if (!best) throw refused(refusal!.message);
  const { unrolledFrom, tori, layers, reach, claim, differences } = best;
  const own = length ? undefined : differences;
  const margins = own && (await certifiedMargins(network, result.marginProofs ?? [], own, options, measure));
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
    layers: layers.map(stored),
    reach,
    claim,
    ...((!isEuclidean(result.norms) || weights) && {
      norms: { ...result.norms, weights: weights && encodeValues(weights) },
    }),
    ...(margins && { margins }),
  };
}

type Found = Multipliers & Pick<Proven, 'differences'> & { readonly claim: Claim };

/**
 * Margins with the multipliers that prove them, as far as these have room and time: of the others the least that is proven by them.
 * Undefined where none are asked for, or where one is outside float64.
 * @param own what the multipliers of the bound prove
 */
async function certifiedMargins(
  network: Network,
  proofs: readonly BoundProof[],
  own: readonly Scaled[],
  options: CertifyOptions,
  measure: Measure,
): Promise<StoredMargins | undefined> {
  if (proofs.length === 0) return undefined;
  const start = performance.now();
  let numbers = 0;
  const sets: { readonly set: StoredMargins['sets'][number]; readonly differences: readonly Scaled[] }[] = [];
  for (const proof of proofs) {
    numbers += proof.layers.reduce((sum, { values }) => sum + values.length, 0);
    if (numbers > MOST_NUMBERS || performance.now() - start > 1000 * MOST_SECONDS) break;
    for (const multipliers of repaired(proof)) {
      try {
        const { differences } = await prove(network, multipliers, options, measure);
        const { unrolledFrom, tori, layers } = multipliers;
        if (differences) sets.push({ set: { unrolledFrom, tori, layers: layers.map(stored) }, differences });
        break;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    }
  }
  const best = bestDifferences([own, ...sets.map(({ differences }) => differences)]);
  const bounds = boundsOf(best);
  if (!bounds.every((x) => x < Infinity)) return undefined;
  const needed = sets.filter(({ differences }) =>
    differences.some((x, k) => !isLess(best[k]!, x) && isLess(x, own[k]!)),
  );
  return { sets: needed.map(({ set }) => set), bounds };
}

function stored(layer: Layer): StoredLayer {
  return { ...layer, values: encodeValues(layer.values) };
}

/** What is tried, the likeliest first. */
function* repaired(proof: BoundProof): Generator<Multipliers> {
  for (const delta of REPAIRS) yield { ...proof, layers: moved(proof.layers, delta), reach: null };
}

function* forAnyLength(proof: BoundProof): Generator<Multipliers> {
  for (const finer of FINER) {
    const tori = proof.tori.map((sides) => sides.map((n) => n * finer));
    for (const reach of REACHES) {
      for (const delta of [0, 2 ** -10, 2 ** -7])
        yield { unrolledFrom: null, tori, layers: moved(proof.layers, delta), reach };
    }
  }
}

/** The k-th layer's multipliers times (1 + δ)^k. */
function moved(layers: readonly Layer[], delta: number): Layer[] {
  return layers.map((layer, k) => {
    const factor = (1 + delta) ** (k + 1);
    return { ...layer, values: layer.values.map((x) => Math.max(x * factor, LEAST)) };
  });
}
