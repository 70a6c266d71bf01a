/** Zip archives (PKWARE's APPNOTE): the central directory, and entries that are stored or deflated. */
import { InputError } from '../errors.ts';
import { type ByteSource, checked, inflated, type Stretch, stored } from './stretch.ts';

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;

/** A comment of 65,535 bytes may lie behind the end of the directory. */
const TAIL = 22 + 20 + 65_535;
const LARGEST_DIRECTORY = 2 ** 24;
/** Stands for sizes that a field of 64 bits holds. */
const ELSEWHERE = 0xffffffff;

export interface ZipEntry {
  readonly name: string;
  readonly stretch: () => Promise<Stretch>;
}

/**
 * Archives of which readers see different things are none: those with two entries of one name, or with a directory that does not lie right
 * before its end, or that another one says to be elsewhere.
 * @throws InputError for archives that are broken, and for several disks
 */
export async function zipEntries(source: ByteSource): Promise<ZipEntry[]> {
  const broken = (what: string) => new InputError(`${source.name}: broken zip archive, ${what}`);
  const { at, size } = await directoryOf(source, broken);
  if (size > LARGEST_DIRECTORY) throw broken('its directory is too large');
  const bytes = await source.read(at, size);
  const view = viewOf(bytes);
  const entries = new Map<string, ZipEntry>();
  for (let next = 0; next < size; ) {
    if (next + 46 > size) throw broken('its directory ends in an entry');
    if (view.getUint32(next, true) !== ENTRY) throw broken('its directory is none');
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((k) => view.getUint16(next + k, true));
    const end = next + 46 + nameLength! + extraLength! + commentLength!;
    if (end > size) throw broken('its directory ends in an entry');
    const name = new TextDecoder().decode(bytes.subarray(next + 46, next + 46 + nameLength!));
    const extra = viewOf(bytes.subarray(next + 46 + nameLength!, next + 46 + nameLength! + extraLength!));
    const [length, packed, local] = wideSizes(extra, [
      view.getUint32(next + 24, true),
      view.getUint32(next + 20, true),
      view.getUint32(next + 42, true),
    ]);
    const encrypted = (view.getUint16(next + 8, true) & 1) !== 0;
    const method = view.getUint16(next + 10, true);
    const crc = view.getUint32(next + 16, true);
    const fields = { name, length: length!, packed: packed!, local: local!, method, crc, encrypted };
    if (entries.has(name)) throw broken(`it has two entries of the name ${name.slice(0, 100)}`);
    entries.set(name, { name, stretch: () => stretchOf(source, fields) });
    next = end;
  }
  return [...entries.values()];
}

interface Fields {
  readonly name: string;
  /** Bytes once unpacked, and packed. */
  readonly length: number;
  readonly packed: number;
  /** Where its own header stands. */
  readonly local: number;
  readonly method: number;
  readonly crc: number;
  readonly encrypted: boolean;
}

async function stretchOf(source: ByteSource, entry: Fields): Promise<Stretch> {
  const name = `${entry.name} in ${source.name}`;
  const broken = (what: string) => new InputError(`${name}: broken, ${what}`);
  if (entry.encrypted) throw new InputError(`${name}: must not be encrypted`);
  if (entry.local + 30 > source.size) throw broken('it lies outside of the archive');
  const header = viewOf(await source.read(entry.local, 30));
  if (header.getUint32(0, true) !== LOCAL) throw broken('it has no header');
  const at = entry.local + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (at + entry.packed > source.size) throw broken('it lies outside of the archive');
  const packed = stored(source, at, entry.packed, name);
  switch (entry.method) {
    case 0:
      if (entry.packed !== entry.length) throw broken('its two sizes differ');
      return checked(packed, entry.crc);
    case 8:
      return inflated(packed, 'deflate-raw', entry.length, entry.crc);
    default:
      throw new InputError(`${name}: must be stored or deflated, got method ${entry.method}`);
  }
}

async function directoryOf(
  source: ByteSource,
  broken: (what: string) => InputError,
): Promise<{ readonly at: number; readonly size: number }> {
  const from = Math.max(0, source.size - TAIL);
  const bytes = await source.read(from, source.size - from);
  const view = viewOf(bytes);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw broken('it has no directory: the end of the file is missing');
  if (end + 22 + view.getUint16(end + 20, true) !== bytes.length) {
    throw broken('something lies behind the end of its directory');
  }
  const narrow = { at: view.getUint32(end + 16, true), size: view.getUint32(end + 12, true) };
  // Readers look for a locator whether or not the numbers say that they are elsewhere.
  if (end < 20 || view.getUint32(end - 20, true) !== LOCATOR_64) {
    if (narrow.at + narrow.size !== from + end) throw broken('its directory does not lie before its end');
    return narrow;
  }
  const before = from + end - 20;
  const wide = wideNumber(view, end - 12);
  if (!(wide + 56 <= before)) throw broken('its directory lies outside of it');
  const record = viewOf(await source.read(wide, 56));
  if (record.getUint32(0, true) !== END_64 || wide + 12 + wideNumber(record, 4) !== before) {
    throw broken('its directory is missing');
  }
  const found = { at: wideNumber(record, 48), size: wideNumber(record, 40) };
  if (found.at + found.size !== wide) throw broken('its directory does not lie before its end');
  for (const key of ['at', 'size'] as const) {
    if (narrow[key] !== ELSEWHERE && narrow[key] !== found[key]) throw broken('it has two directories');
  }
  return found;
}

/** Sizes that are too large for 32 bits, from the extra field that holds them in this order. */
function wideSizes(extra: DataView, sizes: readonly number[]): number[] {
  let next = 0;
  while (next + 4 <= extra.byteLength && extra.getUint16(next, true) !== 1) {
    next += 4 + extra.getUint16(next + 2, true);
  }
  next += 4;
  return sizes.map((size) => {
    if (size !== ELSEWHERE) return size;
    if (next + 8 > extra.byteLength) return Infinity;
    next += 8;
    return wideNumber(extra, next - 8);
  });
}

function wideNumber(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
