/** Formats in which files hold numbers, and how these are read. */

export type NumberTypeName =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool';

interface NumberType {
  readonly bytes: number;
  readonly read: (view: DataView, at: number, little: boolean) => number;
}

export const NUMBER_TYPES: Readonly<Record<NumberTypeName, NumberType>> = {
  float64: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
  float32: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  float16: { bytes: 2, read: (view, at, little) => fromFloat16(view.getUint16(at, little)) },
  bfloat16: { bytes: 2, read: (view, at, little) => fromBfloat16(view.getUint16(at, little)) },
  int64: { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  int32: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  int16: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  int8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  uint64: { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
  uint32: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  uint16: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  uint8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  bool: { bytes: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
};

export function decoded(
  type: NumberTypeName,
  little: boolean,
  bytes: Uint8Array,
  count: number,
): Float64Array {
  const { bytes: size, read } = NUMBER_TYPES[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Float64Array(count);
  for (let k = 0; k < count; k++) numbers[k] = read(view, k * size, little);
  return numbers;
}

/** Types all of whose numbers are numbers of float32. */
const SINGLE: readonly NumberTypeName[] = [
  'float32',
  'float16',
  'bfloat16',
  'int16',
  'int8',
  'uint16',
  'uint8',
  'bool',
];
const LITTLE_HOST = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The same numbers, in float32 where that holds all numbers of the type. */
export function exactNumbers(
  type: NumberTypeName,
  little: boolean,
  bytes: Uint8Array,
  count: number,
): Float32Array | Float64Array {
  if (!SINGLE.includes(type)) return decoded(type, little, bytes, count);
  const numbers = new Float32Array(count);
  if (type === 'float32' && little && LITTLE_HOST) {
    new Uint8Array(numbers.buffer).set(bytes.subarray(0, 4 * count));
    return numbers;
  }
  const { bytes: size, read } = NUMBER_TYPES[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let k = 0; k < count; k++) numbers[k] = read(view, k * size, little);
  return numbers;
}

/** IEEE 754 binary16. */
function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** The upper half of a binary32. */
function fromBfloat16(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, bits);
  return view.getFloat32(0);
}
