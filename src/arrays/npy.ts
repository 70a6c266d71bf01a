/** NumPy's `.npy` (NEP 1): a magic string, a Python dictionary that says what follows, and the numbers. */
import { InputError } from '../errors.ts';
import type { NumberTypeName } from './numberType.ts';
import { checkedArray, type StoredArray } from './storedArray.ts';
import { ByteReader, type Stretch } from './stretch.ts';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Bytes of a header; those of plain arrays have 118. */
const LONGEST_HEADER = 2 ** 16;

const TYPES: Readonly<Record<string, NumberTypeName>> = {
  f8: 'float64',
  f4: 'float32',
  f2: 'float16',
  i8: 'int64',
  i4: 'int32',
  i2: 'int16',
  i1: 'int8',
  u8: 'uint64',
  u4: 'uint32',
  u2: 'uint16',
  u1: 'uint8',
  b1: 'bool',
};

export function isNpy(start: Uint8Array): boolean {
  return MAGIC.every((byte, k) => start[k] === byte);
}

/** @throws InputError for what is no array of numbers */
export async function npyArray(stretch: Stretch, key: string): Promise<StoredArray> {
  const { name } = stretch;
  const reader = new ByteReader(stretch);
  try {
    const start = await reader.take(8);
    if (!isNpy(start) || start.length < 8)
      throw new InputError(`${name}: must be an array in NumPy's format`);
    const wide = start[6]! > 1;
    const sizes = await reader.take(wide ? 4 : 2);
    const view = new DataView(sizes.buffer, sizes.byteOffset, sizes.byteLength);
    if (sizes.length < (wide ? 4 : 2)) throw new InputError(`${name}: broken, it ends in its header`);
    const length = wide ? view.getUint32(0, true) : view.getUint16(0, true);
    if (length > LONGEST_HEADER) {
      throw new InputError(`${name}: broken, its header says that it has ${length} bytes`);
    }
    const header = await reader.take(length);
    if (header.length < length) throw new InputError(`${name}: broken, it ends in its header`);
    const described = description(new TextDecoder('latin1').decode(header), name);
    return checkedArray({ ...{ key, name, stretch }, ...described, start: 8 + sizes.length + length });
  } finally {
    await reader.close();
  }
}

/** Never evaluated: what is no plain array of numbers does not look like one. */
function description(
  header: string,
  name: string,
): Pick<StoredArray, 'shape' | 'type' | 'little' | 'columnMajor'> {
  const field = (key: string, value: string) =>
    new RegExp(`[{,]\\s*['"]${key}['"]\\s*:\\s*${value}\\s*[,}]`).exec(header)?.[1];
  const descr = field('descr', `['"]([^'"]*)['"]`);
  const order = field('fortran_order', '(True|False)');
  const sides = field('shape', '\\(([0-9,\\s]*)\\)');
  const kind = descr === undefined ? undefined : /^([<>|=])([a-z][0-9])$/.exec(descr);
  const type = kind ? TYPES[kind[2]!] : undefined;
  if (!type || !kind) {
    const known = Object.values(TYPES).join(', ');
    const got = descr ?? 'a structure';
    const pickled = descr?.startsWith('|O') ? ' (Python objects, which are never unpickled)' : '';
    throw new InputError(`${name}: must hold numbers (${known}), got ${got}${pickled}`);
  }
  if (order === undefined || sides === undefined) {
    throw new InputError(`${name}: broken, its header says no shape`);
  }
  const shape = sides.split(',').flatMap((side) => (side.trim() === '' ? [] : [Number(side)]));
  const columnMajor = order === 'True' && shape.length > 1;
  return { shape, type, little: kind[1] !== '>', ...(columnMajor && { columnMajor }) };
}
