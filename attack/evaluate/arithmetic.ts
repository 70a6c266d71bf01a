/** Arithmetic with broadcasting: typed on constants, exact on cells. */
import type { Type } from '../model/description.ts';
import type { Call } from './call.ts';
import { Exact, ONE } from './exact.ts';
import type { Operator } from './operator.ts';
import { absolute, power } from './pointwise.ts';
import { broadcast, demand, expanded, type Value } from './values.ts';

const MINUS_ONE = Exact.of(-1);

export const arithmetic: Readonly<Record<string, Operator>> = {
  Add: sum([1, 1], (a, b) => a + b),
  Sub: sum([1, -1], (a, b) => a - b),
  Sum: (call) => [call.values.map((_, k) => call.value(k)).reduce((a, b) => added(call, a, b))],
  Mean: (call) => {
    const total = call.values.map((_, k) => call.cells(k)).reduce((a, b) => added(call, a, b));
    const share = ONE.over(Exact.of(call.values.length));
    return [mapped(total, (cell) => call.builder.linear([cell], [share]))];
  },
  Mul: (call) => [multiplied(call)],
  Div: (call) => [divided(call)],
  Neg: (call) => [
    unary(
      call,
      (x) => -x,
      (cell) => call.builder.linear([cell], [MINUS_ONE]),
    ),
  ],
  Abs: (call) => [unary(call, Math.abs, (cell) => call.builder.function(cell, absolute))],
  Max: (call) => [extreme(call, 1)],
  Min: (call) => [extreme(call, -1)],
  Pow: (call) => {
    const exponent = call.constant(1);
    if (call.value(0).type !== 'cell') return [combined(call.value(0), exponent, (a, b) => a ** b)];
    const f = power(exponent.items[0]!);
    demand(exponent.items.length === 1 && [2, 3].includes(exponent.items[0]!), 'squares and cubes');
    return [mapped(call.value(0), (cell) => call.builder.function(cell, f))];
  },
  Sqrt: constants(Math.sqrt),
  Exp: constants(Math.exp),
  Log: constants(Math.log),
  Reciprocal: constants((x) => 1 / x),
  Floor: constants(Math.floor),
  Ceil: constants(Math.ceil),
  Not: constants((x) => (x ? 0 : 1)),
  Equal: comparison((a, b) => a === b),
  Greater: comparison((a, b) => a > b),
  GreaterOrEqual: comparison((a, b) => a >= b),
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),
};

/** The number that a type holds in place of an integer: higher bits are discarded. */
export function wrapped(type: Type, x: number): number {
  switch (type) {
    case 'float':
    case 'double':
    case 'float16':
      return x;
    case 'bool':
      return x ? 1 : 0;
    default:
      return wrappedInteger(type, BigInt(x));
  }
}

function wrappedInteger(type: Type, x: bigint): number {
  const width = Number(type.replace(/\D/g, ''));
  return Number(type[0] === 'u' ? BigInt.asUintN(width, x) : BigInt.asIntN(width, x));
}

export function isInteger(type: Value['type']): boolean {
  return type.includes('int');
}

export function mapped(value: Value, f: (item: number) => number): Value {
  return { ...value, items: value.items.map(f) };
}

/** f of the numbers of two constants, in the type of the first. */
function combined(a: Value, b: Value, f: (a: number, b: number) => number): Value {
  const shape = broadcast(a.shape, b.shape);
  const [p, q] = [expanded(a, shape), expanded(b, shape)];
  const type = a.type as Type;
  return { type, shape, items: p.items.map((x, k) => wrapped(type, f(x, q.items[k]!))) };
}

function unary(call: Call, f: (x: number) => number, cell: (cell: number) => number): Value {
  const x = call.value(0);
  if (x.type === 'cell') return mapped(x, cell);
  return mapped(x, (item) => wrapped(x.type as Type, f(item)));
}

/** Of numbers of float32 the result is one as well. */
function constants(f: (x: number) => number): Operator {
  return (call) => {
    const x = call.constant(0);
    return [mapped(x, x.type === 'float' ? (item) => Math.fround(f(item)) : f)];
  };
}

function comparison(f: (a: number, b: number) => boolean): Operator {
  return (call) => [
    { ...combined(call.constant(0), call.constant(1), (a, b) => Number(f(a, b))), type: 'bool' },
  ];
}

function bothCells(call: Call, a: Value, b: Value): [Value, Value] {
  const shape = broadcast(a.shape, b.shape);
  const cells = (value: Value): Value =>
    value.type === 'cell'
      ? value
      : { ...value, type: 'cell', items: value.items.map((x) => call.builder.constant(x)) };
  return [expanded(cells(a), shape), expanded(cells(b), shape)];
}

function sum(signs: readonly [number, number], constant: (a: number, b: number) => number): Operator {
  const weights = signs.map(Exact.of);
  return (call) => {
    const [a, b] = [call.value(0), call.value(1)];
    if (a.type !== 'cell' && b.type !== 'cell') return [combined(a, b, constant)];
    const [p, q] = bothCells(call, a, b);
    return [{ ...p, items: p.items.map((cell, k) => call.builder.linear([cell, q.items[k]!], weights)) }];
  };
}

function added(call: Call, a: Value, b: Value): Value {
  if (a.type !== 'cell' && b.type !== 'cell') return combined(a, b, (x, y) => x + y);
  const [p, q] = bothCells(call, a, b);
  return { ...p, items: p.items.map((cell, k) => call.builder.linear([cell, q.items[k]!], [ONE, ONE])) };
}

/** Cells times numbers. */
function timesNumbers(call: Call, x: Value, factors: readonly Exact[], shape: readonly number[]): Value {
  const cells = expanded(x, shape);
  return { ...cells, items: cells.items.map((cell, k) => call.builder.linear([cell], [factors[k]!])) };
}

function multiplied(call: Call): Value {
  const [a, b] = [call.value(0), call.value(1)];
  if (a.type !== 'cell' && b.type !== 'cell')
    // Products of two integers may need more bits than float64 has, before they wrap.
    return combined(a, b, (x, y) =>
      isInteger(a.type) ? wrappedInteger(a.type as Type, BigInt(x) * BigInt(y)) : x * y,
    );
  const shape = broadcast(a.shape, b.shape);
  if (a.type === 'cell' && b.type === 'cell') {
    const [p, q] = [expanded(a, shape), expanded(b, shape)];
    return { ...p, items: p.items.map((cell, k) => call.builder.product(cell, q.items[k]!)) };
  }
  const [x, c] = a.type === 'cell' ? [a, b] : [b, a];
  return timesNumbers(call, x, expanded(c, shape).items.map(Exact.of), shape);
}

function divided(call: Call): Value {
  const [a, b] = [call.value(0), call.constant(1)];
  if (a.type !== 'cell')
    return combined(a, b, isInteger(a.type) ? (x, y) => Math.trunc(x / y) : (x, y) => x / y);
  const shape = broadcast(a.shape, b.shape);
  const inverses = expanded(b, shape).items.map((x) => ONE.over(Exact.of(x)));
  return timesNumbers(call, a, inverses, shape);
}

/** Max (sign 1) and Min (−1) of any number of tensors. */
function extreme(call: Call, sign: 1 | -1): Value {
  const values = call.values.map((_, k) => call.value(k));
  if (values.every((value) => value.type !== 'cell'))
    return values.reduce((a, b) => combined(a, b, sign > 0 ? Math.max : Math.min));
  const shape = values.map((value) => value.shape).reduce(broadcast);
  const { builder } = call;
  const cells = values.map((_, k) => expanded(call.cells(k), shape));
  const flipped = (cell: number) => (sign > 0 ? cell : builder.linear([cell], [MINUS_ONE]));
  return {
    type: 'cell',
    shape,
    items: cells[0]!.items.map((_, k) =>
      flipped(builder.maximum(cells.map(({ items }) => flipped(items[k]!)))),
    ),
  };
}
