/** Multipliers as files: what a search found, to start another from. */
import type { StoredMultipliers } from '../../bounds/result.ts';
import { parseJson } from '../../certificate/json.ts';
import { readTextFile } from '../../files.node.ts';

/** Bytes. Those of the largest network that a search takes come to a tenth of it. */
const LARGEST_FILE = 2 ** 26;

/** `BoundResult.searched`, as a sweep keeps it. @throws InputError for files that cannot be read or are no JSON */
export async function readSearched(file: string): Promise<StoredMultipliers[]> {
  return (await contents(file)) as StoredMultipliers[];
}

/**
 * What a file holds; `bound` checks it against the network.
 * @throws InputError for files that cannot be read or are no JSON
 */
export async function readMultipliers(file: string): Promise<StoredMultipliers> {
  return (await contents(file)) as StoredMultipliers;
}

async function contents(file: string): Promise<unknown> {
  const what = `multipliers ${file}`;
  return parseJson(await readTextFile(file, what, LARGEST_FILE), what);
}
