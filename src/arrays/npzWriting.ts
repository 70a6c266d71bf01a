/** Arrays as NumPy's `.npz`: a zip archive of stored `.npy` files (PKWARE's APPNOTE; NEP 1). */
import { InputError } from '../errors.ts';
import { Crc32 } from './crc32.ts';

export interface WrittenArray {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float64Array;
}

const LOCAL = 0x04034b50;
const ENTRY = 0x02014b50;
const END = 0x06054b50;
/** Of archives and of their entries without the fields of 64 bits. */
const MOST_BYTES = 2 ** 32 - 2 ** 20;
const MOST_ENTRIES = 2 ** 16 - 1;
/** The first day that a zip archive knows: the same arrays give the same bytes. */
const DATE = (1 << 5) | 1;
/** Names are UTF-8. */
const UTF8 = 1 << 11;

/**
 * @throws InputError for names that are not unique or that would be files elsewhere once the archive is unpacked, and for what is too large
 */
export function npzBytes(arrays: readonly WrittenArray[]): Uint8Array<ArrayBuffer> {
  checkNames(arrays);
  const entries = arrays.map(({ name, shape, values }) => ({
    name: new TextEncoder().encode(`${name}.npy`),
    header: npyHeader(shape),
    values,
  }));
  const size = entries.reduce(
    (sum, { name, header, values }) => sum + 76 + 2 * name.length + header.length + values.byteLength,
    22,
  );
  if (size > MOST_BYTES || entries.length > MOST_ENTRIES) {
    throw new InputError(`npz: at most ${MOST_BYTES} bytes and ${MOST_ENTRIES} arrays can be written`);
  }
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const starts = entries.map(({ name, header, values }) => {
    const start = at;
    const data = start + 30 + name.length;
    bytes.set(header, data);
    for (const [n, x] of values.entries()) view.setFloat64(data + header.length + 8 * n, x, true);
    at = data + header.length + values.byteLength;
    const sum = new Crc32();
    sum.add(bytes.subarray(data, at));
    view.setUint32(start, LOCAL, true);
    writeFields(view, start + 4, sum.value, at - data, name.length);
    bytes.set(name, start + 30);
    return { start, crc: sum.value, length: at - data };
  });
  const directory = at;
  for (const [k, { name }] of entries.entries()) {
    const { start, crc, length } = starts[k]!;
    view.setUint32(at, ENTRY, true);
    view.setUint16(at + 4, 20, true);
    writeFields(view, at + 6, crc, length, name.length);
    view.setUint32(at + 42, start, true);
    bytes.set(name, at + 46);
    at += 46 + name.length;
  }
  view.setUint32(at, END, true);
  view.setUint16(at + 8, entries.length, true);
  view.setUint16(at + 10, entries.length, true);
  view.setUint32(at + 12, at - directory, true);
  view.setUint32(at + 16, directory, true);
  return bytes;
}

/** What the header of an entry and its line of the directory have in common. */
function writeFields(view: DataView, at: number, crc: number, length: number, name: number): void {
  view.setUint16(at, 20, true);
  view.setUint16(at + 2, UTF8, true);
  view.setUint16(at + 8, DATE, true);
  view.setUint32(at + 10, crc, true);
  view.setUint32(at + 14, length, true);
  view.setUint32(at + 18, length, true);
  view.setUint16(at + 22, name, true);
}

/** NumPy's format, version 1: the numbers start at a multiple of 64. */
function npyHeader(shape: readonly number[]): Uint8Array {
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': (${sides}), }`;
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const header = new Uint8Array(10 + padded.length);
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(header.buffer).setUint16(8, padded.length, true);
  header.set(new TextEncoder().encode(padded), 10);
  return header;
}

/** Names come from files that nobody trusts, and archives are unpacked. */
function checkNames(arrays: readonly WrittenArray[]): void {
  const names = new Set<string>();
  for (const { name } of arrays) {
    const parts = name.split('/');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be refused
    const plain = !/[\\:\u0000-\u001f]/.test(name) && parts.every((part) => !['', '.', '..'].includes(part));
    if (!plain || new TextEncoder().encode(name).length > MOST_ENTRIES - 4) {
      throw new InputError(
        `npz: names of arrays must be those of plain files, got ${JSON.stringify(name.slice(0, 100))}`,
      );
    }
    if (names.has(name)) throw new InputError(`npz: names of arrays must be unique, got ${name} twice`);
    names.add(name);
  }
}
