/** Data files written by hand, for tests of what reads them. */
import { crc32, deflateRawSync, deflateSync } from 'node:zlib';
import type { ByteSource } from '../../../src/arrays/stretch.ts';
import { InputError } from '../../../src/errors.ts';

/** A file in memory that remembers how much of it was read. */
export function file(name: string, bytes: Uint8Array): ByteSource & { readonly taken: number } {
  const source = {
    name,
    size: bytes.length,
    taken: 0,
    read: async (at: number, length: number) => {
      if (at + length > bytes.length) throw new InputError('read beyond the end');
      source.taken += length;
      return bytes.slice(at, at + length);
    },
  };
  return source;
}

export function npyHeader(descr: string, shape: readonly number[], fortran = false): Buffer {
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': ${descr.startsWith('[') ? descr : `'${descr}'`}, 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${sides}), }\n`;
  const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  head.writeUInt16LE(text.length, 8);
  return Buffer.concat([head, Buffer.from(text, 'latin1')]);
}

/** float32, little-endian. */
export function floats(values: Iterable<number>): Buffer {
  return Buffer.from(Float32Array.from(values).buffer);
}

export function npy(shape: readonly number[], values: Iterable<number>): Buffer {
  return Buffer.concat([npyHeader('<f4', shape), floats(values)]);
}

export function labelsNpy(labels: readonly number[]): Buffer {
  return Buffer.concat([npyHeader('|u1', [labels.length]), Buffer.from(labels)]);
}

export interface ZipOptions {
  readonly store?: boolean;
  /** What the archive says of an entry, where that is not so. */
  readonly claims?: { readonly length?: number; readonly crc?: number; readonly packed?: Buffer };
  readonly method?: number;
  readonly flags?: number;
  readonly comment?: string;
}

export function zip(entries: Readonly<Record<string, Buffer>>, options: ZipOptions = {}): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, data] of Object.entries(entries)) {
    const packed = options.claims?.packed ?? (options.store ? data : deflateRawSync(data));
    const sizes = Buffer.alloc(12);
    sizes.writeUInt32LE(options.claims?.crc ?? checkSum(data), 0);
    sizes.writeUInt32LE(packed.length, 4);
    sizes.writeUInt32LE(options.claims?.length ?? data.length, 8);
    const common = Buffer.alloc(10);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(options.flags ?? 0, 2);
    common.writeUInt16LE(options.method ?? (options.store ? 0 : 8), 4);
    const lengths = Buffer.alloc(4);
    lengths.writeUInt16LE(name.length, 0);
    const local = Buffer.concat([
      Buffer.from('PK\x03\x04'),
      common,
      sizes,
      lengths,
      Buffer.from(name),
      packed,
    ]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    const entry = [Buffer.from('PK\x01\x02'), Buffer.alloc(2), common, sizes, lengths, tail.subarray(0, 14)];
    directory.push(...entry, Buffer.from(name));
    locals.push(local);
    at += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(entries).length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(at, 12);
  const comment = Buffer.from(options.comment ?? '');
  end.writeUInt16LE(comment.length, 16);
  return Buffer.concat([...locals, central, Buffer.from('PK\x05\x06'), end, comment]);
}

export function safetensorsFile(header: object, data: Buffer): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

export function idx(type: number, shape: readonly number[], data: Buffer): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head[2] = type;
  head[3] = shape.length;
  for (const [axis, side] of shape.entries()) head.writeUInt32BE(side, 4 + 4 * axis);
  return Buffer.concat([head, data]);
}

export function pngChunk(type: string, data: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const body = Buffer.concat([Buffer.from(type), data]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(checkSum(body));
  return Buffer.concat([length, body, sum]);
}

/** Lines start with their filter. */
export function png(
  [width, height, depth, colour, interlaced = 0]: readonly number[],
  lines: Buffer,
  extra: readonly Buffer[] = [],
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width!, 0);
  header.writeUInt32BE(height!, 4);
  header.set([depth!, colour!, 0, 0, interlaced], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', header),
    ...extra,
    pngChunk('IDAT', deflateSync(lines)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function checkSum(data: Uint8Array): number {
  return crc32(data);
}
