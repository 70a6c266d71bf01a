/** Certificates of exact constants as what a search goes on from. */
import { InputError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';
import { Refusal } from '../checker/refusal.ts';
import { decodeValues, encodeValues } from '../fields.ts';
import { refuseOtherNetwork } from '../verify.ts';
import type { CertifyExactOptions } from './certifyExact.ts';
import { readExactCertificate } from './exactFormat.ts';
import { type FoundNode, foundOf } from './foundNode.ts';

/**
 * What `exactConstant` takes as `beginning`. Nothing is checked but that it is of the same network, outputs and domain.
 * @param certificate as `JSON.parse` gives it
 * @throws InputError where it is not
 */
export function exactBeginning(
  network: Network,
  certificate: unknown,
  { pair, box, ball }: Pick<CertifyExactOptions, 'pair' | 'box' | 'ball'> = {},
): { tree: FoundNode[]; input?: Float64Array } {
  const read = readExactCertificate(certificate);
  try {
    refuseOtherNetwork(network, read);
  } catch (error) {
    if (error instanceof Refusal) throw new InputError(`certificate: ${error.message}`);
    throw error;
  }
  const { target, domain, attained, tree } = read;
  if (String(target ?? '') !== String(pair ?? ''))
    throw new InputError(`certificate: of ${wordsOf(target)}, and ${wordsOf(pair ?? null)} asked for`);
  const sides = box ? { low: encodeValues(box.low), high: encodeValues(box.high) } : null;
  const isSame =
    sides?.low === domain.box?.low &&
    sides?.high === domain.box?.high &&
    (ball && ball.radius < Infinity
      ? domain.ball?.radius === ball.radius && domain.ball.centre === encodeValues(ball.centre)
      : !domain.ball);
  if (!isSame) throw new InputError('certificate: of another domain than is asked for');
  return {
    tree: tree.map((node, k) => foundOf(node, `tree[${k}]`)),
    ...(attained && { input: decodeValues(attained.input, 'attained.input') }),
  };
}

function wordsOf(target: readonly [number, number] | null): string {
  return target ? `output ${target[0]} minus output ${target[1]}` : 'the whole output';
}
