/** Division by a length of the data that an epsilon keeps from 0, as exporters spell it out: layer, root-mean-square and ℓ2 normalisation. */
import type { GroupFunction } from '../../../network/groups/table.ts';
import { product } from '../../../network/size.ts';
import type { Call } from '../call.ts';
import type { GraphNode } from '../graph.ts';
import { scaledAndShifted, times } from '../operators/arithmetic.ts';
import { alongAxes, normalized, sampleAxes } from '../operators/groups/along.ts';
import { reducedOver } from '../operators/reduction.ts';
import { makerOf, type Pattern, type Surroundings, scalarOf, squared } from './pattern.ts';

/** What the squares of `value` are added up to, along `axes` (undefined: all), or their mean. */
interface Squares {
  readonly value: string;
  /** Whether the squares are those of what is left of it beside its mean, mean x² − (mean x)². */
  readonly centred?: true;
  readonly axes: readonly number[] | undefined;
  readonly mean: boolean;
}

/** What is divided by. */
interface Divisor extends Squares {
  readonly form: 'root' | 'sum' | 'most';
  readonly floor: number;
  /** The shape that it is expanded to. */
  readonly shape?: string;
}

/**
 * u / s, s a length of u: √(mean u² + ε), √(mean u²) + ε, max(‖u‖, ε) and the like; u itself, or what is left of x beside its mean.
 * @param node a Div or a Mul
 */
export function matchNormalization(node: GraphNode, around: Surroundings): Pattern | undefined {
  const [left, right] = node.inputs as [string, string];
  const pairs =
    node.opType === 'Div'
      ? [[left, divisorOf(right, around)] as const]
      : [[left, reciprocalOf(right, around)] as const, [right, reciprocalOf(left, around)] as const];
  for (const [value, divisor] of pairs) {
    if (!divisor) continue;
    const { axes, mean, form, floor, shape } = divisor;
    const whole = centredFrom(value, axes, around);
    if (divisor.value !== (divisor.centred ? whole : value)) continue;
    return {
      inputs: [whole ?? value, ...(shape === undefined ? [] : [shape])],
      convert: (call) => {
        const input = call.signal(0);
        const rank = call.dims(input).length;
        if (shape !== undefined) checkExpanded(call);
        const all = axes ? call.axes(axes, rank) : [...Array(rank).keys()];
        const [x, own] = sampleAxes(call, input, all);
        const rate = mean ? 1 / product(own.map((axis) => x.shape[axis]!)) : 1;
        return call.settled(normalized(call, x, own, whole !== undefined, { form, rate, floor }));
      },
    };
  }
  return undefined;
}

/**
 * x R + (β − m R), R = γ / √(mean (x − m)² + ε) and m the mean, as Keras has it.
 * @param node an Add
 */
export function matchShiftedNormalization(node: GraphNode, around: Surroundings): Pattern | undefined {
  for (const [scaled, shift] of [node.inputs, [...node.inputs].reverse()] as [string, string][]) {
    const rest = makerOf(shift, around);
    if (rest?.opType !== 'Sub' || !around.constant(rest.inputs[0]!)) continue;
    const [ofValue, ofMean] = [makerOf(scaled, around), makerOf(rest.inputs[1]!, around)];
    if (ofValue?.opType !== 'Mul' || ofMean?.opType !== 'Mul') continue;
    const factor = ofValue.inputs.find((input) => ofMean.inputs.includes(input));
    if (factor === undefined) continue;
    const [x, m] = [ofValue, ofMean].map(({ inputs }) => inputs[inputs[0] === factor ? 1 : 0]!);
    const made = makerOf(factor, around);
    const gamma = made?.opType === 'Mul' ? made.inputs.find((input) => around.constant(input)) : undefined;
    const root = gamma === undefined ? factor : made!.inputs[made!.inputs[0] === gamma ? 1 : 0]!;
    const divisor = reciprocalOf(root, around);
    if (divisor?.form !== 'root' || !divisor.mean || divisor.centred || divisor.shape !== undefined) continue;
    const { axes, floor } = divisor;
    const [left, right] = makerOf(divisor.value, around)?.inputs ?? [];
    if (left !== x || right !== m || centredFrom(divisor.value, axes, around) !== x) continue;
    return {
      inputs: [x!, rest.inputs[0]!, ...(gamma === undefined ? [] : [gamma])],
      convert: (call) => {
        const input = call.signal(0);
        const rank = call.dims(input).length;
        const [own, along] = sampleAxes(call, input, axes ? call.axes(axes, rank) : [...Array(rank).keys()]);
        const rate = 1 / product(along.map((axis) => own.shape[axis]!));
        const y = call.settled(normalized(call, own, along, true, { form: 'root', rate, floor }));
        const stretched = gamma === undefined ? y : times(call, y, call.requiredConstant(2));
        return scaledAndShifted(call, stretched, 1, call.requiredConstant(1), 1);
      },
    };
  }
  return undefined;
}

/**
 * 1 / √(mean u² + ε) by itself, u = x or what is left of x beside its mean.
 * @param node a Reciprocal, a Div or a Pow
 */
export function matchInverseRoot(node: GraphNode, around: Surroundings): Pattern | undefined {
  const divisor = reciprocalOf(node.outputs[0]!, around);
  if (divisor?.form !== 'root' || divisor.shape !== undefined) return undefined;
  const { axes, mean, floor } = divisor;
  const whole = centredFrom(divisor.value, axes, around);
  const value = divisor.centred ? divisor.value : (whole ?? divisor.value);
  const centred = divisor.centred === true || whole !== undefined;
  return {
    inputs: [value],
    convert: (call) => {
      const input = call.signal(0);
      const all = axes ? call.axes(axes, call.dims(input).length) : [...call.dims(input).keys()];
      return reducedOver(call, input, all, true, (_, x, own) => {
        const rate = mean ? 1 / product(own.map((axis) => x.shape[axis]!)) : 1;
        return alongAxes(call, x, own, { name: 'inverse-root', centred, rate, floor });
      });
    },
  };
}

/** An Expand in front of the division must leave the sample as it is. */
function checkExpanded(call: Call): void {
  const dims = call.dims(call.value(0));
  const { data, batch } = call.requiredConstant(1);
  const first = dims.length - data.length;
  const fits =
    first >= 0 &&
    dims
      .slice(first)
      .every((side, k) =>
        side === 'batch' ? batch?.has(k) || data[k] === 1 : data[k] === side || data[k] === 1,
      );
  if (!fits)
    call.refuse('by a length that is repeated', 'the divisor must have the shape of what is divided');
}

/** 1/s as Reciprocal(s), Div(1, s) or Pow(m, −½). */
function reciprocalOf(value: string, around: Surroundings): Divisor | undefined {
  const node = makerOf(value, around);
  const [a, b] = node?.inputs ?? [];
  switch (node?.opType) {
    case 'Reciprocal':
      return divisorOf(a!, around);
    case 'Div':
      return scalarOf(a!, around) === 1 ? divisorOf(b!, around) : undefined;
    case 'Pow':
      return scalarOf(b!, around) === -0.5 ? rootOf(a!, around) : undefined;
    default:
      return undefined;
  }
}

function divisorOf(value: string, around: Surroundings): Divisor | undefined {
  const node = makerOf(value, around);
  const [a, b] = node?.inputs ?? [];
  switch (node?.opType) {
    case 'Expand': {
      const inner = divisorOf(a!, around);
      return inner && inner.shape === undefined ? { ...inner, shape: b! } : undefined;
    }
    case 'Sqrt':
      return rootOf(a!, around);
    case 'Pow':
      return scalarOf(b!, around) === 0.5 ? rootOf(a!, around) : undefined;
    default: {
      const kept = keptFromZero(value, around, lengthOf);
      return kept && { ...kept.of, form: kept.added ? 'sum' : 'most', floor: kept.floor };
    }
  }
}

/** √(m + ε), √max(m, ε) */
function rootOf(value: string, around: Surroundings): Divisor | undefined {
  const kept = keptFromZero(value, around, squaresOf);
  if (!kept) return undefined;
  // A floor that is too low is on the safe side.
  if (!kept.added) return { ...kept.of, form: 'most', floor: Math.sqrt(kept.floor) * (1 - 2 ** -50) };
  return { ...kept.of, form: 'root', floor: kept.floor };
}

/** Something plus a positive number, or the larger of both. */
function keptFromZero(
  value: string,
  around: Surroundings,
  something: (value: string, around: Surroundings) => Squares | undefined,
): { readonly of: Squares; readonly floor: number; readonly added: boolean } | undefined {
  const node = makerOf(value, around);
  if (!node) return undefined;
  const [a, b] = node.inputs as [string, string];
  const found = (inner: string, floor: number | undefined, added: boolean) => {
    const of = floor !== undefined && floor > 0 && floor < Infinity ? something(inner, around) : undefined;
    return of && { of, floor: floor!, added };
  };
  switch (node.opType) {
    case 'Add':
      return found(a, scalarOf(b, around), true) ?? found(b, scalarOf(a, around), true);
    case 'Max':
      if (node.inputs.length !== 2) return undefined;
      return found(a, scalarOf(b, around), false) ?? found(b, scalarOf(a, around), false);
    case 'Clip': {
      const old = node.opset < 11;
      const limit = (index: number, name: string) =>
        old ? node.attributes.float(name, undefined) : scalarOf(node.inputs[index] ?? '', around);
      const open = old ? limit(2, 'max') === undefined : (node.inputs[2] ?? '') === '';
      return open ? found(a, limit(1, 'min'), false) : undefined;
    }
    default:
      return undefined;
  }
}

/** ‖u‖ along axes, or the root of the mean square. */
function lengthOf(value: string, around: Surroundings): Squares | undefined {
  const node = makerOf(value, around);
  switch (node?.opType) {
    case 'ReduceL2':
      return reduction(node, around, 18, (input) => input, false);
    case 'Sqrt':
      return squaresOf(node.inputs[0]!, around);
    case 'Pow':
      return scalarOf(node.inputs[1]!, around) === 0.5 ? squaresOf(node.inputs[0]!, around) : undefined;
    default:
      return undefined;
  }
}

function squaresOf(value: string, around: Surroundings): Squares | undefined {
  const node = makerOf(value, around);
  switch (node?.opType) {
    case 'ReduceMean':
      return reduction(node, around, 18, (input) => squared(input, around), true);
    case 'ReduceSum':
      return reduction(node, around, 13, (input) => squared(input, around), false);
    case 'ReduceSumSquare':
      return reduction(node, around, 18, (input) => input, false);
    case 'Sub':
      return variance(node, around);
    default:
      return undefined;
  }
}

/** mean x² − (mean x)² */
function variance(node: GraphNode, around: Surroundings): Squares | undefined {
  const [left, right] = node.inputs as [string, string];
  const [ofSquares, mean] = [makerOf(left, around), squared(right, around)];
  const ofValues = mean === undefined ? undefined : makerOf(mean, around);
  if (ofSquares?.opType !== 'ReduceMean' || ofValues?.opType !== 'ReduceMean') return undefined;
  const [squares, values] = [
    reduction(ofSquares, around, 18, (input) => squared(input, around), true),
    reduction(ofValues, around, 18, (input) => input, true),
  ];
  const alike = squares?.value === values?.value && squares?.axes?.join() === values?.axes?.join();
  return squares && values && alike ? { ...squares, centred: true } : undefined;
}

function reduction(
  node: GraphNode,
  around: Surroundings,
  inputSince: number,
  of: (input: string) => string | undefined,
  mean: boolean,
): Squares | undefined {
  const value = of(node.inputs[0]!);
  const axes = reducedAxes(node, around, inputSince);
  return value === undefined || axes === 'unknown' ? undefined : { value, axes, mean };
}

/** One number of every group along axes, by a function of groups. @param axes all where there are none */
export function reducedBy(
  f: GroupFunction,
  value: string,
  axes: readonly number[] | undefined,
  keeps: boolean,
): Pattern {
  return {
    inputs: [value],
    convert: (call) => {
      const input = call.signal(0);
      const rank = call.dims(input).length;
      const all = axes ? call.axes(axes, rank) : [...Array(rank).keys()];
      return reducedOver(call, input, all, keeps, (_, x, own) => alongAxes(call, x, own, f));
    },
  };
}

/** The axes of a reduction that keeps its dims, or `anyway`; undefined for all. */
export function reducedAxes(
  node: GraphNode,
  around: Surroundings,
  inputSince: number,
  anyway = false,
): readonly number[] | undefined | 'unknown' {
  const keeps = anyway || node.attributes.flag('keepdims', true);
  if (!keeps || node.attributes.flag('noop_with_empty_axes')) return 'unknown';
  // An empty list is all of them, as it is for a reduction by itself.
  const listed = (axes: readonly number[] | undefined) => (axes?.length === 0 ? undefined : axes);
  if (node.opset < inputSince) return listed(node.attributes.integers('axes'));
  const name = node.inputs[1] ?? '';
  if (name === '') return undefined;
  const constant = around.constant(name);
  return constant && !constant.batch ? listed([...constant.data]) : 'unknown';
}

/** x where a value is x less its mean along the same axes. */
function centredFrom(
  value: string,
  axes: readonly number[] | undefined,
  around: Surroundings,
): string | undefined {
  const node = makerOf(value, around);
  if (node?.opType !== 'Sub') return undefined;
  const [x, m] = node.inputs as [string, string];
  const mean = makerOf(m, around);
  if (mean?.opType !== 'ReduceMean' || mean.inputs[0] !== x) return undefined;
  const own = reducedAxes(mean, around, 18);
  return own !== 'unknown' && own?.join() === axes?.join() ? x : undefined;
}

/** √Σ x², a length. @param node a Sqrt or a Pow */
export function matchLength(node: GraphNode, around: Surroundings): Pattern | undefined {
  const root = node.opType === 'Sqrt' || scalarOf(node.inputs[1] ?? '', around) === 0.5;
  const sum = root ? makerOf(node.inputs[0]!, around) : undefined;
  if (sum?.opType !== 'ReduceSum' && sum?.opType !== 'ReduceSumSquare') return undefined;
  const value = sum.opType === 'ReduceSum' ? squared(sum.inputs[0]!, around) : sum.inputs[0]!;
  const axes = reducedAxes(sum, around, sum.opType === 'ReduceSum' ? 13 : 18, true);
  if (value === undefined || axes === 'unknown') return undefined;
  const keeps = sum.attributes.flag('keepdims', true);
  return reducedBy({ name: 'norm', p: 2 }, value, axes, keeps);
}
