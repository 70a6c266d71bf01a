/** Verification: whether a certificate proves what it claims of a network. */
import { InputError, UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { printable } from '../printable.ts';
import { check } from './checker/check.ts';
import type { Layer } from './checker/plan.ts';
import { Refusal } from './checker/refusal.ts';
import { type Claim, claimOf } from './claim.ts';
import { countOf, decodeValues, type StoredNetwork } from './fields.ts';
import { type Certificate, readCertificate } from './format.ts';

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
    const { bound, log10 } = await prove(network, { ...read, layers: read.layers.map(decoded) }, options);
    const reason = shortfall(read.claim, bound, log10);
    const lengths = read.reach === null ? {} : ({ lengths: 'any' } as const);
    return {
      accepted: reason === undefined,
      ...(reason ? { reason } : {}),
      bound,
      log10,
      claimed,
      ...lengths,
    };
  } catch (error) {
    // RangeError: an allocation that this machine cannot make.
    const refusals = [Refusal, InputError, UnsupportedError, RangeError];
    if (!(error instanceof Error && refusals.some((kind) => error instanceof kind))) throw error;
    return { accepted: false, reason: reasonOf(error), bound: null, log10: null, claimed };
  }
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
  multipliers: Parameters<typeof check>[1],
  { signal, onProgress }: VerifyOptions,
): Promise<Claim> {
  let covariances = 0;
  let last = performance.now();
  const value = await check(network, multipliers, async () => {
    covariances++;
    if (performance.now() - last < 50) return;
    // Lets the host breathe, and a cancellation arrive.
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    onProgress?.({ covariances });
    last = performance.now();
  });
  return claimOf(value);
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

/** Why the claim is not proven, if it is not. Written so that a NaN proves nothing. */
function shortfall(claim: Claim, bound: number | null, log10: number): string | undefined {
  if (claim.bound !== null && !(bound !== null && claim.bound >= bound)) {
    return `claims ${claim.bound}, but its multipliers prove ${bound ?? `10^${log10}`}`;
  }
  if (!(claim.log10 >= log10)) return `claims 10^${claim.log10}, but its multipliers prove 10^${log10}`;
  return undefined;
}
