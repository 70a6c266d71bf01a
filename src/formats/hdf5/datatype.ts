/**
 * How the numbers of a dataset lie in their bytes, which the library does not say: it gives these as they are, so that numbers of another
 * layout than the usual ones would be read as others (HDF5 file format specification 3.0, IV.A: object headers and the datatype message).
 */
import { InputError } from '../../errors.ts';
import { startOf } from './signature.ts';

const DATATYPE = 3;
const CONTINUATION = 16;
/** Flag of messages that lie elsewhere. */
const SHARED = 2;
/** Beyond these, a header goes round in a circle. */
const MOST_BLOCKS = 64;

const INTEGER = 0;
const FLOAT = 1;
/** Bits of a float: order VAX; the first bit of the mantissa is implied; where its sign is. */
const VAX = 0x40;
const IMPLIED = 0x20;
const NORMALISATION = 0x30;

/** Precision, place and size of the exponent, place and size of the mantissa, bias, place of the sign, as IEEE 754 has them, by bytes. */
const IEEE: Readonly<Record<number, readonly number[]>> = {
  4: [32, 23, 8, 0, 23, 127, 31],
  8: [64, 52, 11, 0, 52, 1023, 63],
};

/**
 * @param header where the object header of the dataset stands, as references say it
 * @param name for messages
 * @throws InputError unless numbers are floats of IEEE 754 or whole numbers that take all of their bits
 */
export function demandUsualType(bytes: Uint8Array, header: number, name: string): void {
  const base = startOf(bytes) ?? 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset + base, bytes.byteLength - base);
  let usual: boolean;
  try {
    const message = datatypeOf(view, header);
    usual = message !== undefined && isUsual(view, message);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError(`${name}: broken, its header lies outside of the file`);
  }
  if (usual) return;
  throw new InputError(
    `${name}: must be of the usual floats or whole numbers (IEEE, STD), got numbers of another layout or of a named type`,
  );
}

/** Where the content of the datatype message stands; undefined where it is shared or is none. @throws RangeError */
function datatypeOf(view: DataView, header: number): number | undefined {
  const second = view.getUint32(header) === 0x4f484452; // OHDR
  const blocks = second ? [firstOfSecond(view, header)] : [firstOfFirst(view, header)];
  const ordered = second && (view.getUint8(header + 5) & 4) !== 0;
  for (let k = 0; k < blocks.length && k < MOST_BLOCKS; k++) {
    const { at, end } = blocks[k]!;
    for (let next = at; next + (second ? 4 : 8) <= end; ) {
      const type = second ? view.getUint8(next) : view.getUint16(next, true);
      const size = view.getUint16(next + (second ? 1 : 2), true);
      const flags = view.getUint8(next + (second ? 3 : 4));
      const content = next + (second ? 4 + (ordered ? 2 : 0) : 8);
      if (type === DATATYPE) return flags & SHARED ? undefined : content;
      if (type === CONTINUATION) {
        const from = Number(view.getBigUint64(content, true));
        const to = from + Number(view.getBigUint64(content + 8, true));
        // In headers of version 2, a signature before and a check sum behind.
        blocks.push(second ? { at: from + 4, end: to - 4 } : { at: from, end: to });
      }
      next = content + size;
    }
  }
  return undefined;
}

interface Block {
  readonly at: number;
  readonly end: number;
}

function firstOfFirst(view: DataView, header: number): Block {
  return { at: header + 16, end: header + 16 + view.getUint32(header + 8, true) };
}

function firstOfSecond(view: DataView, header: number): Block {
  const flags = view.getUint8(header + 5);
  const sizeAt = header + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const width = 1 << (flags & 3);
  let size = 0;
  for (let k = width - 1; k >= 0; k--) size = 256 * size + view.getUint8(sizeAt + k);
  return { at: sizeAt + width, end: sizeAt + width + size };
}

/** @throws RangeError */
function isUsual(view: DataView, at: number): boolean {
  const kind = view.getUint8(at) & 15;
  const bits = view.getUint8(at + 1);
  const size = view.getUint32(at + 4, true);
  const offset = view.getUint16(at + 8, true);
  const precision = view.getUint16(at + 10, true);
  if (kind === INTEGER) return offset === 0 && precision === 8 * size;
  if (kind !== FLOAT || offset !== 0 || bits & VAX || (bits & NORMALISATION) !== IMPLIED) return false;
  const fields = [12, 13, 14, 15].map((k) => view.getUint8(at + k));
  const bias = view.getUint32(at + 16, true);
  const layout = [precision, ...fields, bias, view.getUint8(at + 2)];
  return IEEE[size]?.join() === layout.join();
}
