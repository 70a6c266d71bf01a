/** Operators that make constants: literals, shapes of tensors, ranges, conversions of type. */
import { product } from '../../../network/size.ts';
import type { Call, Value } from '../call.ts';
import { type Constant, constantOf, type EntryType, integerVector } from '../constant.ts';
import { DataType, decodeTensor, entryType } from '../tensors.ts';
import { type Converter, type Family, numbers } from './converter.ts';

const LITERALS = ['value', 'value_float', 'value_floats', 'value_int', 'value_ints'];

export const constants: Family = new Map<string, Converter>([
  ['Constant', { attributes: LITERALS, constants: literal }],
  ['ConstantOfShape', { attributes: ['value'], constants: constantOfShape }],
  ['Range', { attributes: ['stash_type'], constants: range }],
  ['Shape', { attributes: ['start', 'end'], constants: (call) => shapeOf(call), signals: shapeOf }],
  ['Size', { attributes: [], constants: (call) => size(call), signals: size }],
  ['Cast', { attributes: ['to', 'saturate', 'round_mode'], constants: castConstant, signals: castSignal }],
  ['CastLike', { attributes: ['saturate', 'round_mode'], constants: castLikeConstant, signals: castLike }],
]);

function literal(call: Call): Constant {
  const { attributes, node, scope } = call;
  const names = attributes.names();
  call.demand(names.length === 1, 'must have one value', names.length);
  const tensor = attributes.tensor('value');
  if (tensor) return decodeTensor(node.name, tensor, scope.external, scope.budget);
  const float = attributes.float('value_float', undefined);
  if (float !== undefined) return constantOf('float', [], Float64Array.of(float));
  const floats = attributes.floats('value_floats');
  if (floats) return constantOf('float', [floats.length], Float64Array.from(floats));
  const integer = attributes.integer('value_int', undefined);
  if (integer !== undefined) return constantOf('integer', [], Float64Array.of(integer));
  return integerVector(attributes.integers('value_ints')!);
}

/** Of float zeros unless a value says otherwise. */
function constantOfShape(call: Call): Constant {
  const shape = call.integers(0) ?? call.malformed('input 0 must be given', 'none');
  const sizes = shape.every((side) => Number.isSafeInteger(side) && side >= 0);
  call.demand(sizes, 'sizes must not be negative', shape);
  const tensor = call.attributes.tensor('value');
  const value = tensor && decodeTensor(call.node.name, tensor, call.scope.external, call.scope.budget);
  call.demand(!value || value.data.length === 1, 'value must be one number', value?.shape ?? []);
  call.scope.budget.allocate(call.node.name, product(shape));
  return constantOf(
    value?.type ?? 'float',
    shape,
    new Float64Array(product(shape)).fill(value?.data[0] ?? 0),
  );
}

function range(call: Call): Constant {
  const [start, limit, delta] = [call.scalar(0), call.scalar(1), call.scalar(2)];
  if (start === undefined || limit === undefined || delta === undefined) {
    return call.malformed('start, limit and delta must be given', 'fewer');
  }
  call.demand(delta !== 0, 'delta must not be 0', delta);
  const count = Math.max(Math.ceil((limit - start) / delta), 0);
  call.scope.budget.allocate(call.node.name, count);
  const data = Float64Array.from({ length: count }, (_, i) => start + i * delta);
  return constantOf(call.requiredConstant(0).type, [count], data);
}

/** The dims from `start` to `end`, both of which may count from the back. */
function shapeOf(call: Call): Constant {
  const x = call.value(0);
  const rank = call.dims(x).length;
  const within = (axis: number) => Math.min(Math.max(axis < 0 ? axis + rank : axis, 0), rank);
  const start = within(call.attributes.integer('start', 0));
  const end = within(call.attributes.integer('end', rank));
  return call.dimsConstant(x, start, end);
}

function size(call: Call): Constant {
  const dims = call.dims(call.value(0));
  if (dims.includes('batch')) call.refuse('the number of entries', 'it depends on the batch size');
  return constantOf('integer', [], Float64Array.of(product(dims as number[])));
}

function castConstant(call: Call): Constant {
  const x = call.requiredConstant(0);
  const { to, type } = castTarget(call);
  call.scope.budget.allocate(call.node.name, x.data.length);
  return { ...x, type, data: x.data.map(converter(call, x.type, to, type)) };
}

function castTarget(call: Call): { to: number; type: EntryType } {
  const to = call.attributes.integer('to', undefined) ?? call.malformed('to must be given', 'none');
  const type =
    entryType(to) ??
    call.refuse(`to data type ${to}`, 'casts go to floats of 16 bits or more, integers and bool');
  return { to, type };
}

/** One entry; the open batch size, NaN, stays so. */
function converter(call: Call, from: EntryType, to: number, type: EntryType): (value: number) => number {
  switch (type) {
    case 'boolean':
      return (value) => (value === 0 ? 0 : 1);
    case 'integer':
      if (from === 'float') return Math.trunc;
      if (to === DataType.INT64 || from === 'boolean') return (value) => value;
      return (value) =>
        Math.abs(value) < 2 ** 31 || Number.isNaN(value) ? value : call.refuse(`of ${value}`, 'it overflows');
    case 'float':
      return roundingTo(to);
    default:
      return type satisfies never;
  }
}

function roundingTo(dataType: number): (value: number) => number {
  if (dataType === DataType.FLOAT) return Math.fround;
  if (dataType === DataType.FLOAT16) return (value) => rounded(value, 11, -14, 65504);
  if (dataType === DataType.BFLOAT16) return (value) => rounded(value, 8, -126, (2 - 2 ** -7) * 2 ** 127);
  return (value) => value;
}

/** To the nearest number of `precision` bits (ties to even), subnormal below 2^lowest, infinite above `largest`. */
function rounded(value: number, precision: number, lowest: number, largest: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), lowest);
  const unit = 2 ** (exponent - precision + 1);
  const units = value / unit;
  const below = Math.floor(units);
  const up = units - below > 0.5 || (units - below === 0.5 && below % 2 !== 0);
  const result = (up ? below + 1 : below) * unit;
  return Math.abs(result) > largest ? Math.sign(value) * Number.POSITIVE_INFINITY : result;
}

/** Between float types the identity, as far as bounds are concerned: rounding is that of all arithmetic. */
function castSignal(call: Call): Value {
  const { type } = castTarget(call);
  if (type !== 'float')
    call.refuse(`data to ${type}`, 'no global bound exists for rounding; casts between floats are read');
  return call.signal(0);
}

/** To the type of the second input; floats keep their value. */
function castLikeConstant(call: Call): Constant {
  const [x, like] = [numbers(call, 0), numbers(call, 1)];
  call.scope.budget.allocate(call.node.name, x.data.length);
  return { ...x, type: like.type, data: x.data.map(converter(call, x.type, DataType.DOUBLE, like.type)) };
}

function castLike(call: Call): Value {
  const like = call.value(1);
  if (like.kind === 'constant' && like.type !== 'float') {
    call.refuse(`data to ${like.type}`, 'no global bound exists for rounding; casts between floats are read');
  }
  return like.kind === 'signal' && call.value(0).kind === 'constant' ? numbers(call, 0) : call.signal(0);
}
