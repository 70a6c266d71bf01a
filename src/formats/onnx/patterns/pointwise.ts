/** Functions of one value that exporters spell out: Softsign, LogSigmoid, Softshrink, squares of bounded functions. */
import type { Elementwise } from '../../../network/elementwise/elementwise.ts';
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import { applyElementwise } from '../elementwise/reading.ts';
import type { GraphNode } from '../graph.ts';
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
  if (node?.opType !== 'Greater' && node?.opType !== 'Less') return undefined;
  const [a, b] = node.inputs as [string, string];
  const [left, right] = [scalarOf(a, around), scalarOf(b, around)];
  if (right !== undefined) return { op: node.opType, value: a, number: right };
  if (left === undefined) return undefined;
  return { op: node.opType === 'Greater' ? 'Less' : 'Greater', value: b, number: left };
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
