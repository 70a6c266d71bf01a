/** The difference of two networks as a network of its own, with a hash by which it is found again. */
import { sha256 } from '../formats/sha256.ts';
import { mergedDifference } from '../network/difference/merged.ts';
import type { Network, Source } from '../network/network.ts';

/**
 * x ↦ A(x) − B(x): what A and B have alike is there once. Everything that takes a network takes it: `bound`, `localBound`, `certify` and
 * `verify`, where both files are at hand. Its hash is that of a list of theirs (docs/certificate.md).
 * @returns undefined where all that A and B do is the same, so that it is 0
 * @throws InputError for inputs or outputs of other shapes
 */
export async function differenceNetwork(a: Network, b: Network): Promise<Network | undefined> {
  const network = mergedDifference(a, b);
  if (!network || !a.source || !b.source) return network;
  return { ...network, source: await sourceOf(a.source, b.source) };
}

async function sourceOf(a: Source, b: Source): Promise<Source> {
  const list = `lipsoid difference\n${a.sha256}\n${b.sha256}\n`;
  return {
    file: `${a.file} − ${b.file}`,
    sha256: await sha256(new TextEncoder().encode(list)),
    bytes: a.bytes + b.bytes,
  };
}
