/** Stretches of files, read from anywhere in them without holding more than a piece: as they are stored, or unpacked on the way. */
import { InputError } from '../errors.ts';
import { Crc32 } from './crc32.ts';

/** A file's bytes, wherever they are. */
export interface ByteSource {
  /** Without its folder. */
  readonly name: string;
  readonly size: number;
  /** Exactly these bytes. @throws InputError where they cannot be read */
  read(at: number, length: number): Promise<Uint8Array>;
}

/** How bytes are packed: as in zip archives, with the frame of gzip, with that of zlib. */
export type Packing = 'deflate-raw' | 'gzip' | 'deflate';

export interface Stretch {
  /** For messages: `x in images.npz`. */
  readonly name: string;
  /** Bytes; undefined where they are only known once they are unpacked. */
  readonly length: number | undefined;
  /** All bytes from here on, in pieces. @throws InputError where the file is broken, at the latest at its end */
  open(from: number): AsyncGenerator<Uint8Array, void>;
}

/** What one read takes. */
const PIECE = 2 ** 20;

export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    read: async (at, length) => {
      const bytes = new Uint8Array(await blob.slice(at, at + length).arrayBuffer());
      if (bytes.length !== length) throw new InputError(`${name}: must not change while it is read`);
      return bytes;
    },
  };
}

/** Bytes that are there already, and are not copied. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return { name, size: bytes.length, read: async (at, length) => bytes.subarray(at, at + length) };
}

/** Bytes of a file as they stand there. */
export function stored(source: ByteSource, at: number, length: number, name = source.name): Stretch {
  return {
    name,
    length,
    async *open(from) {
      for (let next = from; next < length; ) {
        const piece = Math.min(PIECE, length - next);
        yield await source.read(at + next, piece);
        next += piece;
      }
    },
  };
}

/** The same bytes, which are held against their CRC-32 where all of them are read. */
export function checked(stretch: Stretch, crc: number): Stretch {
  return {
    ...stretch,
    async *open(from) {
      if (from > 0) return yield* stretch.open(from);
      const sum = new Crc32();
      let at = 0;
      for await (const piece of stretch.open(0)) {
        sum.add(piece);
        at += piece.length;
        if (at === stretch.length && sum.value !== crc) throw crcDiffers(stretch.name);
        yield piece;
      }
    },
  };
}

function crcDiffers(name: string): InputError {
  return new InputError(`${name}: broken, its check sum (CRC-32) differs`);
}

/**
 * Bytes that are unpacked as they are asked for, never more than a piece beyond: what a packed file claims to hold costs nothing before
 * somebody reads it.
 * @param length of what comes out, where it is known: more or less of it is a broken file; so is another CRC-32
 */
export function inflated(
  packed: Stretch,
  format: Packing,
  length: number | undefined,
  crc?: number,
): Stretch {
  const { name } = packed;
  const broken = (what: string) => new InputError(`${name}: broken, ${what}`);
  return {
    name,
    length,
    async *open(from) {
      const sum = new Crc32();
      let at = 0;
      for await (const piece of decompressed(packed, format)) {
        if (length !== undefined && at + piece.length > length) {
          throw broken(`it unpacks to more than the ${length} bytes that it says`);
        }
        if (crc !== undefined) sum.add(piece);
        if (at + piece.length > from) yield piece.subarray(Math.max(0, from - at));
        at += piece.length;
      }
      if (length !== undefined && at < length) {
        throw broken(`it unpacks to ${at} bytes and says ${length}`);
      }
      if (crc !== undefined && sum.value !== crc) throw crcDiffers(name);
    },
  };
}

async function* decompressed(
  packed: Stretch,
  format: Packing,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const pieces = packed.open(0);
  let failure: unknown;
  const input = new ReadableStream<BufferSource>({
    async pull(controller) {
      try {
        const { value, done } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(new Uint8Array(value));
      } catch (error) {
        failure = error;
        controller.error(error);
      }
    },
    async cancel() {
      await pieces.return();
    },
  });
  const reader = input.pipeThrough(new DecompressionStream(format)).getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error: unknown) => {
        if (failure) throw failure;
        const reason = error instanceof Error ? error.message : String(error);
        throw new InputError(`${packed.name}: broken, it cannot be unpacked: ${reason}`);
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Takes bytes one stretch after the other, in whatever pieces they come. */
export class ByteReader {
  readonly #pieces: AsyncGenerator<Uint8Array, void>;
  #left: Uint8Array = new Uint8Array(0);

  constructor(stretch: Stretch, from = 0) {
    this.#pieces = stretch.open(from);
  }

  /** The next bytes, fewer only at the end. */
  async take(length: number): Promise<Uint8Array> {
    if (length <= this.#left.length) {
      const taken = this.#left.subarray(0, length);
      this.#left = this.#left.subarray(length);
      return taken;
    }
    const parts = [this.#left];
    let have = this.#left.length;
    this.#left = new Uint8Array(0);
    while (have < length) {
      const { value, done } = await this.#pieces.next();
      if (done) break;
      parts.push(value.subarray(0, length - have));
      this.#left = value.subarray(Math.min(value.length, length - have));
      have += parts.at(-1)!.length;
    }
    return joined(parts, have);
  }

  async close(): Promise<void> {
    await this.#pieces.return();
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
