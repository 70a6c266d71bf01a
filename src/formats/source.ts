/** Which network this is: a hash of every file that it consists of. */
import type { Source } from '../network/network.ts';
import { sha256 } from './sha256.ts';

/** First line of the list below. As a protocol buffer it is malformed ("/" is a tag of wire type 7), so that no model file is a list. */
const TITLE = '/lipsoid: model with external data, 1';

/** A file's bytes, which nobody else reads or changes, and the hex SHA-256 that they have had. */
export interface FileBytes {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** Length and hash of a file. */
type Digest = Pick<FileBytes, 'sha256'> & { readonly length: number };

/**
 * A model in one file has the SHA-256 of that file. One with external data has the SHA-256 of a list in UTF-8: the title; digest and
 * length of the model; digest, length and name of every external file that the model names, in the order of the names' bytes.
 * Every line ends with a line feed, which names do not hold, so that different files make different lists.
 */
export async function sourceOf(
  file: string,
  model: Digest,
  external: ReadonlyMap<string, Digest>,
): Promise<Source> {
  if (external.size === 0) return { file, sha256: model.sha256, bytes: model.length };
  const named = [...external].map(([name, data]) => ({ name, data, key: utf8(name) }));
  named.sort((a, b) => compareBytes(a.key, b.key));
  const lines = [TITLE, `${model.sha256} ${model.length}`];
  for (const { name, data } of named) lines.push(`${data.sha256} ${data.length} ${name}`);
  const hash = await sha256(utf8(lines.map((line) => `${line}\n`).join('')));
  const bytes = named.reduce((sum, { data }) => sum + data.length, model.length);
  return { file, sha256: hash, bytes, external: named.map(({ name }) => name) };
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((x, k) => x !== b[k]);
  return at < 0 ? a.length - b.length : a[at]! - (b[at] ?? -1);
}
