/** Tensors as ONNX stores them: number formats, typed fields, raw bytes and external data. */
import { InputError, UnsupportedError } from '../../../errors.ts';
import { firstNotFinite } from '../../../network/numbers.ts';
import type { Budget } from '../../budget.ts';
import type { TensorProto } from '../protobuf/onnx_pb.ts';
import { type Constant, constantOf } from './constant.ts';
import { type ElementType, integerRange, isFloat } from './elementType.ts';

/** TensorProto.data_type */
export const DataType = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  BFLOAT16: 16,
} as const;

/** TensorProto.data_location */
const DEFAULT = 0;
export const EXTERNAL = 1;

const SIXTEEN_BITS = { least: 0n, greatest: 0xffffn };

/** Axes beyond these are a malformed file, not a network. */
const MOST_AXES = 32;

/** The fields of a TensorProto that may hold its entries, one of them at a time. */
const TYPED_FIELDS = ['floatData', 'int32Data', 'int64Data', 'doubleData', 'uint64Data'] as const;

/** Entries as they are stored. */
interface Stored {
  readonly length: number;
  readonly at: (index: number) => number | bigint;
}

/** How a data type is stored: bytes per entry in raw data, how to read one, and the typed field it may use instead. */
interface NumberFormat {
  readonly type: ElementType;
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number | bigint;
  readonly field: (typeof TYPED_FIELDS)[number];
  /** What a bit pattern means, where entries are stored as one: 16 bits. */
  readonly fromBits?: (bits: number) => number;
}

const FORMATS: ReadonlyMap<number, NumberFormat> = new Map<number, NumberFormat>([
  [DataType.FLOAT, { type: 'float', bytes: 4, read: (v, at) => v.getFloat32(at, true), field: 'floatData' }],
  [
    DataType.DOUBLE,
    { type: 'double', bytes: 8, read: (v, at) => v.getFloat64(at, true), field: 'doubleData' },
  ],
  [
    DataType.FLOAT16,
    {
      type: 'float16',
      bytes: 2,
      read: (v, at) => v.getUint16(at, true),
      field: 'int32Data',
      fromBits: fromFloat16,
    },
  ],
  [
    DataType.BFLOAT16,
    {
      type: 'bfloat16',
      bytes: 2,
      read: (v, at) => v.getUint16(at, true),
      field: 'int32Data',
      fromBits: fromBfloat16,
    },
  ],
  [DataType.INT8, { type: 'int8', bytes: 1, read: (v, at) => v.getInt8(at), field: 'int32Data' }],
  [DataType.UINT8, { type: 'uint8', bytes: 1, read: (v, at) => v.getUint8(at), field: 'int32Data' }],
  [DataType.INT16, { type: 'int16', bytes: 2, read: (v, at) => v.getInt16(at, true), field: 'int32Data' }],
  [DataType.UINT16, { type: 'uint16', bytes: 2, read: (v, at) => v.getUint16(at, true), field: 'int32Data' }],
  [DataType.INT32, { type: 'int32', bytes: 4, read: (v, at) => v.getInt32(at, true), field: 'int32Data' }],
  [
    DataType.UINT32,
    { type: 'uint32', bytes: 4, read: (v, at) => v.getUint32(at, true), field: 'uint64Data' },
  ],
  [DataType.INT64, { type: 'int64', bytes: 8, read: (v, at) => v.getBigInt64(at, true), field: 'int64Data' }],
  [
    DataType.UINT64,
    { type: 'uint64', bytes: 8, read: (v, at) => v.getBigUint64(at, true), field: 'uint64Data' },
  ],
  [DataType.BOOL, { type: 'bool', bytes: 1, read: (v, at) => v.getUint8(at), field: 'int32Data' }],
]);

/** The number format of a data type; undefined for those that are not read (strings, complex, 8 bit floats …). */
export function elementType(dataType: number): ElementType | undefined {
  return FORMATS.get(dataType)?.type;
}

/** Files with external data that the model names, by their names. */
export type ExternalFiles = ReadonlyMap<string, Uint8Array>;

/** Where the bytes of tensors lie. */
export interface Stores {
  readonly external: ExternalFiles;
  /** Whether bytes of the model may be moved about, as nobody will read it again. */
  readonly movable: boolean;
}

/**
 * The entries of a tensor: those of floats of 32 bits are views of the bytes wherever these lie, or can be moved, where a float may begin.
 * @param what how messages call it: `initializer conv1.weight`
 * @throws InputError where sizes do not match or a float is NaN (or infinite, in a tensor of more than one entry)
 * @throws UnsupportedError for number formats that are not read
 */
export function decodeTensor(what: string, tensor: TensorProto, stores: Stores, budget: Budget): Constant {
  const format = FORMATS.get(tensor.dataType);
  if (!format) {
    const reason = 'weights must be float, double, float16, bfloat16, an integer type or bool';
    throw new UnsupportedError([{ node: what, found: `data type ${tensor.dataType}`, reason }]);
  }
  if (tensor.segment) {
    const reason = 'tensors must be stored in one piece';
    throw new UnsupportedError([{ node: what, found: 'a segment of a tensor', reason }]);
  }
  const { shape, size } = tensorShape(what, tensor.dims);
  const raw = storedRaw(what, tensor, format);
  // Many tensors may refer to the same bytes of a file.
  const reserve = () => budget.allocate(what, size);
  const bytes = raw ? rawBytes(what, tensor, stores.external) : undefined;
  const stored = bytes
    ? fromBytes(what, format, bytes, size, reserve)
    : fromField(what, format, tensor, size, reserve);
  const data =
    bytes && tensor.dataType === DataType.FLOAT && LITTLE_ENDIAN
      ? singles(tensor, bytes, stores)
      : meaning(what, format, stored);
  if (isFloat(format.type)) refuseNonNumbers(what, data);
  return constantOf(format.type, shape, data);
}

/** Whether this machine stores numbers as ONNX does. */
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** From this length on, in bytes, a field of a message has at least three bytes in front: its number, and two of its length. */
const LONG_FIELD = 128;

/** The floats that the bytes are. */
function singles(tensor: TensorProto, bytes: Uint8Array, { movable }: Stores): Float32Array {
  const beyond = bytes.byteOffset % 4;
  let aligned = bytes;
  if (beyond > 0 && movable && tensor.dataLocation !== EXTERNAL && bytes.length >= LONG_FIELD) {
    // Over what stands in front of it, which has been read. From now on the tensor is found there.
    aligned = new Uint8Array(bytes.buffer, bytes.byteOffset - beyond, bytes.length);
    aligned.set(bytes);
    tensor.rawData = aligned;
  } else if (beyond > 0) {
    // Not `slice`, which Node's buffers have another of.
    aligned = new Uint8Array(bytes);
  }
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}

/** Declared sizes may be absurd: nothing is allocated before they are checked against the bytes that are there. */
function tensorShape(what: string, dims: readonly bigint[]): { shape: number[]; size: number } {
  if (dims.length > MOST_AXES) {
    throw new InputError(`${what}: at most ${MOST_AXES} axes can be read, got ${dims.length}`);
  }
  const shape = dims.map(Number);
  const size = shape.reduce((a, b) => a * b, 1);
  if (!shape.every((side) => Number.isSafeInteger(side) && side >= 0) || !Number.isSafeInteger(size)) {
    throw new InputError(`${what}: dims must be sizes that fit in memory, got [${dims.join(', ')}]`);
  }
  return { shape, size };
}

/**
 * Whether the entries are bytes, in the model or beside it, rather than in the typed field.
 * @throws InputError where they may be in two places, or in the field of another type
 */
function storedRaw(what: string, tensor: TensorProto, format: NumberFormat): boolean {
  const { dataLocation } = tensor;
  if (dataLocation !== DEFAULT && dataLocation !== EXTERNAL) {
    throw new InputError(`${what}: data_location must be 0 or 1, got ${dataLocation}`);
  }
  const external = dataLocation === EXTERNAL;
  if (!external && tensor.externalData.length > 0) {
    throw new InputError(`${what}: external data must be said to be so, got data_location ${dataLocation}`);
  }
  const inRaw = tensor.rawData.length > 0;
  const fields = TYPED_FIELDS.filter((field) => tensor[field].length > 0);
  const places = [external && 'external data', inRaw && 'raw data', ...fields].filter((place) => place);
  if (places.length > 1) {
    throw new InputError(`${what}: entries must be stored once, got ${places.join(' and ')}`);
  }
  const [field] = fields;
  if (field && field !== format.field) {
    throw new InputError(`${what}: entries of type ${format.type} must be in ${format.field}, got ${field}`);
  }
  return external || inRaw;
}

function fromBytes(
  what: string,
  format: NumberFormat,
  bytes: Uint8Array,
  size: number,
  reserve: () => void,
): Stored {
  if (bytes.length !== size * format.bytes) {
    throw new InputError(`${what}: ${size} entries take ${size * format.bytes} bytes, got ${bytes.length}`);
  }
  reserve();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { length: size, at: (i) => format.read(view, i * format.bytes) };
}

function fromField(
  what: string,
  format: NumberFormat,
  tensor: TensorProto,
  size: number,
  reserve: () => void,
): Stored {
  const values = tensor[format.field];
  if (values.length !== size) {
    throw new InputError(`${what}: must have ${size} entries, got ${values.length}`);
  }
  reserve();
  return { length: size, at: (i) => values[i]! };
}

/** The numbers that stored entries mean; a typed field may hold some that its type does not have. */
function meaning(what: string, format: NumberFormat, stored: Stored): Float32Array | Float64Array {
  const { type, fromBits } = format;
  // Float32 holds all floats of 16 bits.
  const data = fromBits ? new Float32Array(stored.length) : new Float64Array(stored.length);
  if (isFloat(type) && !fromBits) {
    for (let i = 0; i < data.length; i++) data[i] = Number(stored.at(i));
    return data;
  }
  const { least, greatest } = fromBits ? SIXTEEN_BITS : integerRange(type);
  for (let i = 0; i < data.length; i++) {
    const value = stored.at(i);
    if (value < least || value > greatest) {
      throw new InputError(
        `${what}: entries of type ${type} must lie in ${least} to ${greatest}, got ${value} at ${i}`,
      );
    }
    data[i] = fromBits ? fromBits(Number(value)) : heldInteger(value);
  }
  return data;
}

/** Beyond 2^53 only that an integer is large is known. */
function heldInteger(value: number | bigint): number {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : number * Number.POSITIVE_INFINITY;
}

/** A single infinity may be the open end of a clip; an infinite weight is refused where it is used. */
function refuseNonNumbers(what: string, data: Float32Array | Float64Array): void {
  const at = firstNotFinite(data);
  if (at < 0 || (data.length === 1 && !Number.isNaN(data[at]))) return;
  throw new InputError(`${what}: entries must be finite, got ${data[at]} at ${at}`);
}

function rawBytes(what: string, tensor: TensorProto, external: ExternalFiles): Uint8Array {
  if (tensor.dataLocation !== EXTERNAL) return tensor.rawData;
  const { location, offset, length } = externalReference(what, tensor);
  const file = external.get(location);
  if (!file) throw new InputError(`${what}: external data ${location}: not given`);
  const end = length === undefined ? file.length : offset + length;
  if (!(offset <= end && end <= file.length)) {
    const asked = `bytes ${offset} to ${end}`;
    throw new InputError(`${what}: external data ${location}: must hold ${asked}, got ${file.length} bytes`);
  }
  return file.subarray(offset, end);
}

/** Where the bytes of an external tensor lie. Bytes; without a length: to the end of the file. */
export interface ExternalReference {
  readonly location: string;
  readonly offset: number;
  readonly length?: number;
}

/**
 * Reads and checks a tensor's external reference.
 * @throws InputError for locations that are not plain names of files next to the model
 */
export function externalReference(what: string, tensor: TensorProto): ExternalReference {
  const entries = new Map<string, string>();
  for (const { key, value } of tensor.externalData) {
    if (entries.has(key)) throw new InputError(`${what}: external data: ${key} must be given once, got two`);
    entries.set(key, value);
  }
  const location = entries.get('location');
  if (location === undefined || !isPlainName(location)) {
    const rule = 'location must be the plain name of a file in the folder of the model';
    throw new InputError(`${what}: external data: ${rule}, got ${JSON.stringify(location ?? '')}`);
  }
  const bytes = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) {
      throw new InputError(
        `${what}: external data: ${key} must be a number of bytes, got ${JSON.stringify(text)}`,
      );
    }
    return value;
  };
  const length = bytes('length');
  return { location, offset: bytes('offset') ?? 0, ...(length !== undefined && { length }) };
}

/** No folders, no parents, no drives or streams, no control characters. */
export function isPlainName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be refused
  return name.length > 0 && name !== '.' && name !== '..' && !/[/\\:\u0000-\u001f]/.test(name);
}

/** IEEE binary16. */
function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The upper half of a binary32. */
function fromBfloat16(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, bits);
  return view.getFloat32(0);
}
