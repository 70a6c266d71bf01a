/** Verification of the certificates of a data set, one after the other. */
import { InputError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { printable } from '../printable.ts';
import { Refusal } from './checker/refusal.ts';
import { type CertificateSet, readSet } from './setFormat.ts';
import { refuseOtherNetwork, type VerifyOptions } from './verify.ts';
import { verifyRegion } from './verifyRegion.ts';

export interface VerifySetOptions extends Pick<VerifyOptions, 'signal'> {
  /** Called before each certificate. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

export interface SetVerification {
  /** Whether all certificates are. */
  readonly accepted: boolean;
  /** Why there is nothing to check, where it is so. */
  readonly reason?: string;
  /** Samples in the data; null where the list of certificates could not be read. */
  readonly samples: number | null;
  /** For each radius that was asked for (as `String(radius)`): samples with an accepted certificate for it or more. */
  readonly certified: Readonly<Record<string, number>>;
  /** Radii of accepted certificates, in the order of the samples. */
  readonly radii: readonly number[];
  readonly rejected: readonly { readonly index: number; readonly reason: string }[];
}

/**
 * Checks the certificates that a list names. Never throws for what is wrong with them.
 * @param set the list, as `JSON.parse` gives it
 * @param read a certificate by the name of its file, as `JSON.parse` gives it; an InputError that it throws counts against that certificate
 * @throws the signal's reason when it is aborted, and what else `read` throws
 */
export async function verifySet(
  network: Network,
  set: unknown,
  read: (file: string) => Promise<unknown>,
  { signal, onProgress }: VerifySetOptions = {},
): Promise<SetVerification> {
  let list: CertificateSet;
  try {
    list = readSet(set);
    refuseOtherNetwork(network, list);
  } catch (error) {
    if (!(error instanceof InputError || error instanceof Refusal)) throw error;
    const reason = printable(error.message);
    return { accepted: false, reason, samples: null, certified: {}, radii: [], rejected: [] };
  }
  const total = list.samples.length;
  const radii: number[] = [];
  const rejected: { index: number; reason: string }[] = [];
  for (const [done, { index, label, radius, file }] of list.samples.entries()) {
    onProgress?.({ done, total });
    const verdict = await read(file).then(
      (certificate) => verifyRegion(network, certificate, { ...(signal && { signal }) }),
      (error: unknown) => {
        if (!(error instanceof InputError)) throw error;
        return { accepted: false, reason: printable(error.message), region: null };
      },
    );
    const { accepted, reason, region } = verdict;
    if (!accepted) rejected.push({ index, reason: reason ?? '' });
    else if (region!.label !== label || region!.radius !== radius)
      rejected.push({
        index,
        reason: `is of label ${region!.label} and radius ${region!.radius}, not ${label} and ${radius}`,
      });
    else radii.push(radius);
  }
  return {
    accepted: rejected.length === 0,
    samples: list.data.samples,
    certified: Object.fromEntries(
      list.radii.map((radius) => [String(radius), radii.filter((own) => own >= radius).length]),
    ),
    ...{ radii, rejected },
  };
}
