/** Where a network came from, as its hash. */
import { InputError } from '../errors.ts';
import type { Source } from '../network/network.ts';

/**
 * SHA-256 of the model file followed by its external-data files in the order of their names (by code units).
 * @throws InputError where the platform offers no WebCrypto (browsers: pages that are not served securely)
 */
export async function sourceOf(
  file: string,
  model: Uint8Array,
  external: ReadonlyMap<string, Uint8Array>,
): Promise<Source> {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle) throw new InputError(`${file}: hashing needs WebCrypto, got a platform or page without it`);
  const names = [...external.keys()].sort();
  const parts = [model, ...names.map((name) => external.get(name)!)];
  const digest = new Uint8Array(await subtle.digest('SHA-256', joined(parts)));
  return { file, sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') };
}

/** One after the other; WebCrypto cannot hash piece by piece. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  if (parts.length === 1) return parts[0] as Uint8Array<ArrayBuffer>;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
