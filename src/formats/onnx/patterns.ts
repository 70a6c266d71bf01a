/**
 * Functions that exporters spell out in several nodes, found by what they compute: gated activations
 * x · g(x) and circular padding as slices that are joined.
 */
import type { Elementwise } from '../../network/elementwise.ts';
import { everyAxis } from '../../network/size.ts';
import type { Call, Signal } from './call.ts';
import type { Constant } from './constant.ts';
import type { GraphNode, Producers } from './graph.ts';
import { applyElementwise, swish } from './operators/elementwise.ts';

/** What the matchers know: who makes a value, and which values are constants. */
export interface Surroundings {
  readonly producers: Producers;
  readonly constant: (name: string) => Constant | undefined;
}

/** Several nodes read as one operator. */
export interface Pattern {
  /** The values it reads, in place of those of its last node. */
  readonly inputs: readonly string[];
  readonly convert: (call: Call) => Signal;
}

/** The pattern whose last node is `node`, if it is one. */
export function matchPattern(node: GraphNode, around: Surroundings): Pattern | undefined {
  if (node.domain !== '') return undefined;
  if (node.opType === 'Mul' || node.opType === 'Div') return matchGate(node, around);
  if (node.opType === 'Concat') return matchCircularPadding(node, around);
  return undefined;
}

// ---- gates ------------------------------------------------------------------------------------

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

function matchGate(node: GraphNode, around: Surroundings): Pattern | undefined {
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
          return call.emitSame({ kind: 'scale', scale: Float64Array.of(ratio) }, y, 'scale');
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
  const node = around.producers.get(value);
  if (node?.domain !== '' || node.inputs.length !== 2) return leaf;
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
  const node = around.producers.get(value);
  if (node?.domain !== '') return [];
  const [input] = node.inputs;
  if (input === undefined) return [];
  const from = (name: string) => {
    const producer = around.producers.get(name);
    return producer?.domain === '' ? producer : undefined;
  };
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
      const inner = from(input);
      if (inner?.opType !== 'Softplus') return [];
      return [{ argument: inner.inputs[0]!, coefficient: 1, function: { name: 'mish' } }];
    }
    case 'Add': {
      const shifted = plusNumber(value, around, 1);
      const inner = shifted === undefined ? undefined : from(shifted);
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
  const sum = around.producers.get(values[0]!);
  if (sum?.domain !== '' || sum.opType !== 'Add') return [];
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
    const node = around.producers.get(value);
    const exponent = node?.domain === '' && node.opType === 'Pow' ? scalar(node.inputs[1] ?? '', around) : undefined;
    return exponent === 2 || exponent === 3 ? new Array<string>(exponent).fill(node!.inputs[0]!) : [value];
  });
  return { coefficient, values: expanded };
}

/** The value to which an Add adds the given number. */
function plusNumber(value: string, around: Surroundings, number: number): string | undefined {
  const node = around.producers.get(value);
  if (node?.domain !== '' || node.opType !== 'Add') return undefined;
  const [a, b] = node.inputs as [string, string];
  if (scalar(b, around) === number) return a;
  if (scalar(a, around) === number) return b;
  return undefined;
}

/** A constant of one entry, which leaves shapes alone. */
function scalar(name: string, around: Surroundings): number | undefined {
  const constant = around.constant(name);
  if (!constant || constant.type !== 'float' || constant.data.length !== 1) return undefined;
  return constant.shape.length <= 1 ? constant.data[0] : undefined;
}

/**
 * Equal to the accuracy with which float32 holds the number that is meant. What it forgives moves slopes by no
 * more than the rounding of the network's own arithmetic.
 */
function close(value: number, meant: number): boolean {
  return Math.abs(value - meant) <= 2 ** -22 * Math.abs(meant);
}

// ---- circular padding -------------------------------------------------------------------------

interface CircularPadding {
  readonly input: string;
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

/** Concat(last samples of x, x, first samples of x) along a spatial axis; one such node per axis. */
function matchCircularPadding(node: GraphNode, around: Surroundings): Pattern | undefined {
  const steps: CircularPadding[] = [];
  for (let at: GraphNode | undefined = node; at; at = around.producers.get(steps.at(-1)!.input)) {
    const step = at.domain === '' ? circularStep(at, around) : undefined;
    if (!step || steps.some(({ axis }) => axis === step.axis)) break;
    steps.push(step);
  }
  const innermost = steps.at(-1);
  if (!innermost) return undefined;
  return {
    inputs: [innermost.input],
    convert: (call) => {
      const x = call.image(0);
      const before = everyAxis(x.shape.length - 1, 0);
      const after = everyAxis(x.shape.length - 1, 0);
      for (const step of steps) {
        const axis = step.axis - 2;
        const side = x.shape[axis + 1] ?? call.malformed('axes must be those of the input', step.axis);
        call.demand(step.before <= side && step.after <= side, `slices must be at most ${side} long`, [step.before, step.after]);
        before[axis] = step.before;
        after[axis] = step.after;
      }
      return call.emit({ kind: 'pad', padding: { mode: 'circular', before, after } }, [x]);
    },
  };
}

function circularStep(node: GraphNode, around: Surroundings): CircularPadding | undefined {
  const axis = node.attributes.integer('axis', undefined);
  if (node.opType !== 'Concat' || axis === undefined || axis < 2 || node.inputs.length < 2) return undefined;
  const slices = node.inputs.map((name) => sliceOf(name, axis, around));
  const middle = node.inputs.findIndex((name) => slices.every((slice) => !slice || slice.input === name));
  const input = node.inputs[middle];
  if (input === undefined || middle > 1 || node.inputs.length > middle + 2) return undefined;
  if (slices.some((slice, k) => (k === middle ? false : !slice))) return undefined;
  const first = middle === 1 ? slices[0]! : undefined;
  const last = slices[middle + 1];
  const before = first ? -first.start : 0;
  const toEnd = !first || (before > 0 && first.end >= 2 ** 31 - 1);
  const fromStart = !last || (last.start === 0 && last.end > 0 && last.end < 2 ** 31 - 1);
  if (!toEnd || !fromStart) return undefined;
  return { input, axis, before, after: last ? last.end : 0 };
}

/** A Slice of step 1 along one axis, as the file states it. */
function sliceOf(
  name: string,
  axis: number,
  around: Surroundings,
): { input: string; start: number; end: number } | undefined {
  const node = around.producers.get(name);
  if (node?.domain !== '' || node.opType !== 'Slice') return undefined;
  const list = (attribute: string, index: number) =>
    node.opset < 10
      ? node.attributes.integers(attribute)
      : [...(around.constant(node.inputs[index] ?? '')?.data ?? [])];
  const [starts, ends, axes] = [list('starts', 1), list('ends', 2), list('axes', 3)];
  const steps = node.inputs[4] ? list('steps', 4) : [1];
  const alone = [starts, ends, axes, steps].every((values) => values?.length === 1);
  if (!alone || axes![0] !== axis || steps![0] !== 1) return undefined;
  return { input: node.inputs[0]!, start: starts![0]!, end: ends![0]! };
}
