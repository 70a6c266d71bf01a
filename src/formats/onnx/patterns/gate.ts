/** Gated activations: SiLU, Swish, hard swish, Mish and both forms of GELU as products x · g(x). */

import type { Elementwise } from '../../../network/elementwise/elementwise.ts';
import { isTanhGelu } from '../../../network/elementwise/gelu.ts';
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import { applyElementwise, swish } from '../elementwise/reading.ts';
import type { GraphNode } from '../graph.ts';
import { makerOf, type Pattern, type Surroundings, scalarOf } from './pattern.ts';
import { ONE, outward, over, type Quotient, rounded, times } from './quotient.ts';

/** A product written out: numbers times values. */
interface Factors {
  readonly quotient: Quotient;
  readonly values: readonly string[];
}

/** A gate g(u) such that quotient · u · g(u) is a known function. */
interface Gate {
  readonly argument: string;
  readonly quotient: Quotient;
  readonly function: Elementwise;
}

/** How many nodes a product may be spread over. */
const DEEPEST_PRODUCT = 6;

/**
 * A product of some u and a gate g(u), the factors in any order, constants anywhere between them.
 * @param node a Mul or a Div
 */
export function matchGate(node: GraphNode, around: Surroundings): Pattern | undefined {
  const whole = factorsOf(node.outputs[0] ?? '', around, undefined, DEEPEST_PRODUCT);
  for (const value of whole.values) {
    for (const gate of gatesMadeBy(value, around)) {
      const factors = factorsOf(node.outputs[0]!, around, new Set([gate.argument, value]), DEEPEST_PRODUCT);
      const [a, b, ...more] = factors.values;
      const product = (a === value && b === gate.argument) || (b === value && a === gate.argument);
      if (!product || more.length > 0) continue;
      // The slopes of every gate lie on both sides of 0, so a larger factor never loses one.
      const factor = outward(over(factors.quotient, gate.quotient));
      if (factor === undefined) continue;
      return {
        inputs: [gate.argument],
        convert: (call) => {
          const y = applyElementwise(call, gate.function, call.signal(0));
          if (factor === 1) return y;
          return call.emitSame({ kind: 'scale', scale: Float64Array.of(factor) }, y, OWN_FIELDS, 'scale');
        },
      };
    }
  }
  return undefined;
}

/** The product that makes a value, followed through Mul and Div by numbers as far as `stops`. */
function factorsOf(
  value: string,
  around: Surroundings,
  stops: ReadonlySet<string> | undefined,
  depth: number,
): Factors {
  const leaf = { quotient: ONE, values: [value] };
  if (depth === 0 || stops?.has(value)) return leaf;
  const node = makerOf(value, around);
  if (node?.opType !== 'Mul' && node?.opType !== 'Div') return leaf;
  const [left, right] = node.inputs.map((input): Factors | undefined => {
    if (!around.constant(input)) return factorsOf(input, around, stops, depth - 1);
    const number = scalarOf(input, around);
    return number === undefined ? undefined : { quotient: { over: [number], under: [] }, values: [] };
  });
  if (!left || !right || (node.opType === 'Div' && right.values.length > 0)) return leaf;
  const quotient = (node.opType === 'Div' ? over : times)(left.quotient, right.quotient);
  return { quotient, values: [...left.values, ...right.values] };
}

/** The gates that a value may be. */
function gatesMadeBy(value: string, around: Surroundings): Gate[] {
  const node = makerOf(value, around);
  const input = node?.inputs[0];
  if (!node || input === undefined) return [];
  switch (node.opType) {
    case 'Sigmoid':
      return sigmoidGates(input, around);
    case 'HardSigmoid': {
      const rate = node.attributes.float('alpha', Math.fround(0.2));
      if (node.attributes.float('beta', 0.5) !== 0.5 || !Number.isFinite(rate)) return [];
      return [{ argument: input, quotient: ONE, function: { name: 'hard-swish', rate } }];
    }
    case 'Clip':
      return relu6Gate(node, around);
    case 'Tanh': {
      const inner = makerOf(input, around);
      if (inner?.opType !== 'Softplus') return [];
      return [{ argument: inner.inputs[0]!, quotient: ONE, function: { name: 'mish' } }];
    }
    case 'Add': {
      const shifted = plusNumber(value, around, 1);
      const inner = shifted === undefined ? undefined : makerOf(shifted, around);
      if (inner?.opType === 'Erf') return erfGate(inner.inputs[0]!, around);
      if (inner?.opType === 'Tanh') return tanhGate(inner.inputs[0]!, around);
      return [];
    }
    default:
      return [];
  }
}

/** u · σ(u), or u · σ(β u). */
function sigmoidGates(input: string, around: Surroundings): Gate[] {
  const plain: Gate = { argument: input, quotient: ONE, function: swish(1) };
  const inner = multipleOf(input, around);
  return inner
    ? [plain, { argument: inner.argument, quotient: ONE, function: swish(inner.factor) }]
    : [plain];
}

/** u · ReLU6(u + 3) / 6 */
function relu6Gate(node: GraphNode, around: Surroundings): Gate[] {
  const asInputs = node.opset >= 11;
  const bound = (index: number, name: string) =>
    asInputs ? scalarOf(node.inputs[index] ?? '', around) : node.attributes.float(name, undefined);
  if (bound(1, 'min') !== 0 || bound(2, 'max') !== 6) return [];
  const argument = plusNumber(node.inputs[0]!, around, 3);
  const quotient = { over: [], under: [6] };
  return argument === undefined ? [] : [{ argument, quotient, function: { name: 'hard-swish' } }];
}

const HALF: Quotient = { over: [0.5], under: [] };

/** ½ u (1 + erf(r u)); the usual r is 1/√2, and the slopes are the same for all. */
function erfGate(input: string, around: Surroundings): Gate[] {
  const inner = multipleOf(input, around);
  if (!inner) return [];
  return [{ argument: inner.argument, quotient: HALF, function: { name: 'gelu', rate: inner.factor } }];
}

/** ½ u (1 + tanh(k (u + c u³))) with k and c near √(2/π) and 0.044715; the slopes are those for these k and c. */
function tanhGate(input: string, around: Surroundings): Gate[] {
  const outer = multipleOf(input, around);
  const sum = outer && makerOf(outer.argument, around);
  if (sum?.opType !== 'Add') return [];
  const [a, b] = sum.inputs as [string, string];
  for (const [argument, cubic] of [
    [a, b],
    [b, a],
  ] as const) {
    const stops = new Set([argument]);
    const product = cubeExpanded(factorsOf(cubic, around, stops, DEEPEST_PRODUCT), around);
    const isCube = product.values.length === 3 && product.values.every((value) => value === argument);
    const constants = { rate: outer!.factor, cubic: rounded(product.quotient) ?? 0 };
    if (isCube && isTanhGelu(constants)) {
      return [{ argument, quotient: HALF, function: { name: 'gelu-tanh', constants } }];
    }
  }
  return [];
}

/** A value that is a number times another, one node before. */
function multipleOf(value: string, around: Surroundings): { argument: string; factor: number } | undefined {
  const { quotient, values } = factorsOf(value, around, undefined, 1);
  const factor = rounded(quotient);
  return values.length === 1 && values[0] !== value && factor !== undefined
    ? { argument: values[0]!, factor }
    : undefined;
}

/** Pow(u, 3) and Pow(u, 2) written as products. */
function cubeExpanded({ quotient, values }: Factors, around: Surroundings): Factors {
  const expanded = values.flatMap((value) => {
    const node = makerOf(value, around);
    const exponent = node?.opType === 'Pow' ? scalarOf(node.inputs[1] ?? '', around) : undefined;
    return exponent === 2 || exponent === 3 ? new Array<string>(exponent).fill(node!.inputs[0]!) : [value];
  });
  return { quotient, values: expanded };
}

/** The value to which an Add adds the given number. */
function plusNumber(value: string, around: Surroundings, number: number): string | undefined {
  const node = makerOf(value, around);
  if (node?.opType !== 'Add') return undefined;
  const [a, b] = node.inputs as [string, string];
  if (scalarOf(b, around) === number) return a;
  if (scalarOf(a, around) === number) return b;
  return undefined;
}
