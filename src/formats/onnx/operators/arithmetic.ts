/** Sums, differences, products and quotients of tensors and constants. */

import { OWN_FIELDS } from '../../../network/follows.ts';
import { product, sameShape } from '../../../network/size.ts';
import type { Call, Signal, Value } from '../call.ts';
import {
  broadcastShape,
  broadcastSteps,
  type Constant,
  constantOf,
  type EntryType,
  walk,
} from '../constant.ts';
import { broadcastOver } from './broadcast.ts';
import { type Converter, type Family, numbers } from './converter.ts';
import { clipped } from './elementwise.ts';

export const arithmetic: Family = new Map<string, Converter>([
  ['Add', { attributes: [], constants: binary((a, b) => a + b), signals: (call) => sum(call, [1, 1]) }],
  ['Sub', { attributes: [], constants: binary((a, b) => a - b), signals: (call) => sum(call, [1, -1]) }],
  ['Mul', { attributes: [], constants: binary((a, b) => a * b), signals: multiply }],
  ['Div', { attributes: [], constants: quotient, signals: divide }],
  [
    'Sum',
    { attributes: [], constants: folded((a, b) => a + b), signals: (call) => sum(call, equal(call, 1)) },
  ],
  ['Mean', { attributes: [], signals: (call) => sum(call, equal(call, 1 / call.inputs.length)) }],
  ['Neg', { attributes: [], constants: unary((x) => -x), signals: negate }],
  ['Min', { attributes: [], constants: folded(Math.min), signals: (call) => extreme(call, 'max') }],
  ['Max', { attributes: [], constants: folded(Math.max), signals: (call) => extreme(call, 'min') }],
  [
    'Abs',
    {
      attributes: [],
      constants: unary(Math.abs),
      signals: (call) =>
        call.emitSame({ kind: 'nonlinearity', function: { name: 'abs' } }, call.signal(0), OWN_FIELDS),
    },
  ],
  ['Pow', { attributes: [], constants: power }],
  ['Sqrt', { attributes: [], constants: unary(Math.sqrt) }],
  ['Exp', { attributes: [], constants: unary(Math.exp) }],
  ['Log', { attributes: [], constants: unary(Math.log) }],
  ['Reciprocal', { attributes: [], constants: unary((x) => 1 / x) }],
  ['Floor', { attributes: [], constants: unary(Math.floor) }],
  ['Ceil', { attributes: [], constants: unary(Math.ceil) }],
  ['Equal', { attributes: [], constants: binary((a, b) => (a === b ? 1 : 0), 'boolean') }],
  ['Greater', { attributes: [], constants: binary((a, b) => (a > b ? 1 : 0), 'boolean') }],
  ['Less', { attributes: [], constants: binary((a, b) => (a < b ? 1 : 0), 'boolean') }],
  ['Not', { attributes: [], constants: unary((x) => (x === 0 ? 1 : 0)) }],
  ['Where', { attributes: [], constants: where }],
]);

// ---- constants --------------------------------------------------------------------------------

function unary(f: (x: number) => number): (call: Call) => Constant {
  return (call) => {
    const x = numbers(call, 0);
    call.scope.budget.allocate(call.node.name, x.data.length);
    return checked(
      call,
      constantOf(
        x.type,
        x.shape,
        x.data.map((value) => f(value)),
      ),
    );
  };
}

function binary(f: (a: number, b: number) => number, type?: EntryType): (call: Call) => Constant {
  return (call) => {
    const [a, b] = [numbers(call, 0), numbers(call, 1)];
    call.demand(a.type === b.type, `inputs must be of one type, ${a.type}`, b.type);
    return combined(call, a, b, f, type);
  };
}

function folded(f: (a: number, b: number) => number): (call: Call) => Constant {
  return (call) => {
    let result = numbers(call, 0);
    for (let k = 1; k < call.inputs.length; k++) result = combined(call, result, numbers(call, k), f);
    return result;
  };
}

/** f of two constants, broadcast; of the type of the first unless another is given. */
function combined(
  call: Call,
  a: Constant,
  b: Constant,
  f: (a: number, b: number) => number,
  type?: EntryType,
): Constant {
  const shape = commonShape(call, a.shape, b.shape);
  const data = new Float64Array(product(shape));
  const fromA = walk(shape, broadcastSteps(a.shape, shape));
  const fromB = walk(shape, broadcastSteps(b.shape, shape));
  for (let i = 0; i < data.length; i++) data[i] = f(a.data[fromA[i]!]!, b.data[fromB[i]!]!);
  return checked(call, constantOf(type ?? a.type, shape, data));
}

/** The broadcast shape of two constants, its memory taken from the budget. */
function commonShape(call: Call, a: readonly number[], b: readonly number[]): number[] {
  const shape = broadcastShape(a, b) ?? call.malformed(`inputs must broadcast to [${a.join(', ')}]`, b);
  call.scope.budget.allocate(call.node.name, 3 * product(shape));
  return shape;
}

/** Integers are held in float64, exactly up to 2^53. */
function checked(call: Call, constant: Constant): Constant {
  if (constant.type === 'integer') {
    const bad = constant.data.find((value) => !Number.isSafeInteger(value));
    if (bad !== undefined) call.refuse(`the integer ${bad}`, 'integers are computed up to 2^53');
  }
  return constant;
}

/** The exponent may be of another type than the base, which gives the type of the result. */
function power(call: Call): Constant {
  return combined(call, numbers(call, 0), numbers(call, 1), (a, b) => a ** b);
}

function quotient(call: Call): Constant {
  const [a, b] = [numbers(call, 0), numbers(call, 1)];
  if (a.type !== 'integer') return combined(call, a, b, (p, q) => p / q);
  call.demand(!b.data.includes(0), 'integers must not be divided by 0', 0);
  return combined(call, a, b, (p, q) => Math.trunc(p / q));
}

function where(call: Call): Constant {
  const [condition, a, b] = [numbers(call, 0), numbers(call, 1), numbers(call, 2)];
  call.demand(a.type === b.type, `inputs must be of one type, ${a.type}`, b.type);
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

/** Signals brought to one shape, as far as that repeats no entry. */
function oneShape(call: Call, signals: readonly Signal[]): readonly Signal[] {
  const first = signals[0]!;
  if (signals.every((s) => s.batched === first.batched && sameShape(s.shape, first.shape))) return signals;
  const shown = signals.map((s) => `[${call.dims(s).join(', ')}]`).join(' and ');
  const refuse = () => call.refuse(`shapes ${shown}`, 'tensors that are added must have one shape');
  if (call.scope.batch !== 1) return refuse();
  const plain = signals.map((s) => (s.batched ? [1, ...s.shape] : s.shape));
  let shape: readonly number[] = [];
  for (const dims of plain) shape = broadcastShape(shape, dims) ?? refuse();
  if (!plain.every((dims) => product(dims) === product(shape))) return refuse();
  return signals.map((s) => call.view(s, shape, false));
}

/** factor · x + shiftFactor · shift, the shift a constant that broadcasts. */
export function scaledAndShifted(
  call: Call,
  x: Signal,
  factor: number,
  shift: Constant,
  shiftFactor: number,
): Signal {
  return alongAxis(call, x, shift, (values) => ({
    scale: Float64Array.of(factor),
    shift: values.map((value) => shiftFactor * value),
  }));
}

function scaledBy(call: Call, x: Signal, factor: number): Signal {
  return call.emitSame({ kind: 'scale', scale: Float64Array.of(factor) }, x, OWN_FIELDS);
}

/** A Scale made from a constant that varies along at most one axis, which is brought to the front for it. */
function alongAxis(
  call: Call,
  x: Signal,
  constant: Constant,
  build: (values: Float64Array) => { scale: Float64Array; shift?: Float64Array },
): Signal {
  const rank = call.dims(x).length;
  if (constant.shape.length > rank && call.scope.batch === 1) {
    const raised = [
      ...new Array<number>(constant.shape.length - rank).fill(1),
      ...(call.dims(x) as number[]),
    ];
    return call.settled(alongAxis(call, call.view(x, raised, false), constant, build));
  }
  const broadcast = broadcastOver(call, constant, x);
  if (!broadcast) {
    const found = `a constant of shape [${constant.shape.join(', ')}] on [${call.dims(x).join(', ')}]`;
    return call.refuse(
      found,
      'constants may be scalars or vary along one axis, and must not repeat the tensor',
    );
  }
  const operator = { kind: 'scale', ...build(broadcast.values) } as const;
  const axis = broadcast.axis ?? 0;
  if (axis === 0) return call.emitSame(operator, x, OWN_FIELDS);
  const others = [...x.shape.keys()].filter((other) => other !== axis);
  const front = call.permuted(x, [axis, ...others]);
  const back = [...x.shape.keys()].map((a) => (a === axis ? 0 : others.indexOf(a) + 1));
  return call.permuted(call.emitSame(operator, front, OWN_FIELDS), back);
}

function negate(call: Call): Signal {
  return scaledBy(call, call.signal(0), -1);
}

const DATA_DEPENDENT = 'no global bound exists for a product or quotient of data';

function multiply(call: Call): Signal {
  const [a, b] = [call.value(0), call.value(1)];
  if (a.kind === 'signal' && b.kind === 'signal') return call.refuse('data by data', DATA_DEPENDENT);
  const [x, c] = a.kind === 'signal' ? [a, b as Constant] : [b as Signal, a];
  return alongAxis(call, x, c, (values) => ({ scale: values }));
}

function divide(call: Call): Signal {
  const divisor = call.value(1);
  if (divisor.kind === 'signal') return call.refuse('by data', DATA_DEPENDENT);
  call.demand(!divisor.data.includes(0), 'a divisor must not be 0', 0);
  return alongAxis(call, call.signal(0), divisor, (values) => ({ scale: values.map((value) => 1 / value) }));
}

/** Max and Min of one signal and scalars: a clip that is open on one side. */
function extreme(call: Call, bound: 'min' | 'max'): Signal {
  const signals = call.inputs.flatMap((value) => (value?.kind === 'signal' ? [value] : []));
  const constants = call.inputs.flatMap((value) => (value?.kind === 'constant' ? [value] : []));
  const x = signals[0]!;
  const rank = call.dims(x).length;
  if (signals.length > 1 || constants.some((c) => c.data.length !== 1 || c.shape.length > rank)) {
    const found = call.inputs.map((value) => `[${value ? call.dims(value).join(', ') : ''}]`).join(' and ');
    call.refuse(`of ${found}`, 'one tensor and scalars are supported');
  }
  const limits = constants.map((constant) => constant.data[0]!);
  if (bound === 'min') return clipped(call, x, Math.max(...limits), Number.POSITIVE_INFINITY);
  return clipped(call, x, Number.NEGATIVE_INFINITY, Math.min(...limits));
}
