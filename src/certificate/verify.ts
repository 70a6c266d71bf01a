/** Verification: whether a certificate proves what it claims of a network. */
import { InputError, UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { EUCLIDEAN, type NormPair } from '../network/norms/norm.ts';
import { product } from '../network/size.ts';
import { printable } from '../printable.ts';
import { check, type Measure, type Multipliers, type Proven } from './checker/check.ts';
import type { Layer } from './checker/plan.ts';
import { Refusal } from './checker/refusal.ts';
import { type Claim, claimOf } from './claim.ts';
import { countOf, decodeValues, type StoredNetwork } from './fields.ts';
import { type Certificate, readCertificate } from './format.ts';
import { bestDifferences, boundsOf, square } from './margins.ts';

export interface VerifyOptions {
  /** Cancels: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called now and then with the number of covariances computed. */
  readonly onProgress?: (progress: { readonly covariances: number }) => void;
}

export interface Verification {
  readonly accepted: boolean;
  /** Why not, if not accepted. */
  readonly reason?: string;
  /** What the checker itself could prove; null where it could prove nothing (or outside float64: see `log10`). */
  readonly bound: number | null;
  readonly log10: number | null;
  /** Null where the certificate could not be read. */
  readonly claimed: Claim | null;
  /** What the claim is in: norms, and units of the input's entries where it has any. Absent where the certificate could not be read. */
  readonly norms?: NormPair;
  readonly weights?: readonly number[];
  /** [i][j]: the bound that the certificate claims of output i minus output j, where it is accepted and claims any. */
  readonly margins?: readonly (readonly number[])[];
  /** Present where the claim is one for inputs of every length, not for that of the file alone. */
  readonly lengths?: 'any';
}

/**
 * Recomputes the bound of a certificate in float64, from above, trusting nothing but that the multipliers are multipliers
 * (docs/certificate.md says what is proven). Never throws for what is wrong with the certificate.
 * @param certificate as `JSON.parse` gives it
 * @throws the signal's reason when it is aborted
 */
export async function verify(
  network: Network,
  certificate: unknown,
  options: VerifyOptions = {},
): Promise<Verification> {
  let claimed: Claim | null = null;
  try {
    const read = readCertificate(certificate);
    claimed = read.claim;
    refuseOtherNetwork(network, read);
    const measure = measureOf(network, read);
    const proven = await prove(network, { ...read, layers: read.layers.map(decoded) }, options, measure);
    const { bound, log10 } = claimOf(proven.bound);
    const reason =
      shortfall(read.claim, bound, log10) ?? (await marginShortfall(network, read, proven, options, measure));
    const margins = read.margins && reason === undefined ? { margins: square(read.margins.bounds) } : {};
    const lengths = read.reach === null ? {} : ({ lengths: 'any' } as const);
    return {
      accepted: reason === undefined,
      ...(reason ? { reason } : {}),
      bound,
      log10,
      claimed,
      norms: measure.norms,
      ...(measure.weights && { weights: [...measure.weights] }),
      ...margins,
      ...lengths,
    };
  } catch (error) {
    // RangeError: an allocation that this machine cannot make.
    const refusals = [Refusal, InputError, UnsupportedError, RangeError];
    if (!(error instanceof Error && refusals.some((kind) => error instanceof kind))) throw error;
    return { accepted: false, reason: reasonOf(error), bound: null, log10: null, claimed };
  }
}

/** @throws InputError for weights that are none, or not one for each entry of the input */
function measureOf({ tensors, input }: Network, { norms }: Certificate): Measure {
  if (!norms) return { norms: EUCLIDEAN, weights: null };
  const { weights, ...pair } = norms;
  if (weights === null) return { norms: pair, weights };
  const count = product(tensors[input]!.shape);
  if (countOf(weights) !== count) {
    throw new InputError(`certificate: norms.weights: must be ${count} numbers, got ${countOf(weights)}`);
  }
  const values = decodeValues(weights, 'norms.weights');
  if (!values.every((w) => w >= 0 && w < Infinity)) {
    throw new InputError('certificate: norms.weights: must be numbers from 0 on');
  }
  return { norms: pair, weights: values };
}

/** Why a certificate was not accepted: of several items a line each; a refusal quotes names as they are. */
export function reasonOf(error: Error): string {
  if (error instanceof UnsupportedError) return error.message;
  const text = printable(error.message);
  return error instanceof RangeError ? `not checked: there is not enough memory (${text})` : text;
}

/**
 * What the checker proves from multipliers.
 * @throws Refusal
 * @throws UnsupportedError where the network cannot be read as signals
 */
export async function prove(
  network: Network,
  multipliers: Multipliers,
  { signal, onProgress }: VerifyOptions,
  measure?: Measure,
): Promise<Proven> {
  let covariances = 0;
  let last = performance.now();
  const pause = async () => {
    covariances++;
    if (performance.now() - last < 50) return;
    // Lets the host breathe, and a cancellation arrive.
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    onProgress?.({ covariances });
    last = performance.now();
  };
  return check(network, multipliers, pause, measure);
}

/** Values are decoded when the checker asks for them, which it does where their number is the network's. */
function decoded({ name, role, period, exponent, values }: Certificate['layers'][number], k: number): Layer {
  return {
    ...{ name, role, period, exponent, count: countOf(values) },
    get values() {
      return decodeValues(values, `layers[${k}].values`);
    },
  };
}

/** @throws Refusal where a certificate is of another network */
export function refuseOtherNetwork(
  { source, tensors, input, output }: Network,
  { network }: { readonly network: StoredNetwork },
): void {
  const refuse = (what: string, wanted: string, got: string) =>
    new Refusal(`of another network: ${what} is ${wanted} in the certificate, ${got} here`);
  const sha256 = source?.sha256 ?? 'unknown';
  if (network.sha256 !== sha256) throw refuse('the SHA-256', network.sha256, sha256);
  const shape = tensors[input]!.shape.join('×');
  if (network.input.join('×') !== shape) throw refuse('the input', network.input.join('×'), shape);
  const { name } = tensors[output]!;
  if (network.output !== name) throw refuse('the output', network.output, name);
}

/** Why the margins that are claimed are not proven, if any are and are not. @param proven by the multipliers of the bound */
async function marginShortfall(
  network: Network,
  { margins, reach }: Certificate,
  proven: Proven,
  options: VerifyOptions,
  measure: Measure,
): Promise<string | undefined> {
  if (!margins) return undefined;
  if (!proven.differences || reach !== null) return 'claims margins, but its outputs cannot be told apart';
  const { bounds, sets } = margins;
  const { length } = proven.differences;
  if (bounds.length !== length) return `claims ${bounds.length} margins, but there are ${length}`;
  const all = [proven.differences];
  for (const set of sets) {
    const found = await prove(
      network,
      { ...set, layers: set.layers.map(decoded), reach: null },
      options,
      measure,
    );
    if (!found.differences) return 'has multipliers for margins that do not tell its outputs apart';
    all.push(found.differences);
  }
  const best = boundsOf(bestDifferences(all));
  let k = 0;
  for (let i = 0; k < length; i++) {
    for (let j = 0; j < i; j++, k++) {
      if (bounds[k]! >= best[k]!) continue;
      return `claims ${bounds[k]} of output ${i} minus output ${j}, but its multipliers prove ${best[k]}`;
    }
  }
  return undefined;
}

/** Why the claim is not proven, if it is not. Written so that a NaN proves nothing. */
function shortfall(claim: Claim, bound: number | null, log10: number): string | undefined {
  if (claim.bound !== null && !(bound !== null && claim.bound >= bound)) {
    return `claims ${claim.bound}, but its multipliers prove ${bound ?? `10^${log10}`}`;
  }
  if (!(claim.log10 >= log10)) return `claims 10^${claim.log10}, but its multipliers prove 10^${log10}`;
  return undefined;
}
