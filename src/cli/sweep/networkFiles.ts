/** Which files a sweep is of, and which of them a shard is. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { glob } from 'tinyglobby';
import { InputError } from '../../errors.ts';
import type { Shard } from './sweepCommand.ts';

/** Natural order: step 9 before step 10, whatever the language of the machine. */
const ORDER = new Intl.Collator('en', { numeric: true });

/**
 * The files that patterns mean, each once, in natural order. What is the name of a file is that file, whatever signs it holds.
 * @throws InputError for a pattern that means none
 */
export async function networkFiles(patterns: readonly string[]): Promise<string[]> {
  const files = new Set<string>();
  for (const pattern of patterns) {
    const isFile = await stat(pattern).then(
      (status) => !status.isDirectory(),
      () => false,
    );
    const found = isFile
      ? [pattern]
      : await glob(pattern, { expandDirectories: false, absolute: isAbsolute(pattern) });
    if (found.length === 0) throw new InputError(`${pattern}: must mean some files, got none`);
    for (const file of found) files.add(file);
  }
  return [...files].sort(byName);
}

/** Natural order of names. */
export function byName(a: string, b: string): number {
  return ORDER.compare(a, b) || Number(a > b) - Number(a < b);
}

/**
 * Those of a shard. A file's own name says whose it is: it stays so when others come and go, so that machines which start at different times,
 * while a training still adds files, leave none out.
 */
export function shardOf(files: readonly string[], { index, count }: Shard): string[] {
  return files.filter((file) => {
    const hash = createHash('sha256').update(file).digest();
    return hash.readUIntBE(0, 6) % count === index - 1;
  });
}
