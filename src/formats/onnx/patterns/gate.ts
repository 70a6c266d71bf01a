/** Gated activations: SiLU, Swish, hard swish, Mish and both forms of GELU as products x · g(x). */
import type { Elementwise } from '../../../network/elementwise.ts';
import { OWN_FIELDS } from '../../../network/follows.ts';
import type { GraphNode } from '../graph.ts';
import { applyElementwise, swish } from '../operators/elementwise.ts';
import { makerOf, type Pattern, type Surroundings } from './pattern.ts';

/** A product written out: a number times values. */
interface Factors {
  readonly coefficient: number;
  readonly values: readonly string[];
}

/** A gate g(u) such that coefficient · u · g(u) is a known function. */
interface Gate {
  readonly argument: string;
  readonly coefficient: number;
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
      const ratio = factors.coefficient / gate.coefficient;
      return {
        inputs: [gate.argument],
        convert: (call) => {
          const y = applyElementwise(call, gate.function, call.signal(0));
          if (ratio === 1) return y;
          return call.emitSame({ kind: 'scale', scale: Float64Array.of(ratio) }, y, OWN_FIELDS, 'scale');
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
  const leaf = { coefficient: 1, values: [value] };
  if (depth === 0 || stops?.has(value)) return leaf;
  const node = makerOf(value, around);
  if (node?.inputs.length !== 2) return leaf;
  if (node.opType !== 'Mul' && node.opType !== 'Div') return leaf;
  const [left, right] = node.inputs.map((input): Factors | undefined => {
    if (!around.constant(input)) return factorsOf(input, around, stops, depth - 1);
    const number = scalar(input, around);
    return number === undefined ? undefined : { coefficient: number, values: [] };
  });
  if (!left || !right || (node.opType === 'Div' && right.values.length > 0)) return leaf;
  const factor = node.opType === 'Div' ? 1 / right.coefficient : right.coefficient;
  return { coefficient: left.coefficient * factor, values: [...left.values, ...right.values] };
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
      const alpha = node.attributes.float('alpha', Math.fround(0.2));
      const beta = node.attributes.float('beta', 0.5);
      if (!close(alpha, 1 / 6) || beta !== 0.5) return [];
      return [{ argument: input, coefficient: 1, function: { name: 'hard-swish' } }];
    }
    case 'Clip':
      return relu6Gate(node, around);
    case 'Tanh': {
      const inner = makerOf(input, around);
      if (inner?.opType !== 'Softplus') return [];
      return [{ argument: inner.inputs[0]!, coefficient: 1, function: { name: 'mish' } }];
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
  const plain: Gate = { argument: input, coefficient: 1, function: swish(1) };
  const { coefficient, values } = factorsOf(input, around, undefined, 1);
  if (values.length !== 1 || values[0] === input) return [plain];
  return [plain, { argument: values[0]!, coefficient: 1, function: swish(coefficient) }];
}

/** u · ReLU6(u + 3) / 6 */
function relu6Gate(node: GraphNode, around: Surroundings): Gate[] {
  const asInputs = node.opset >= 11;
  const bound = (index: number, name: string) =>
    asInputs ? scalar(node.inputs[index] ?? '', around) : node.attributes.float(name, undefined);
  if (bound(1, 'min') !== 0 || bound(2, 'max') !== 6) return [];
  const argument = plusNumber(node.inputs[0]!, around, 3);
  return argument === undefined ? [] : [{ argument, coefficient: 1 / 6, function: { name: 'hard-swish' } }];
}

/** ½ u (1 + erf(u / √2)) */
function erfGate(input: string, around: Surroundings): Gate[] {
  const { coefficient, values } = factorsOf(input, around, undefined, 1);
  if (values.length !== 1 || !close(coefficient, Math.SQRT1_2)) return [];
  return [{ argument: values[0]!, coefficient: 0.5, function: { name: 'gelu' } }];
}

/** ½ u (1 + tanh(√(2/π) (u + 0.044715 u³))) */
function tanhGate(input: string, around: Surroundings): Gate[] {
  const { coefficient, values } = factorsOf(input, around, undefined, 1);
  if (values.length !== 1 || !close(coefficient, Math.sqrt(2 / Math.PI))) return [];
  const sum = makerOf(values[0]!, around);
  if (sum?.opType !== 'Add') return [];
  const [a, b] = sum.inputs as [string, string];
  for (const [argument, cubic] of [
    [a, b],
    [b, a],
  ] as const) {
    const stops = new Set([argument]);
    const product = cubeExpanded(factorsOf(cubic, around, stops, DEEPEST_PRODUCT), around);
    const isCube = product.values.length === 3 && product.values.every((value) => value === argument);
    if (isCube && close(product.coefficient, 0.044715)) {
      return [{ argument, coefficient: 0.5, function: { name: 'gelu-tanh' } }];
    }
  }
  return [];
}

/** Pow(u, 3) and Pow(u, 2) written as products. */
function cubeExpanded({ coefficient, values }: Factors, around: Surroundings): Factors {
  const expanded = values.flatMap((value) => {
    const node = makerOf(value, around);
    const exponent = node?.opType === 'Pow' ? scalar(node.inputs[1] ?? '', around) : undefined;
    return exponent === 2 || exponent === 3 ? new Array<string>(exponent).fill(node!.inputs[0]!) : [value];
  });
  return { coefficient, values: expanded };
}

/** The value to which an Add adds the given number. */
function plusNumber(value: string, around: Surroundings, number: number): string | undefined {
  const node = makerOf(value, around);
  if (node?.opType !== 'Add') return undefined;
  const [a, b] = node.inputs as [string, string];
  if (scalar(b, around) === number) return a;
  if (scalar(a, around) === number) return b;
  return undefined;
}

/** A constant of one entry, which leaves shapes alone. */
function scalar(name: string, around: Surroundings): number | undefined {
  const constant = around.constant(name);
  if (constant?.type !== 'float' || constant.data.length !== 1) return undefined;
  return constant.shape.length <= 1 ? constant.data[0] : undefined;
}

/**
 * Equal to the accuracy with which float32 holds the number that is meant. What it forgives moves slopes by no
 * more than the rounding of the network's own arithmetic.
 */
function close(value: number, meant: number): boolean {
  return Math.abs(value - meant) <= 2 ** -22 * Math.abs(meant);
}
