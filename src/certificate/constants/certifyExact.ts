/** Makes certificates of exact constants. What they claim is what the checker proves, never what the search computed. */
import { InputError, UnsupportedError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';
import { Refusal } from '../checker/refusal.ts';
import type { Place } from '../exact/check.ts';
import { encodeValues } from '../fields.ts';
import type { VerifyOptions } from '../verify.ts';
import { EXACT_FORMAT, EXACT_VERSION, type ExactCertificate } from './exactFormat.ts';
import { type FoundNode, storedOf } from './foundNode.ts';
import { proveExact } from './verifyExact.ts';

/** What branch and bound has found: `exactConstant` answers with these among others. */
export interface ExactProof {
  readonly upper: number;
  readonly lower: number;
  readonly steepest: { readonly x: Float64Array; readonly v: Float64Array } | undefined;
  /** Absent where it was too much to be kept. */
  readonly tree?: readonly FoundNode[] | undefined;
}

export interface CertifyExactOptions extends Pick<VerifyOptions, 'signal'> {
  /** Who made it, for people; default `lipsoid`. */
  readonly by?: string;
  /** As `exactConstant` was told. */
  readonly pair?: readonly [i: number, j: number] | undefined;
  readonly box?: Place['box'] | undefined;
  readonly ball?: Place['ball'] | undefined;
}

/** The claim may be so much above what the search has proven, for the checker's own rounding. */
const ABOVE = [0, 1e-12, 1e-9, 1e-7];

/**
 * A certificate of the bound, and of the slope that is attained.
 * @throws InputError for a network that came from no file
 * @throws UnsupportedError where there is none, with its reason
 * @throws the signal's reason when it is aborted
 */
export async function certifyExact(
  network: Network,
  { upper, lower, steepest, tree }: ExactProof,
  { by = 'lipsoid', pair, box, ball, signal }: CertifyExactOptions = {},
): Promise<ExactCertificate> {
  const { source, name, tensors, input, output } = network;
  if (!source) throw new InputError(`${name}: a certificate is for a network from a file, got none`);
  const refused = (reason: string) => new UnsupportedError([{ node: name, found: 'a certificate', reason }]);
  if (!tree) throw refused('branch and bound has split the inputs into more parts than a certificate holds');
  if (!(upper < Infinity)) throw refused('nothing is proven');
  const isBall = ball && ball.radius < Infinity;
  const attained = lower > 0 && steepest;
  const certificate: ExactCertificate = {
    format: EXACT_FORMAT,
    version: EXACT_VERSION,
    network: {
      name,
      sha256: source.sha256,
      input: tensors[input]!.shape,
      output: tensors[output]!.name,
    },
    found: { by },
    target: pair ?? null,
    domain: {
      box: box ? { low: encodeValues(box.low), high: encodeValues(box.high) } : null,
      ball: isBall ? { centre: encodeValues(ball.centre), radius: ball.radius } : null,
    },
    claim: { bound: upper, slope: 0 },
    attained: attained ? { input: encodeValues(attained.x), direction: encodeValues(attained.v) } : null,
    tree: tree.map(storedOf),
  };
  let reason = '';
  for (const above of ABOVE) {
    const bound = upper * (1 + above);
    try {
      const claimed = { ...certificate, claim: { bound, slope: 0 } };
      const slope = await proveExact(network, claimed, { ...(signal && { signal }) });
      return { ...certificate, claim: { bound, slope } };
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof InputError || error instanceof RangeError))
        throw error;
      reason = error.message;
    }
  }
  throw refused(reason);
}
