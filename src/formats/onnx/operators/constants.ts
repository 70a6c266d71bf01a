/** Operators that make constants: literals, shapes of tensors, ranges, conversions of type. */
import { mapped } from '../../../network/numbers.ts';
import { product } from '../../../network/size.ts';
import { type Call, FIX_BATCH, type Value } from '../call.ts';
import { widens } from '../integers.ts';
import { type Constant, constantOf, integerVector } from '../values/constant.ts';
import {
  type ElementType,
  integerRange,
  isFloat,
  isInteger,
  roundingTo,
  significantBits,
} from '../values/elementType.ts';
import { decodeTensor, elementType } from '../values/tensors.ts';
import type { Converter, Family } from './converter.ts';
import { narrowed } from './entries.ts';

export const constants: Family = new Map<string, Converter>([
  ['Constant', { constants: literal }],
  ['ConstantOfShape', { constants: constantOfShape }],
  ['Range', { constants: range }],
  ['Shape', { constants: (call) => shapeOf(call), signals: shapeOf }],
  ['Size', { constants: (call) => size(call), signals: size }],
  ['Cast', { constants: castConstant, signals: castSignal }],
  ['CastLike', { constants: castLikeConstant, signals: castLike }],
]);

function literal(call: Call): Constant {
  const { attributes, node, scope } = call;
  const names = attributes.names();
  call.demand(names.length === 1, 'must have one value', names.length);
  const tensor = attributes.tensor('value');
  if (tensor) return decodeTensor(node.name, tensor, scope.stores, scope.budget);
  const float = attributes.float('value_float', undefined);
  if (float !== undefined) return constantOf('float', [], Float64Array.of(float));
  const floats = attributes.floats('value_floats');
  if (floats) return constantOf('float', [floats.length], Float64Array.from(floats));
  const integer = attributes.integer('value_int', undefined);
  if (integer !== undefined) return constantOf('int64', [], Float64Array.of(integer));
  const integers = attributes.integers('value_ints');
  if (integers) return integerVector(integers);
  return call.refuse(`attribute ${names[0]}`, 'constants are dense tensors of numbers');
}

/** Of float zeros unless a value says otherwise. */
function constantOfShape(call: Call): Constant {
  const shape = call.integers(0) ?? call.malformed('input 0 must be given', 'none');
  const sizes = shape.every((side) => Number.isSafeInteger(side) && side >= 0);
  call.demand(sizes, 'sizes must not be negative', shape);
  const tensor = call.attributes.tensor('value');
  const value = tensor && decodeTensor(call.node.name, tensor, call.scope.stores, call.scope.budget);
  call.demand(!value || value.data.length === 1, 'value must be one number', value?.shape ?? []);
  call.scope.budget.allocate(call.node.name, product(shape));
  const data = new Float64Array(product(shape)).fill(value?.data[0] ?? 0);
  return constantOf(value?.type ?? 'float', shape, data);
}

/**
 * start, start + delta, … below limit. Whether floats are added up or multiplied, and rounded when, is left open: only
 * those are read for which it makes no difference, integers that their format holds.
 */
function range(call: Call): Constant {
  const [start, limit, delta] = [call.scalar(0), call.scalar(1), call.scalar(2)];
  if (start === undefined || limit === undefined || delta === undefined) {
    return call.malformed('start, limit and delta must be given', 'fewer');
  }
  call.demand(delta !== 0, 'delta must not be 0', delta);
  const { type } = call.requiredConstant(0);
  if (isFloat(type)) {
    const most = 2 ** significantBits(type);
    const exact = [start, limit, delta].every((value) => Number.isInteger(value) && Math.abs(value) <= most);
    if (!exact) {
      call.refuse(
        `of ${start}, ${limit}, ${delta}`,
        'ranges of floats that are no integers depend on rounding',
      );
    }
  }
  const count = Math.max(Math.ceil((limit - start) / delta), 0);
  call.scope.budget.allocate(call.node.name, count);
  const data = Float64Array.from({ length: count }, (_, i) => start + i * delta);
  return constantOf(type, [count], data);
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
  if (dims.includes('batch'))
    call.refuse('the number of entries', `it depends on the batch size; ${FIX_BATCH}`);
  return constantOf('int64', [], Float64Array.of(product(dims as number[])));
}

function castConstant(call: Call): Constant {
  return converted(call, castTarget(call));
}

function castTarget(call: Call): ElementType {
  const to = call.attributes.integer('to', undefined) ?? call.malformed('to must be given', 'none');
  return (
    elementType(to) ??
    call.refuse(`to data type ${to}`, 'casts go to floats of 16 bits or more, integers and bool')
  );
}

/** The first input in another type. */
function converted(call: Call, to: ElementType): Constant {
  const x = call.requiredConstant(0);
  if (to === x.type) return x;
  if (x.batch && !(isInteger(to) || to === 'float' || to === 'double')) {
    call.refuse(`the batch size to ${to}`, FIX_BATCH);
  }
  call.scope.budget.allocate(call.node.name, x.data.length);
  const convert = conversion(call, x.type, to);
  return { ...x, type: to, data: mapped(x.data, (value, i) => (x.batch?.has(i) ? value : convert(value))) };
}

/** What one entry becomes. */
function conversion(call: Call, from: ElementType, to: ElementType): (value: number) => number {
  if (isInteger(from)) {
    const convert = conversionOfNumbers(call, from, to);
    return (value) => {
      if (!Number.isFinite(value)) {
        call.refuse('of an integer beyond 2^53', 'integers are computed up to 2^53');
      }
      return convert(value);
    };
  }
  return conversionOfNumbers(call, from, to);
}

function conversionOfNumbers(call: Call, from: ElementType, to: ElementType): (value: number) => number {
  if (to === 'bool') return (value) => (value === 0 ? 0 : 1);
  if (isFloat(to)) {
    const round = roundingTo(to);
    return (value) => {
      const result = round(value);
      if (Number.isFinite(value) && !Number.isFinite(result))
        call.refuse(`of ${value} to ${to}`, 'it overflows');
      // Runtimes may round to 16 bits by way of 32.
      if (to !== 'double' && round(Math.fround(value)) !== result) {
        call.refuse(`of ${value} to ${to}`, 'whether it is rounded once or twice is left open');
      }
      return result;
    };
  }
  if (!isFloat(from)) return (value) => narrowed(call, to, BigInt(value));
  const { least, greatest } = integerRange(to);
  return (value) => {
    const result = Math.trunc(value) + 0;
    // Beyond 2^53 float64 holds integers exactly too, but constants do not.
    if (!(result >= least && result <= greatest && Number.isSafeInteger(result))) {
      call.refuse(
        `of ${value} to ${to}`,
        'what becomes of floats beyond the range of the integers is left open',
      );
    }
    return result;
  };
}

const FLOATS_ALONE = 'no global bound exists for rounding; casts between floats are read';

/** Between float types the identity, as far as bounds are concerned: rounding is that of all arithmetic; and to integers that hold all of these. */
function castSignal(call: Call): Value {
  const to = castTarget(call);
  const from = call.scope.types.get(call.node.inputs[0]!);
  if (!isFloat(to) && !(from && widens(from, to))) call.refuse(`data to ${to}`, FLOATS_ALONE);
  return call.signal(0);
}

/** To the type of the second input. */
function castLikeConstant(call: Call): Constant {
  return converted(call, call.requiredConstant(1).type);
}

function castLike(call: Call): Value {
  const to = call.scope.types.get(call.node.inputs[1]!)!;
  // A signal that is looked at for its type alone says nothing of its length.
  if (call.value(0).kind === 'constant') return { ...converted(call, to), ofLength: false };
  if (!isFloat(to)) call.refuse(`data to ${to}`, FLOATS_ALONE);
  return call.signal(0);
}
