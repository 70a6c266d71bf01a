/** Safetensors: the length of a JSON header, the header, and the numbers of all tensors one behind the other. */
import { InputError } from '../errors.ts';
import type { NumberTypeName } from './numberType.ts';
import { checkedArray, type StoredArray } from './storedArray.ts';
import { type ByteSource, stored } from './stretch.ts';

const LONGEST_HEADER = 2 ** 24;

const TYPES: Readonly<Record<string, NumberTypeName>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U64: 'uint64',
  U32: 'uint32',
  U16: 'uint16',
  U8: 'uint8',
  BOOL: 'bool',
};

/** What its header says of a tensor, once it is known to be that. */
interface Described {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The tensors of a file by name. @throws InputError */
export async function safetensors(source: ByteSource): Promise<Map<string, () => StoredArray>> {
  const broken = (what: string) => new InputError(`${source.name}: broken safetensors file, ${what}`);
  if (source.size < 8) throw broken('it has no header');
  const bytes = await source.read(0, 8);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > LONGEST_HEADER || 8 + length > source.size) {
    throw broken(`its header says that it has ${length} bytes`);
  }
  const header = parsed(await source.read(8, length));
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw broken('its header is no JSON object');
  }
  const start = 8 + length;
  const tensors = Object.entries(header).filter(([key]) => key !== '__metadata__');
  return new Map(
    tensors.map(([key, value]) => {
      const name = `${key} in ${source.name}`;
      return [
        key,
        () => {
          if (!isDescribed(value)) throw broken(`its header describes ${key} wrongly`);
          const [from, to] = value.data_offsets;
          if (!(from >= 0 && from <= to && start + to <= source.size)) {
            throw broken(`${key} lies outside of the file`);
          }
          const type = Object.hasOwn(TYPES, value.dtype) ? TYPES[value.dtype] : undefined;
          if (!type) {
            const known = Object.keys(TYPES).join(', ');
            throw new InputError(`${name}: must hold numbers (${known}), got ${value.dtype}`);
          }
          const stretch = stored(source, start + from, to - from, name);
          return checkedArray({ key, name, shape: value.shape, type, little: true, stretch, start: 0 });
        },
      ];
    }),
  );
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function isDescribed(value: unknown): value is Described {
  if (typeof value !== 'object' || value === null) return false;
  const { dtype, shape, data_offsets: offsets } = value as Partial<Record<keyof Described, unknown>>;
  const numbers = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
  return typeof dtype === 'string' && numbers(shape) && numbers(offsets) && offsets.length === 2;
}
