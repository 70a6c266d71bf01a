/** Sums, differences, products and quotients of tensors and constants. */

import { isExactProduct, multipliable, reciprocalFactors } from '../../../network/exact.ts';
import { largest, smallest } from '../../../network/extremes.ts';
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import type { Scale } from '../../../network/operator.ts';
import { everyAxis, product, sameShape } from '../../../network/size.ts';
import type { Call, Dimension, Signal, Value } from '../call.ts';
import { applyElementwise, clipped } from '../elementwise/reading.ts';
import {
  broadcastShape,
  broadcastSteps,
  type Constant,
  constantOf,
  reshaped,
  walk,
} from '../values/constant.ts';
import { type ElementType, integerRange, isFloat } from '../values/elementType.ts';
import { broadcastOver } from './broadcast.ts';
import type { Converter, Family } from './converter.ts';
import {
  DIFFERENCE,
  floatFunction,
  floatResult,
  halfToEven,
  integerResult,
  mapped,
  narrowed,
  type Operation,
  operate,
  PRODUCT,
  SUM,
} from './entries.ts';
import { assembled, broadcastTo, commonDims, counted, sampleOf } from './moving/picked.ts';
import { boundedProduct } from './products/bounded.ts';

export const arithmetic: Family = new Map<string, Converter>([
  ['Add', aligned({ constants: binary(SUM), signals: (call) => sum(call, [1, 1]) })],
  ['Sub', aligned({ constants: binary(DIFFERENCE), signals: (call) => sum(call, [1, -1]) })],
  ['Mul', aligned({ constants: binary(PRODUCT), signals: multiply })],
  ['Div', aligned({ constants: quotient, signals: divide })],
  [
    'Sum',
    {
      constants: folded((call, type) => operate(call, type, SUM)),
      signals: (call) => sum(call, equal(call, 1)),
    },
  ],
  ['Mean', { signals: mean }],
  ['Neg', { constants: negated, signals: negate }],
  ['Min', { constants: folded(() => Math.min), signals: (call) => extreme(call, 'max') }],
  ['Max', { constants: folded(() => Math.max), signals: (call) => extreme(call, 'min') }],
  ['Pow', { constants: power }],
  ['Sqrt', { constants: floatFunction(Math.sqrt) }],
  ['Exp', { constants: floatFunction(Math.exp) }],
  ['Log', { constants: floatFunction(Math.log) }],
  ['Reciprocal', { constants: floatFunction((x) => 1 / x) }],
  ['Floor', { constants: floatFunction(Math.floor) }],
  ['Ceil', { constants: floatFunction(Math.ceil) }],
  ['Round', { constants: floatFunction(halfToEven) }],
  ['Sign', { constants: (call) => mapped(call, call.numbers(0), Math.sign) }],
  ['Mod', { constants: remainder }],
  ['BitShift', { constants: bitShift }],
  ['Equal', { constants: comparison((a, b) => a === b) }],
  ['Greater', { constants: comparison((a, b) => a > b) }],
  ['GreaterOrEqual', { constants: comparison((a, b) => a >= b) }],
  ['Less', { constants: comparison((a, b) => a < b) }],
  ['LessOrEqual', { constants: comparison((a, b) => a <= b) }],
  ['Not', { constants: not }],
  ['Where', { constants: where, signals: chosen }],
]);

// ---- before operator set 7 -------------------------------------------------------------------

/** With the second input's axes where the attributes of operator sets before 7 want them. */
function aligned(converter: Converter): Converter {
  const { constants, signals } = converter;
  return {
    ...(constants && { constants: (call) => constants(alignedCall(call)) }),
    ...(signals && { signals: (call) => signals(alignedCall(call)) }),
  };
}

function alignedCall(call: Call): Call {
  if (call.opset >= 7) return call;
  const [a, b] = [call.value(0), call.value(1)];
  const [rank, own] = [call.dims(a).length, call.dims(b).length];
  if (!call.attributes.flag('broadcast')) {
    const same = call.dims(a).join() === call.dims(b).join();
    call.demand(
      same,
      `without broadcast inputs must be of one shape, [${call.dims(a).join(', ')}]`,
      call.dims(b),
    );
    return call;
  }
  const axis = call.attributes.integer('axis', undefined);
  if (axis === undefined) return call;
  const after = rank - call.axis(axis, rank) - own;
  call.demand(after >= 0, `the axes of input 1 must fit from axis ${axis} on`, call.dims(b));
  if (after === 0) return call;
  if (b.kind === 'signal') {
    return call.refuse('a computed tensor repeated along later axes', 'convert the model to operator set 7');
  }
  return call.withInputs([a, reshaped(b, [...b.shape, ...everyAxis(after, 1)])]);
}

// ---- constants --------------------------------------------------------------------------------

function negated(call: Call): Constant {
  const x = call.numbers(0);
  const minus = operate(call, x.type, DIFFERENCE);
  return mapped(call, x, isFloat(x.type) ? (value) => -value : (value) => minus(0, value));
}

function not(call: Call): Constant {
  return mapped(call, call.numbers(0), (value) => (value === 0 ? 1 : 0));
}

function binary(operation: Operation): (call: Call) => Constant {
  return (call) => {
    const [a, b] = [call.numbers(0), call.numbers(1)];
    return combined(call, a, b, a.type, operate(call, a.type, operation));
  };
}

function comparison(holds: (a: number, b: number) => boolean): (call: Call) => Constant {
  return (call) => combined(call, call.numbers(0), call.numbers(1), 'bool', (a, b) => (holds(a, b) ? 1 : 0));
}

/** Of all inputs, one after the other. */
function folded(
  of: (call: Call, type: ElementType) => (a: number, b: number) => number,
): (call: Call) => Constant {
  return (call) => {
    let result = call.numbers(0);
    const f = of(call, result.type);
    for (let k = 1; k < call.inputs.length; k++) {
      result = combined(call, result, call.numbers(k), result.type, f);
    }
    return result;
  };
}

/** f of two constants, broadcast. */
function combined(
  call: Call,
  a: Constant,
  b: Constant,
  type: ElementType,
  f: (a: number, b: number) => number,
): Constant {
  const shape = commonShape(call, a.shape, b.shape);
  const data = new Float64Array(product(shape));
  const fromA = walk(shape, broadcastSteps(a.shape, shape));
  const fromB = walk(shape, broadcastSteps(b.shape, shape));
  for (let i = 0; i < data.length; i++) data[i] = f(a.data[fromA[i]!]!, b.data[fromB[i]!]!);
  return constantOf(type, shape, data);
}

/** The broadcast shape of two constants, its memory taken from the budget. */
function commonShape(call: Call, a: readonly number[], b: readonly number[]): number[] {
  const shape = broadcastShape(a, b) ?? call.malformed(`inputs must broadcast to [${a.join(', ')}]`, b);
  call.scope.budget.allocate(call.node.name, 3 * product(shape));
  return shape;
}

/** The exponent may be of another type than the base, which gives the type of the result. */
function power(call: Call): Constant {
  const [a, b] = [call.numbers(0), call.numbers(1)];
  if (isFloat(a.type)) {
    const result = floatResult(call, a.type);
    return combined(call, a, b, a.type, (base, exponent) => result(base ** exponent));
  }
  const result = integerResult(call, a.type);
  return combined(call, a, b, a.type, (base, exponent) => {
    if (!(Number.isInteger(exponent) && exponent >= 0)) {
      call.refuse(`${base} to the power of ${exponent}`, 'powers of integers must be integers');
    }
    // Bases beyond ±1 leave every type long before the 64th power.
    return result(
      Math.abs(base) > 1 ? Number(BigInt(base) ** BigInt(Math.min(exponent, 64))) : base ** exponent,
    );
  });
}

/** Integers are divided towards zero. */
function quotient(call: Call): Constant {
  const [a, b] = [call.numbers(0), call.numbers(1)];
  if (isFloat(a.type)) {
    const result = floatResult(call, a.type);
    return combined(call, a, b, a.type, (p, q) => result(p / q));
  }
  call.demand(!b.data.includes(0), 'integers must not be divided by 0', 0);
  const result = integerResult(call, a.type);
  return combined(call, a, b, a.type, (p, q) => result((p - (p % q)) / q));
}

/** Of what has the sign of the dividend, or, of integers alone, that of the divisor. */
function remainder(call: Call): Constant {
  const [a, b] = [call.numbers(0), call.numbers(1)];
  const ofDividend = call.attributes.flag('fmod');
  if (isFloat(a.type)) {
    call.demand(ofDividend, 'fmod must be 1 of floats', 0);
    const result = floatResult(call, a.type);
    return combined(call, a, b, a.type, (p, q) => result(p % q));
  }
  call.demand(!b.data.includes(0), 'integers must not be divided by 0', 0);
  return combined(call, a, b, a.type, (p, q) => {
    const rest = p % q;
    return (!ofDividend && rest * q < 0 ? rest + q : rest) + 0;
  });
}

function bitShift(call: Call): Constant {
  const [a, b] = [call.numbers(0), call.numbers(1)];
  const direction = call.attributes.text('direction', '');
  call.demand(direction === 'LEFT' || direction === 'RIGHT', 'direction must be LEFT or RIGHT', direction);
  const bits = integerRange(a.type).greatest.toString(2).length;
  return combined(call, a, b, a.type, (p, q) => {
    if (q >= bits) call.refuse(`by ${q} bits`, `what becomes of ${bits} bits is left open`);
    const [value, by] = [BigInt(p), BigInt(q)];
    return narrowed(call, a.type, direction === 'LEFT' ? value << by : value >> by);
  });
}

function where(call: Call): Constant {
  const [condition, a, b] = [call.numbers(0), call.known(1), call.known(2)];
  const shape = commonShape(call, commonShape(call, condition.shape, a.shape), b.shape);
  const [fromC, fromA, fromB] = [condition, a, b].map((c) => walk(shape, broadcastSteps(c.shape, shape)));
  const data = Float64Array.from(fromC!, (at, i) =>
    condition.data[at] === 0 ? b.data[fromB![i]!]! : a.data[fromA![i]!]!,
  );
  return constantOf(a.type, shape, data);
}

// ---- signals ----------------------------------------------------------------------------------

function equal(call: Call, coefficient: number): number[] {
  return call.inputs.map(() => coefficient);
}

/** The sum first: coefficients of one tensor may cancel, and 1/n is rounded. */
function mean(call: Call): Value {
  const total = sum(call, equal(call, 1));
  const count = call.inputs.length;
  if (count === 1 || total.kind !== 'signal') return total;
  return inSequence(call, total, reciprocals(Float64Array.of(count)));
}

/** Σ coefficients[k] · input k: signals of one shape, and constants, which become a shift. */
function sum(call: Call, coefficients: readonly number[]): Value {
  const signals: Signal[] = [];
  const weights: number[] = [];
  const constants: { constant: Constant; coefficient: number }[] = [];
  for (const [k, coefficient] of coefficients.entries()) {
    const value = call.value(k);
    if (value.kind === 'constant') constants.push({ constant: value, coefficient });
    else {
      signals.push(value);
      weights.push(coefficient);
    }
  }
  const alone = signals.length === 1 && constants.length > 0;
  let result = alone ? signals[0]! : added(call, signals, weights);
  for (const [k, { constant, coefficient }] of constants.entries()) {
    const factor = alone && k === 0 ? weights[0]! : 1;
    result = scaledAndShifted(call, result, factor, constant, coefficient);
  }
  return result;
}

/** Σ weights[k] · signal k. */
export function added(call: Call, signals: readonly Signal[], weights: readonly number[]): Signal {
  if (signals.length === 1) return weights[0] === 1 ? signals[0]! : scaledBy(call, signals[0]!, weights[0]!);
  const aligned = oneShape(call, signals);
  const operator = { kind: 'add', coefficients: weights } as const;
  return call.settled({ ...call.emit(operator, aligned, OWN_FIELDS), shape: aligned[0]!.shape });
}

/** Signals brought to one shape, repeated where that takes it. */
function oneShape(call: Call, signals: readonly Signal[]): readonly Signal[] {
  const first = signals[0]!;
  if (signals.every((s) => s.batched === first.batched && sameShape(s.shape, first.shape))) return signals;
  const shown = signals.map((s) => `[${call.dims(s).join(', ')}]`).join(' and ');
  const dims = commonDims(call, signals);
  if (!dims) return call.refuse(`shapes ${shown}`, 'tensors that are added must broadcast to one shape');
  return signals.map((s) => broadcastTo(call, s, dims));
}

/** factor · x + shiftFactor · shift, the shift a constant that broadcasts. */
export function scaledAndShifted(
  call: Call,
  x: Signal,
  factor: number,
  shift: Constant,
  shiftFactor: number,
): Signal {
  return alongAxis(call, x, shift, (values) => [
    { scale: Float64Array.of(factor), shift: values.map((value) => shiftFactor * value) },
  ]);
}

/** @param part as of `Call.emit` */
export function scaledBy(call: Call, x: Signal, factor: number, part?: string): Signal {
  return call.emitSame({ kind: 'scale', scale: Float64Array.of(factor) }, x, OWN_FIELDS, part);
}

/** Scales, one after the other, made from a constant. An axis along which alone it varies is brought to the front for them. */
function alongAxis(
  call: Call,
  x: Signal,
  constant: Constant,
  build: (values: Float64Array) => readonly ScaleNumbers[],
): Signal {
  const rank = call.dims(x).length;
  if (constant.shape.length > rank && call.scope.batch === 1) {
    const raised = [
      ...new Array<number>(constant.shape.length - rank).fill(1),
      ...(call.dims(x) as number[]),
    ];
    return call.settled(alongAxis(call, call.view(x, raised, false), constant, build));
  }
  const repeated = repeatedFor(call, x, constant);
  if (repeated !== x) return alongAxis(call, repeated, constant, build);
  const broadcast = broadcastOver(call, constant, x);
  if (!broadcast) {
    const found = `a constant of shape [${constant.shape.join(', ')}] on [${call.dims(x).join(', ')}]`;
    return call.refuse(found, 'constants must broadcast with the tensor, and be the same for every sample');
  }
  const scales = build(broadcast.values);
  const axis = broadcast.axis ?? 0;
  if (axis === 0) return inSequence(call, x, scales);
  const others = [...x.shape.keys()].filter((other) => other !== axis);
  const front = call.permuted(x, [axis, ...others]);
  const back = [...x.shape.keys()].map((a) => (a === axis ? 0 : others.indexOf(a) + 1));
  return call.permuted(inSequence(call, front, scales), back);
}

/** The signal repeated as often as the constant beside it has it. */
function repeatedFor(call: Call, x: Signal, constant: Constant): Signal {
  const dims = constant.batch ? undefined : commonDims(call, [x, constant]);
  const entries = (own: readonly Dimension[]) => product(own.filter((side) => side !== 'batch'));
  return dims && entries(dims) > entries(call.dims(x)) ? broadcastTo(call, x, dims) : x;
}

type ScaleNumbers = Omit<Scale, 'kind'>;

function inSequence(call: Call, x: Signal, scales: readonly ScaleNumbers[]): Signal {
  return scales.reduce((y, numbers, k) => {
    const part = k === 0 ? undefined : `scale ${k + 1}`;
    return call.emitSame({ kind: 'scale', ...numbers }, y, OWN_FIELDS, part);
  }, x);
}

/** Scales that divide by values other than 0: by their powers of two apart where float64 does not hold the reciprocals. */
function reciprocals(values: Float64Array): readonly ScaleNumbers[] {
  const inverse = values.map((value) => 1 / value);
  if (multipliable(values, inverse) && multipliable(inverse, UNIT)) {
    const exact = values.every((value, k) => value * inverse[k]! === 1 && isExactProduct(value, inverse[k]!));
    return [{ scale: inverse, ...(!exact && { roundings: 1 }) }];
  }
  const factors = [...values].map(reciprocalFactors);
  return [
    { scale: Float64Array.from(factors, ([inverse]) => inverse), roundings: 1 },
    { scale: Float64Array.from(factors, ([, power]) => power) },
    { scale: Float64Array.from(factors, ([, , power]) => power) },
  ];
}

const UNIT = [1];

function negate(call: Call): Signal {
  return scaledBy(call, call.signal(0), -1);
}

const BY_DATA =
  'no global bound exists for a quotient of data unless its divisor is kept from 0, and here it is in none of the ways that are known';

function multiply(call: Call): Signal {
  const [a, b] = [call.value(0), call.value(1)];
  if (a.kind === 'signal' && b.kind === 'signal') return boundedProduct(call, a, b);
  const [x, c] = a.kind === 'signal' ? [a, b as Constant] : [b as Signal, a];
  return times(call, x, c);
}

/** The signal times a constant that broadcasts with it. */
export function times(call: Call, x: Signal, constant: Constant): Signal {
  return alongAxis(call, x, constant, (values) => [{ scale: values }]);
}

function divide(call: Call): Signal {
  const divisor = call.value(1);
  if (divisor.kind === 'signal') return call.refuse('by data', BY_DATA);
  return dividedBy(call, call.signal(0), divisor);
}

/** The signal divided by a constant that broadcasts with it. */
export function dividedBy(call: Call, x: Signal, divisor: Constant): Signal {
  call.demand(!divisor.data.includes(0), 'a divisor must not be 0', 0);
  return alongAxis(call, x, divisor, reciprocals);
}

/** Entries of one or the other, as a constant says. */
function chosen(call: Call): Value {
  const values = [0, 1, 2].map((k) => call.value(k));
  if (values[0]!.kind === 'signal') {
    return call.refuse('chosen by data', 'no global bound exists for rounding or choosing by data');
  }
  const condition = call.known(0);
  const dims = commonDims(call, values);
  if (!dims) {
    const shown = values.map((value) => `[${call.dims(value).join(', ')}]`).join(', ');
    return call.malformed('inputs must broadcast', shown);
  }
  const parts = values
    .slice(1)
    .map((value, k) =>
      value.kind === 'signal' ? broadcastTo(call, value, dims) : sampleOf(call, call.known(k + 1), dims),
    );
  const mask = sampleOf(call, condition, dims).data;
  const part = Int32Array.from(mask, (holds) => (holds === 0 ? 1 : 0));
  return assembled(call, parts, { dims, part, entry: counted(part.length) });
}

/**
 * Max and Min. Of one signal and scalars a clip that is open on one side; of others max(a, b) = b + relu(a − b) and min(a, b) = b − relu(b − a),
 * pair by pair: what the two have in common is kept.
 */
function extreme(call: Call, bound: 'min' | 'max'): Signal {
  const signals = call.inputs.flatMap((value) => (value?.kind === 'signal' ? [value] : []));
  const constants = call.inputs.flatMap((value) => (value?.kind === 'constant' ? [value] : []));
  const x = signals[0]!;
  const rank = call.dims(x).length;
  const isScalar = (c: Constant) => c.data.length === 1 && c.shape.length <= rank;
  const limits = constants.filter(isScalar).map((constant) => constant.data[0]!);
  const limited =
    limits.length === 0
      ? x
      : bound === 'min'
        ? clipped(call, x, largest(limits), Number.POSITIVE_INFINITY)
        : clipped(call, x, Number.NEGATIVE_INFINITY, smallest(limits));
  const beside = [...signals.slice(1), ...constants.filter((constant) => !isScalar(constant))];
  return beside.reduce<Signal>((a, b) => {
    if (b.kind === 'signal') return largerOf(call, a, b, bound === 'min');
    return largerThan(call, a, b, bound === 'min');
  }, limited);
}

/** The larger of a signal and what is known, entry by entry, or the smaller one. */
export function largerThan(call: Call, a: Signal, b: Constant, larger: boolean): Signal {
  const sign = larger ? 1 : -1;
  const over = applyElementwise(call, { name: 'relu' }, scaledAndShifted(call, a, sign, b, -sign));
  return scaledAndShifted(call, over, sign, b, 1);
}

/** The larger of two signals, entry by entry, or the smaller one. */
export function largerOf(call: Call, a: Signal, b: Signal, larger: boolean): Signal {
  const sign = larger ? 1 : -1;
  const over = applyElementwise(call, { name: 'relu' }, added(call, [a, b], [sign, -sign]));
  return added(call, [b, over], [1, sign]);
}
