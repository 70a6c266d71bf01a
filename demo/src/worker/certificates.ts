/** Certificates, where the library has them. */
import * as lipsoid from '../../../src/index.browser.ts';
import type { Verdict } from './protocol.ts';

interface Certificates {
  certify(
    network: lipsoid.Network,
    result: lipsoid.BoundResult,
    options: { readonly by: string; readonly signal: AbortSignal },
  ): Promise<object>;
  verify(
    network: lipsoid.Network,
    certificate: unknown,
    options: { readonly signal: AbortSignal },
  ): Promise<Verdict>;
}

const { certify, verify } = lipsoid as Partial<Certificates>;

/** Undefined for a library without them. */
export const certificates: Certificates | undefined = certify && verify && { certify, verify };
