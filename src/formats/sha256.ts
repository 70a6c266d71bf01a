/** SHA-256 where there is no Node: the platform's own, or one in WebAssembly. */
import { createSHA256 } from 'hash-wasm';
import { Breath } from '../breath.ts';

/** Bytes that are hashed in WebAssembly without a break, some ten milliseconds. */
const PIECE = 2 ** 22;

/**
 * The hex SHA-256 of bytes that nobody changes meanwhile.
 * @throws the signal's reason when it is aborted
 */
export async function sha256(bytes: Uint8Array, signal?: AbortSignal): Promise<string> {
  return (await ownDigest(bytes)) ?? digestInWasm(bytes, signal);
}

/** Undefined where a page is not secure, which then has none, and where the browser cannot copy what it is given. */
async function ownDigest(bytes: Uint8Array): Promise<string | undefined> {
  try {
    const digest = await globalThis.crypto?.subtle?.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
    return digest && hex(new Uint8Array(digest));
  } catch {
    return undefined;
  }
}

/** What the platform's own gives, a few times as slow, and without a copy of the bytes. */
export async function digestInWasm(bytes: Uint8Array, signal?: AbortSignal): Promise<string> {
  const hash = (await createSHA256()).init();
  const breath = new Breath(signal);
  for (let start = 0; start < bytes.length; start += PIECE) {
    hash.update(bytes.subarray(start, start + PIECE));
    await breath.taken();
  }
  return hash.digest('hex');
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
