/** PNG images (ISO/IEC 15948): every colour type and depth, not interlaced. What an image claims to hold is all that is unpacked of it. */

import { Crc32 } from '../../../arrays/crc32.ts';
import { ByteReader, inflated, type Stretch } from '../../../arrays/stretch.ts';
import { InputError } from '../../../errors.ts';

/** What an image holds: numbers from 0 to `full`. */
export interface ImageOutline {
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly full: 255 | 65535;
}

export interface Image extends ImageOutline {
  readonly values: Float64Array;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Samples of a pixel by colour type. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
const PALETTE = 3;
/** Pixels beyond these are no input of a network that this is for. */
const MOST_PIXELS = 2 ** 24;

/** Without unpacking anything. @throws InputError for what is no PNG, is broken, or is of a kind that is not read */
export function pngOutline(name: string, bytes: Uint8Array): ImageOutline {
  return headerOf(name, chunksOf(name, bytes));
}

/** @throws InputError as `pngOutline`, and for transparent pixels */
export async function decodePng(name: string, bytes: Uint8Array): Promise<Image> {
  const chunks = chunksOf(name, bytes);
  const { shape, full, colour, depth, samples } = headerOf(name, chunks);
  const [colours, height, width] = shape;
  const pixel = Math.max(1, (samples * depth) / 8);
  const row = Math.ceil((width * samples * depth) / 8);
  const parts = chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data);
  const raw = await unpacked(name, parts, height * (row + 1));
  const lines = unfiltered(name, raw, row, pixel);
  const values = samplesOf(lines, { width: width * samples, height, depth, row });
  const pixels = width * height;
  if (colour === PALETTE) {
    const palette = chunks.find(({ type }) => type === 'PLTE')?.data;
    if (!palette) throw broken(name, 'it has no palette');
    if (values.some((index) => 3 * index + 2 >= palette.length))
      throw broken(name, 'its palette is too short');
    return { shape, full, values: planes(pixels, 3, (p, c) => palette[3 * values[p]! + c]!) };
  }
  if (colours < samples) {
    for (let p = 0; p < pixels; p++) if (values[p * samples + colours] !== full) throw transparent(name);
  }
  // Fewer than eight bits: the largest number is white.
  const factor = depth < 8 ? full / (2 ** depth - 1) : 1;
  return { shape, full, values: planes(pixels, colours, (p, c) => factor * values[p * samples + c]!) };
}

interface Header extends ImageOutline {
  readonly colour: number;
  /** Bits of a sample. */
  readonly depth: number;
  /** Of a pixel, transparency included. */
  readonly samples: number;
}

function headerOf(name: string, chunks: readonly Chunk[]): Header {
  const header = chunks.find(({ type }) => type === 'IHDR')?.data;
  if (header?.length !== 13) throw broken(name, 'it has no header');
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, interlaced] = [header[8]!, header[9]!, header[12]!];
  if (!(width >= 1 && height >= 1 && width * height <= MOST_PIXELS)) {
    throw new InputError(`${name}: must have at most ${MOST_PIXELS} pixels, got ${width} × ${height}`);
  }
  const samples = SAMPLES[colour];
  if (samples === undefined || !DEPTHS[colour]!.includes(depth)) {
    throw broken(name, `colour type ${colour} with ${depth} bits does not exist`);
  }
  if (interlaced) throw new InputError(`${name}: must not be interlaced`);
  if (chunks.some(({ type }) => type === 'tRNS')) throw transparent(name);
  const colours = samples >= 3 || colour === PALETTE ? 3 : 1;
  return { shape: [colours, height, width], full: depth === 16 ? 65535 : 255, colour, depth, samples };
}

function broken(name: string, what: string): InputError {
  return new InputError(`${name}: broken PNG, ${what}`);
}

function transparent(name: string): InputError {
  return new InputError(`${name}: must have no transparent pixels`);
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

function chunksOf(name: string, bytes: Uint8Array): Chunk[] {
  if (!SIGNATURE.every((byte, k) => bytes[k] === byte)) throw new InputError(`${name}: must be a PNG image`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE.length; ; ) {
    if (at + 12 > bytes.length) throw broken(name, 'it ends early');
    const length = view.getUint32(at);
    if (at + 12 + length > bytes.length) throw broken(name, 'it ends early');
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const sum = new Crc32();
    sum.add(bytes.subarray(at + 4, at + 8 + length));
    if (sum.value !== view.getUint32(at + 8 + length)) throw broken(name, 'a check sum (CRC-32) differs');
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    if (type === 'IEND') return chunks;
    at += 12 + length;
  }
}

async function unpacked(name: string, parts: readonly Uint8Array[], length: number): Promise<Uint8Array> {
  const packed: Stretch = {
    name,
    length: undefined,
    async *open() {
      yield* parts;
    },
  };
  const reader = new ByteReader(inflated(packed, 'deflate', length));
  try {
    const raw = await reader.take(length);
    // One more is an error of the reader's.
    await reader.take(1);
    return raw;
  } finally {
    await reader.close();
  }
}

/** Rows without their filters, in place. @param pixel bytes */
function unfiltered(name: string, raw: Uint8Array, row: number, pixel: number): Uint8Array {
  const lines = new Uint8Array((raw.length / (row + 1)) * row);
  for (let line = 0; line * (row + 1) < raw.length; line++) {
    const filter = raw[line * (row + 1)]!;
    if (filter > 4) throw broken(name, `filter ${filter} does not exist`);
    const from = line * (row + 1) + 1;
    const to = line * row;
    for (let k = 0; k < row; k++) {
      const left = k >= pixel ? lines[to + k - pixel]! : 0;
      const up = line > 0 ? lines[to + k - row]! : 0;
      const corner = line > 0 && k >= pixel ? lines[to + k - row - pixel]! : 0;
      lines[to + k] = raw[from + k]! + predicted(filter, left, up, corner);
    }
  }
  return lines;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const a = Math.abs(up - corner);
      const b = Math.abs(left - corner);
      const c = Math.abs(left + up - 2 * corner);
      return a <= b && a <= c ? left : b <= c ? up : corner;
    }
    default:
      return 0;
  }
}

interface Lines {
  /** Samples of a line. */
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** Bytes of a line. */
  readonly row: number;
}

function samplesOf(lines: Uint8Array, { width, height, depth, row }: Lines): Uint16Array {
  const values = new Uint16Array(width * height);
  for (let line = 0; line < height; line++) {
    for (let k = 0; k < width; k++) {
      const bit = k * depth;
      const at = line * row + (bit >> 3);
      values[line * width + k] =
        depth === 16
          ? lines[at]! * 256 + lines[at + 1]!
          : (lines[at]! >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
    }
  }
  return values;
}

function planes(
  pixels: number,
  channels: number,
  at: (pixel: number, channel: number) => number,
): Float64Array {
  return new Float64Array(pixels * channels).map((_, n) => at(n % pixels, Math.floor(n / pixels)));
}
