/** Verification of exact constants: whether a tree of splits proves a bound, and a point the slope that is attained. */
import { InputError, UnsupportedError } from '../../errors.ts';
import { formOf } from '../../exact/form/translate.ts';
import type { Network } from '../../network/network.ts';
import { product } from '../../network/size.ts';
import { demand, Refusal } from '../checker/refusal.ts';
import { attainedSlope, checkTree, type Place, type TreeNode } from '../exact/check.ts';
import { decodeValues } from '../fields.ts';
import { reasonOf, refuseOtherNetwork, type VerifyOptions } from '../verify.ts';
import {
  type ExactCertificate,
  type ExactClaim,
  readExactCertificate,
  type StoredNode,
} from './exactFormat.ts';
import { foundOf } from './foundNode.ts';

export interface ExactVerification {
  readonly accepted: boolean;
  /** Why not, if not accepted. */
  readonly reason?: string;
  /** The Lipschitz constant (ℓ2) lies between both; null where the certificate could not be read. */
  readonly claimed: ExactClaim | null;
  /** The two outputs whose difference it is of, where it is not of the whole output. */
  readonly target?: readonly [i: number, j: number];
  /** Where inputs lie, if not everywhere. */
  readonly box?: { readonly low: readonly number[]; readonly high: readonly number[] };
  readonly ball?: { readonly centre: readonly number[]; readonly radius: number };
  /** Parts that the inputs were split into. */
  readonly parts?: number;
}

/**
 * Proves anew what a certificate claims, in float64, trusting nothing of it (docs/certificate.md says what is proven). Never throws for what is
 * wrong with the certificate.
 * @param certificate as `JSON.parse` gives it
 * @throws the signal's reason when it is aborted
 */
export async function verifyExact(
  network: Network,
  certificate: unknown,
  options: Pick<VerifyOptions, 'signal'> = {},
): Promise<ExactVerification> {
  let claimed: ExactClaim | null = null;
  try {
    const read = readExactCertificate(certificate);
    claimed = read.claim;
    refuseOtherNetwork(network, read);
    const slope = await proveExact(network, read, options);
    demand(claimed.slope <= slope, `claims a slope of ${claimed.slope}, but ${slope} is proven at its point`);
    const { box, ball } = placeOf(read);
    return {
      ...{ accepted: true, claimed },
      ...(read.target && { target: read.target }),
      ...(box && { box: { low: [...box.low], high: [...box.high] } }),
      ...(ball && { ball: { centre: [...ball.centre], radius: ball.radius } }),
      parts: read.tree.filter(({ kind }) => kind !== 'split').length,
    };
  } catch (error) {
    const refusals = [Refusal, InputError, UnsupportedError, RangeError];
    if (!(error instanceof Error && refusals.some((kind) => error instanceof kind))) throw error;
    return { accepted: false, reason: reasonOf(error), claimed };
  }
}

/**
 * The slope that is proven to be attained, the bound being proven.
 * @throws Refusal where it is not
 * @throws UnsupportedError where the network is not of straight pieces, or too large
 */
export async function proveExact(
  network: Network,
  certificate: Pick<ExactCertificate, 'target' | 'domain' | 'claim' | 'attained' | 'tree'>,
  { signal }: Pick<VerifyOptions, 'signal'>,
): Promise<number> {
  const { target, claim, attained, tree } = certificate;
  const outputs = product(network.tensors[network.output]!.shape);
  const isPair = !target || (target[0] !== target[1] && target.every((output) => output < outputs));
  demand(isPair, `target: two of ${outputs} outputs wanted, got ${target?.join(' and ')}`);
  const form = formOf(network, target ?? undefined);
  const place = placeOf(certificate);
  let last = performance.now();
  const pause = async () => {
    if (performance.now() - last < 50) return;
    // Lets the host breathe, and a cancellation arrive.
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    last = performance.now();
  };
  const slope = attained
    ? attainedSlope(form, place, {
        input: decodeValues(attained.input, 'attained.input'),
        direction: decodeValues(attained.direction, 'attained.direction'),
      })
    : 0;
  await checkTree(form, place, claim.bound, decoded(tree), pause);
  return slope;
}

function placeOf({ domain: { box, ball } }: Pick<ExactCertificate, 'domain'>): Place {
  return {
    box: box && {
      low: decodeValues(box.low, 'domain.box.low'),
      high: decodeValues(box.high, 'domain.box.high'),
    },
    ball: ball && { centre: decodeValues(ball.centre, 'domain.ball.centre'), radius: ball.radius },
  };
}

/** One after the other, when the checker asks for it. */
function* decoded(tree: readonly StoredNode[]): Generator<TreeNode> {
  for (const [k, stored] of tree.entries()) {
    const node = foundOf(stored, `tree[${k}]`);
    if (node.kind !== 'flat') yield node;
    else yield { ...node, rows: node.rows.map((row) => ({ ...row, weight: BigInt(`0x${row.weight}`) })) };
  }
}
