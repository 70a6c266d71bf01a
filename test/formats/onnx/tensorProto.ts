/** Initialisers of any type. */
import { create } from '@bufbuild/protobuf';
import { type TensorProto, TensorProtoSchema } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import type { ElementType } from '../../../src/formats/onnx/values/elementType.ts';
import { DataType } from '../../../src/formats/onnx/values/tensors.ts';

interface Stored {
  readonly dataType: number;
  readonly bytes: number;
  readonly write: (view: DataView, at: number, value: number) => void;
}

const STORED: Readonly<Record<ElementType, Stored>> = {
  float: { dataType: DataType.FLOAT, bytes: 4, write: (v, at, x) => v.setFloat32(at, x, true) },
  double: { dataType: DataType.DOUBLE, bytes: 8, write: (v, at, x) => v.setFloat64(at, x, true) },
  float16: {
    dataType: DataType.FLOAT16,
    bytes: 2,
    write: (v, at, x) => v.setUint16(at, float16Bits(x), true),
  },
  bfloat16: {
    dataType: DataType.BFLOAT16,
    bytes: 2,
    write: (v, at, x) => v.setUint16(at, bfloat16Bits(x), true),
  },
  int8: { dataType: DataType.INT8, bytes: 1, write: (v, at, x) => v.setInt8(at, x) },
  int16: { dataType: DataType.INT16, bytes: 2, write: (v, at, x) => v.setInt16(at, x, true) },
  int32: { dataType: DataType.INT32, bytes: 4, write: (v, at, x) => v.setInt32(at, x, true) },
  int64: { dataType: DataType.INT64, bytes: 8, write: (v, at, x) => v.setBigInt64(at, BigInt(x), true) },
  uint8: { dataType: DataType.UINT8, bytes: 1, write: (v, at, x) => v.setUint8(at, x) },
  uint16: { dataType: DataType.UINT16, bytes: 2, write: (v, at, x) => v.setUint16(at, x, true) },
  uint32: { dataType: DataType.UINT32, bytes: 4, write: (v, at, x) => v.setUint32(at, x, true) },
  uint64: { dataType: DataType.UINT64, bytes: 8, write: (v, at, x) => v.setBigUint64(at, BigInt(x), true) },
  bool: { dataType: DataType.BOOL, bytes: 1, write: (v, at, x) => v.setUint8(at, x) },
};

export const TYPES = Object.keys(STORED) as ElementType[];

export function dataTypeOf(type: ElementType): number {
  return STORED[type].dataType;
}

/** The values must be numbers of the type; 16 bit floats: of at most 7 bits and moderate size. */
export function tensor(
  name: string,
  type: ElementType,
  dims: readonly number[],
  values: readonly number[],
): TensorProto {
  const { dataType, bytes, write } = STORED[type];
  const rawData = new Uint8Array(bytes * values.length);
  const view = new DataView(rawData.buffer);
  for (const [i, value] of values.entries()) write(view, i * bytes, value);
  return create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType, rawData });
}

/** Of a number that binary16 holds as a normal one. */
function float16Bits(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const fraction = (Math.abs(value) / 2 ** exponent - 1) * 1024;
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}

/** Of a number that bfloat16 holds: the upper half of its binary32. */
function bfloat16Bits(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint16(0);
}
