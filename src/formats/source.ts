/** Where a network came from, as its hash. */
import { createSHA256 } from 'hash-wasm';
import type { Source } from '../network/network.ts';

/**
 * SHA-256 of the model file followed by its external-data files in the order of their names (by code units). Piece by piece, where
 * WebCrypto would have to be given one array, and copies it: models can be as large as memory allows.
 */
export async function sourceOf(
  file: string,
  model: Uint8Array,
  external: ReadonlyMap<string, Uint8Array>,
): Promise<Source> {
  const hash = await createSHA256();
  hash.init();
  hash.update(model);
  for (const name of [...external.keys()].sort()) hash.update(external.get(name)!);
  return { file, sha256: hash.digest('hex') };
}
