/** Reading files that somebody named: regular files only, at once or not at all. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from './errors.ts';

/** What one call of the system reads at most. */
const PIECE = 2 ** 30;

/**
 * The bytes of a regular file. Pipes and devices may never end, so they are refused before anything is read.
 * @param what the file is, for messages
 * @param most bytes
 * @throws InputError where it is no regular file, is larger, or cannot be read
 */
export async function readRegularFile(path: string, what: string, most: number): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK opening a pipe would wait for its writer.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = await file.stat();
    if (!status.isFile()) {
      const kind = status.isDirectory() ? 'a folder' : status.isFIFO() ? 'a pipe' : 'a device';
      throw new InputError(`${what}: must be a regular file, got ${kind}`);
    }
    if (status.size > most) {
      throw new InputError(`${what}: must have at most ${most} bytes, got ${status.size}`);
    }
    const bytes = new Uint8Array(status.size);
    let length = 0;
    while (length < bytes.length) {
      const piece = Math.min(PIECE, bytes.length - length);
      const { bytesRead } = await file.read(bytes, length, piece, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } catch (error) {
    if (error instanceof InputError || error instanceof RangeError) throw error;
    throw new InputError(`${what}: must be readable, got an error: ${reasonOf(error)}`, { cause: error });
  } finally {
    await file?.close();
  }
}

/** The same as text. @throws InputError also for bytes that are no UTF-8 */
export async function readTextFile(path: string, what: string, most: number): Promise<string> {
  const bytes = await readRegularFile(path, what, most);
  try {
    // A mark of the byte order is text like any other, and no beginning of JSON.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new InputError(`${what}: must be text in UTF-8`, { cause: error });
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
