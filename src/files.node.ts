/** Reading files that somebody named: regular files only, at once or not at all. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from './errors.ts';

/** What is read at once, and then looked at while more of it is read. */
const PIECE = 2 ** 24;

/**
 * The bytes of a regular file. Pipes and devices may never end, so they are refused before anything is read.
 * @param what the file is, for messages
 * @param most bytes
 * @param look at every piece, one after the other, as it comes; what it throws ends the reading
 * @throws InputError where it is no regular file, is larger, or cannot be read
 */
export async function readRegularFile(
  path: string,
  what: string,
  most: number,
  look?: (piece: Uint8Array) => void,
): Promise<Uint8Array> {
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
    return bytes.subarray(0, await filled(bytes, file, look));
  } catch (error) {
    if (!isOfSystem(error)) throw error;
    throw new InputError(`${what}: must be readable, got an error: ${reasonOf(error)}`, { cause: error });
  } finally {
    await file?.close();
  }
}

/** Reads a file into an array that is as long as it was, a piece while the one before is looked at; returns how much there was. */
async function filled(
  bytes: Uint8Array,
  file: FileHandle,
  look: ((piece: Uint8Array) => void) | undefined,
): Promise<number> {
  const from = (start: number) => {
    const reading = file.read(bytes, start, Math.min(PIECE, bytes.length - start), start);
    // Where looking fails, nobody waits for it.
    reading.catch(() => {});
    return reading;
  };
  let length = 0;
  let reading = bytes.length > 0 ? from(0) : undefined;
  while (reading) {
    const { bytesRead } = await reading;
    const piece = bytes.subarray(length, length + bytesRead);
    length += bytesRead;
    reading = bytesRead > 0 && length < bytes.length ? from(length) : undefined;
    look?.(piece);
  }
  return length;
}

function isOfSystem(error: unknown): boolean {
  return (
    error instanceof Error &&
    typeof (error as NodeJS.ErrnoException).code === 'string' &&
    !(error instanceof RangeError)
  );
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
