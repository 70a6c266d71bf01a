/** Tensors as ONNX stores them: number formats, typed fields, raw bytes and external data. */
import { InputError, UnsupportedError } from '../../errors.ts';
import type { Budget } from './budget.ts';
import { type Constant, constantOf, type EntryType } from './constant.ts';
import type { TensorProto } from './onnx_pb.ts';

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
export const EXTERNAL = 1;

/** Axes beyond these are a malformed file, not a network. */
const MOST_AXES = 32;

/** How a data type is stored: bytes per entry in raw data, how to read one, and the typed field it may use instead. */
interface Format {
  readonly type: EntryType;
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
  readonly field: (tensor: TensorProto) => ArrayLike<number | bigint>;
  /** What the value of the typed field means, where it is not the number itself. */
  readonly fromField?: (value: number) => number;
}

const int32Field = (tensor: TensorProto) => tensor.int32Data;
const uint64Field = (tensor: TensorProto) => tensor.uint64Data;

const FORMATS: ReadonlyMap<number, Format> = new Map<number, Format>([
  [
    DataType.FLOAT,
    { type: 'float', bytes: 4, read: (v, at) => v.getFloat32(at, true), field: (t) => t.floatData },
  ],
  [
    DataType.DOUBLE,
    { type: 'float', bytes: 8, read: (v, at) => v.getFloat64(at, true), field: (t) => t.doubleData },
  ],
  [
    DataType.FLOAT16,
    {
      type: 'float',
      bytes: 2,
      read: (v, at) => fromFloat16(v.getUint16(at, true)),
      field: int32Field,
      fromField: fromFloat16,
    },
  ],
  [
    DataType.BFLOAT16,
    {
      type: 'float',
      bytes: 2,
      read: (v, at) => fromBfloat16(v.getUint16(at, true)),
      field: int32Field,
      fromField: fromBfloat16,
    },
  ],
  [DataType.INT8, { type: 'integer', bytes: 1, read: (v, at) => v.getInt8(at), field: int32Field }],
  [DataType.UINT8, { type: 'integer', bytes: 1, read: (v, at) => v.getUint8(at), field: int32Field }],
  [DataType.INT16, { type: 'integer', bytes: 2, read: (v, at) => v.getInt16(at, true), field: int32Field }],
  [DataType.UINT16, { type: 'integer', bytes: 2, read: (v, at) => v.getUint16(at, true), field: int32Field }],
  [DataType.INT32, { type: 'integer', bytes: 4, read: (v, at) => v.getInt32(at, true), field: int32Field }],
  [
    DataType.UINT32,
    { type: 'integer', bytes: 4, read: (v, at) => v.getUint32(at, true), field: uint64Field },
  ],
  [
    DataType.INT64,
    {
      type: 'integer',
      bytes: 8,
      read: (v, at) => Number(v.getBigInt64(at, true)),
      field: (t) => t.int64Data,
    },
  ],
  [
    DataType.UINT64,
    { type: 'integer', bytes: 8, read: (v, at) => Number(v.getBigUint64(at, true)), field: uint64Field },
  ],
  [DataType.BOOL, { type: 'boolean', bytes: 1, read: (v, at) => v.getUint8(at), field: int32Field }],
]);

/** How arithmetic treats a data type; undefined for those that are not read (strings, complex, 8 bit floats …). */
export function entryType(dataType: number): EntryType | undefined {
  return FORMATS.get(dataType)?.type;
}

/** Files with external data that the model names, by their names. */
export type ExternalFiles = ReadonlyMap<string, Uint8Array>;

/**
 * The entries of a tensor in float64.
 * @param what how messages call it: `initializer conv1.weight`
 * @throws InputError where sizes do not match or a float is NaN (or infinite, in a tensor of more than one entry)
 * @throws UnsupportedError for number formats that are not read
 */
export function decodeTensor(
  what: string,
  tensor: TensorProto,
  external: ExternalFiles,
  budget: Budget,
): Constant {
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
  // Many tensors may refer to the same bytes of a file.
  const reserve = () => budget.allocate(what, size);
  const data = isRaw(tensor)
    ? fromBytes(what, format, rawBytes(what, tensor, external), size, reserve)
    : fromField(what, format, tensor, size, reserve);
  if (format.type === 'float') refuseNonNumbers(what, data);
  return constantOf(format.type, shape, data);
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

function isRaw(tensor: TensorProto): boolean {
  return tensor.dataLocation === EXTERNAL || tensor.rawData.length > 0;
}

function fromBytes(
  what: string,
  format: Format,
  bytes: Uint8Array,
  size: number,
  reserve: () => void,
): Float64Array {
  if (bytes.length !== size * format.bytes) {
    throw new InputError(`${what}: ${size} entries take ${size * format.bytes} bytes, got ${bytes.length}`);
  }
  reserve();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = new Float64Array(size);
  for (let i = 0; i < size; i++) data[i] = format.read(view, i * format.bytes);
  return data;
}

function fromField(
  what: string,
  format: Format,
  tensor: TensorProto,
  size: number,
  reserve: () => void,
): Float64Array {
  const values = format.field(tensor);
  if (values.length !== size) {
    throw new InputError(`${what}: must have ${size} entries, got ${values.length}`);
  }
  reserve();
  const meaning = format.fromField ?? ((value: number) => value);
  const data = new Float64Array(size);
  for (let i = 0; i < size; i++) data[i] = meaning(Number(values[i]!));
  return data;
}

/** A single infinity may be the open end of a clip; an infinite weight is refused where it is used. */
function refuseNonNumbers(what: string, data: Float64Array): void {
  for (let i = 0; i < data.length; i++) {
    const fine = Number.isFinite(data[i]) || (data.length === 1 && !Number.isNaN(data[i]));
    if (!fine) throw new InputError(`${what}: entries must be finite, got ${data[i]} at ${i}`);
  }
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
