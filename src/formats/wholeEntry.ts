/** Entries of archives that are read as a whole. */
import { ByteReader } from '../arrays/stretch.ts';
import type { ZipEntry } from '../arrays/zip.ts';
import { InputError } from '../errors.ts';

/**
 * All bytes of an entry, once its check sum is known to be right.
 * @param most bytes
 * @throws InputError for archives that are broken, and for more
 */
export async function wholeEntry(entry: ZipEntry, most: number): Promise<Uint8Array> {
  const stretch = await entry.stretch();
  const reader = new ByteReader(stretch);
  try {
    const bytes = await reader.take(most + 1);
    if (bytes.length > most) {
      throw new InputError(`${stretch.name}: must have at most ${most} bytes, got more`);
    }
    return bytes;
  } finally {
    await reader.close();
  }
}
