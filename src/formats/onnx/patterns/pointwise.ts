/** Functions of one value that exporters spell out: Softsign, LogSigmoid, Softshrink, squares of bounded functions, functions of squares. */
import type { Elementwise } from '../../../network/elementwise/elementwise.ts';
import { MOST_FLOOR } from '../../../network/elementwise/square.ts';
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import { applyElementwise } from '../elementwise/reading.ts';
import type { GraphNode } from '../graph.ts';
import { comparesGreater } from './chosen.ts';
import { makerOf, type Pattern, type Surroundings, scalarOf, squared } from './pattern.ts';

/** x / (1 + |x|). @param node a Div */
export function matchSoftsign(node: GraphNode, around: Surroundings): Pattern | undefined {
  const [x, below] = node.inputs as [string, string];
  const sum = makerOf(below, around);
  if (sum?.opType !== 'Add') return undefined;
  const [a, b] = sum.inputs as [string, string];
  const modulus = scalarOf(b, around) === 1 ? a : scalarOf(a, around) === 1 ? b : undefined;
  const abs = modulus === undefined ? undefined : makerOf(modulus, around);
  return abs?.opType === 'Abs' && abs.inputs[0] === x ? applied(x, { name: 'softsign' }) : undefined;
}

/** The logarithm of a sigmoid, −softplus(−x). @param node a Log */
export function matchLogSigmoid(node: GraphNode, around: Surroundings): Pattern | undefined {
  const inner = makerOf(node.inputs[0]!, around);
  if (inner?.opType !== 'Sigmoid') return undefined;
  const minus = { kind: 'scale', scale: Float64Array.of(-1) } as const;
  return {
    inputs: [inner.inputs[0]!],
    convert: (call) => {
      const turned = call.emitSame(minus, call.signal(0), OWN_FIELDS, 'negative');
      return call.emitSame(minus, applyElementwise(call, { name: 'softplus' }, turned), OWN_FIELDS, 'turned');
    },
  };
}

/** ln(1 + e^x). @param node a Log */
export function matchSoftplus(node: GraphNode, around: Surroundings): Pattern | undefined {
  const exponent = onePlusExponential(node.inputs[0]!, around);
  return exponent === undefined ? undefined : applied(exponent, { name: 'softplus' });
}

/** 1 / (1 + e^−x). @param node a Div or a Reciprocal */
export function matchSigmoid(node: GraphNode, around: Surroundings): Pattern | undefined {
  const [first, second] = node.inputs as [string, string];
  if (node.opType === 'Div' && scalarOf(first, around) !== 1) return undefined;
  const exponent = onePlusExponential(node.opType === 'Div' ? second : first, around);
  const negative = exponent === undefined ? undefined : makerOf(exponent, around);
  return negative?.opType === 'Neg' ? applied(negative.inputs[0]!, { name: 'sigmoid' }) : undefined;
}

/** v where a value is 1 + e^v. */
function onePlusExponential(value: string, around: Surroundings): string | undefined {
  const sum = makerOf(value, around);
  if (sum?.opType !== 'Add') return undefined;
  const [a, b] = sum.inputs as [string, string];
  const power = scalarOf(b, around) === 1 ? a : scalarOf(a, around) === 1 ? b : undefined;
  const node = power === undefined ? undefined : makerOf(power, around);
  return node?.opType === 'Exp' ? node.inputs[0] : undefined;
}

/** x above 0, and below it 0, a multiple of x, or one of e^x − 1. @param node a Where */
export function matchHinge(node: GraphNode, around: Surroundings): Pattern | undefined {
  const [condition, first, second] = node.inputs as [string, string, string];
  const found = comparison(condition, around);
  if (found?.number !== 0) return undefined;
  const { value, op } = found;
  const [above, below] = op === 'Greater' ? [first, second] : [second, first];
  if (above !== value) return undefined;
  if (scalarOf(below, around) === 0) return applied(value, { name: 'relu' });
  const [factor, rest] = multipleOf(below, around);
  if (rest === value) return applied(value, { name: 'leaky-relu', slope: factor });
  const power = makerOf(rest, around);
  const [exponential, one] = power?.opType === 'Sub' ? power.inputs : [];
  if (one === undefined || scalarOf(one, around) !== 1) return undefined;
  const inner = makerOf(exponential!, around);
  return inner?.opType === 'Exp' && inner.inputs[0] === value
    ? applied(value, { name: 'elu', alpha: factor })
    : undefined;
}

/** A value as a number times another. */
function multipleOf(name: string, around: Surroundings): readonly [factor: number, of: string] {
  const node = makerOf(name, around);
  if (node?.opType !== 'Mul') return [1, name];
  const [a, b] = node.inputs as [string, string];
  const [left, right] = [scalarOf(a, around), scalarOf(b, around)];
  return right !== undefined ? [right, a] : left !== undefined ? [left, b] : [1, name];
}

const SQUARES: ReadonlyMap<string, Elementwise> = new Map([
  ['Tanh', { name: 'tanh-square' }],
  ['Sigmoid', { name: 'sigmoid-square' }],
]);

/** φ(x) · φ(x) for a φ between two levels. @param node a Mul or a Pow */
export function matchSquare(node: GraphNode, around: Surroundings): Pattern | undefined {
  const value = squared(node.outputs[0] ?? '', around);
  const inner = value === undefined ? undefined : makerOf(value, around);
  const f = inner && SQUARES.get(inner.opType);
  return f && applied(inner.inputs[0]!, f);
}

/** e^(−r x²), r a number however it is multiplied by. @param node an Exp */
export function matchGaussian(node: GraphNode, around: Surroundings): Pattern | undefined {
  let [name, factor] = [node.inputs[0]!, 1];
  for (let depth = 0; depth < MOST_FACTORS; depth++) {
    // Below these roundings are no longer a share of the number.
    if (Math.abs(factor) < LEAST_NORMAL) return undefined;
    const value = squared(name, around);
    if (value !== undefined) {
      const rate = -factor;
      return rate > 0 && rate < Infinity ? applied(value, { name: 'gaussian', rate }) : undefined;
    }
    const inner = makerOf(name, around);
    const [a, b] = inner?.inputs ?? [];
    switch (inner?.opType) {
      case 'Neg':
        [name, factor] = [a!, -factor];
        break;
      case 'Div': {
        const divisor = scalarOf(b!, around);
        if (divisor === undefined) return undefined;
        [name, factor] = [a!, factor / divisor];
        break;
      }
      case 'Mul': {
        const [times, rest] = multipleOf(name, around);
        if (rest === name) return undefined;
        [name, factor] = [rest, factor * times];
        break;
      }
      default:
        return undefined;
    }
  }
  return undefined;
}

/** Numbers that a square is multiplied by, one after the other. */
const MOST_FACTORS = 4;

/** The least float64 of full precision. */
const LEAST_NORMAL = 2 ** -1022;

/** √(x² + b). @param node a Sqrt or a Pow */
export function matchSmoothModulus(node: GraphNode, around: Surroundings): Pattern | undefined {
  if (node.opType === 'Pow' && scalarOf(node.inputs[1] ?? '', around) !== 0.5) return undefined;
  const sum = makerOf(node.inputs[0]!, around);
  if (sum?.opType !== 'Add') return undefined;
  const [a, b] = sum.inputs as [string, string];
  for (const [square, number] of [
    [a, b],
    [b, a],
  ] as const) {
    const [value, floor] = [squared(square, around), scalarOf(number, around)];
    if (value !== undefined && floor !== undefined && floor > 0 && floor <= MOST_FLOOR) {
      return applied(value, { name: 'smooth-modulus', floor });
    }
  }
  return undefined;
}

/** x − λ above λ, x + λ below −λ, 0 between, in nested Wheres. @param node a Where */
export function matchSoftShrink(node: GraphNode, around: Surroundings): Pattern | undefined {
  const [over, above, rest] = node.inputs as [string, string, string];
  const inner = makerOf(rest, around);
  if (inner?.opType !== 'Where') return undefined;
  const [under, below, zero] = inner.inputs as [string, string, string];
  const [high, low] = [comparison(over, around), comparison(under, around)];
  if (high?.op !== 'Greater' || low?.op !== 'Less' || high.value !== low.value) return undefined;
  const threshold = high.number;
  const fits =
    threshold > 0 &&
    low.number === -threshold &&
    shift(above, high.value, around) === -threshold &&
    shift(below, high.value, around) === threshold &&
    scalarOf(zero, around) === 0;
  return fits ? applied(high.value, { name: 'soft-shrink', threshold }) : undefined;
}

function applied(value: string, f: Elementwise): Pattern {
  return { inputs: [value], convert: (call) => applyElementwise(call, f, call.signal(0)) };
}

/** A value compared with a number, turned so that it comes first. */
function comparison(
  name: string,
  around: Surroundings,
): { readonly op: 'Greater' | 'Less'; readonly value: string; readonly number: number } | undefined {
  const node = makerOf(name, around);
  // Where functions are continuous it is the same which of them takes what is equal.
  const greater = node && comparesGreater(node.opType);
  if (greater === undefined) return undefined;
  const [a, b] = node!.inputs as [string, string];
  const [left, right] = [scalarOf(a, around), scalarOf(b, around)];
  if (right !== undefined) return { op: greater ? 'Greater' : 'Less', value: a, number: right };
  return left === undefined ? undefined : { op: greater ? 'Less' : 'Greater', value: b, number: left };
}

/** The number that is added to `value` to make another. */
function shift(name: string, value: string, around: Surroundings): number | undefined {
  const node = makerOf(name, around);
  const [a, b] = node?.inputs ?? [];
  if (node?.opType === 'Add') {
    const number = a === value ? scalarOf(b!, around) : b === value ? scalarOf(a!, around) : undefined;
    return number;
  }
  if (node?.opType !== 'Sub' || a !== value) return undefined;
  const number = scalarOf(b!, around);
  return number === undefined ? undefined : -number;
}
