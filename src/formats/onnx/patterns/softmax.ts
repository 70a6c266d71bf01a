/** Softmax, its logarithm and ln Σ e^x spelt out: exponentials and their sum, of the values or of what they are below the largest. */
import type { GraphNode } from '../graph.ts';
import { sampleAxes } from '../operators/groups/along.ts';
import { softmaxAlong, softmaxOver } from '../operators/groups/softmax.ts';
import { reducedAxes, reducedBy } from './normalization.ts';
import { makerOf, type Pattern, type Surroundings } from './pattern.ts';

/** e^x / Σ e^x along some axes. @param node a Div */
export function matchSoftmax(node: GraphNode, around: Surroundings): Pattern | undefined {
  return quotientOfExponentials(node, around, false);
}

function quotientOfExponentials(
  node: GraphNode,
  around: Surroundings,
  logarithm: boolean,
): Pattern | undefined {
  const [powers, total] = node.inputs as [string, string];
  const exponential = makerOf(powers, around);
  const sum = makerOf(total, around);
  if (exponential?.opType !== 'Exp' || sum?.opType !== 'ReduceSum' || sum.inputs[0] !== powers)
    return undefined;
  const axes = reducedAxes(sum, around, 13);
  return axes === 'unknown' || axes === undefined
    ? undefined
    : softmaxOf(exponential.inputs[0]!, axes, around, logarithm);
}

function softmaxOf(
  exponent: string,
  axes: readonly number[],
  around: Surroundings,
  logarithm: boolean,
): Pattern {
  return {
    inputs: [belowLargest(exponent, axes, around)?.value ?? exponent],
    convert: (call) => {
      const input = call.signal(0);
      const [x, own] = sampleAxes(call, input, call.axes(axes, call.dims(input).length));
      return call.settled(softmaxAlong(call, x, own, logarithm));
    },
  };
}

/** x less ln Σ e^x. @param node a Sub */
export function matchLogSoftmax(node: GraphNode, around: Surroundings): Pattern | undefined {
  const [value, sum] = node.inputs as [string, string];
  const whole = makerOf(sum, around);
  if (whole?.opType === 'ReduceLogSumExp' && whole.inputs[0] === value) {
    const axes = reducedAxes(whole, around, 18);
    return axes === 'unknown' || axes === undefined ? undefined : softmaxOf(value, axes, around, true);
  }
  const found = logarithmOfSum(sum, around);
  if (found?.exponent !== value || !found.keeps || !found.axes) return undefined;
  return softmaxOf(value, found.axes, around, true);
}

/** The logarithm of a softmax, and ln Σ e^x by itself. @param node a Log or a ReduceLogSum */
export function matchLogarithm(node: GraphNode, around: Surroundings): Pattern | undefined {
  const inner = makerOf(node.inputs[0]!, around);
  if (node.opType === 'Log' && inner?.opType === 'Softmax') {
    return { inputs: [inner.inputs[0]!], convert: (call) => softmaxOver(call, inner, true) };
  }
  if (node.opType === 'Log' && inner?.opType === 'Div') return quotientOfExponentials(inner, around, true);
  const found = logarithmOfSum(node.outputs[0]!, around);
  return found && logSumExp(found.exponent, found);
}

/** ln Σ e^(x − max x) + max x. @param node an Add */
export function matchLogSumExp(node: GraphNode, around: Surroundings): Pattern | undefined {
  for (const [sum, largest] of [node.inputs, [...node.inputs].reverse()] as [string, string][]) {
    const found = logarithmOfSum(sum, around);
    if (!found?.axes || !found.keeps) continue;
    const below = belowLargest(found.exponent, found.axes, around);
    if (below?.largest === largest) return logSumExp(below.value, found);
  }
  return undefined;
}

/** ln Σ e^v along axes; undefined for all of them. */
interface LogarithmOfSum {
  readonly exponent: string;
  readonly axes: readonly number[] | undefined;
  readonly keeps: boolean;
}

function logSumExp(value: string, { axes, keeps }: LogarithmOfSum): Pattern {
  return reducedBy({ name: 'log-sum-exp' }, value, axes, keeps);
}

function logarithmOfSum(value: string, around: Surroundings): LogarithmOfSum | undefined {
  const node = makerOf(value, around);
  const sum = node?.opType === 'Log' ? makerOf(node.inputs[0]!, around) : node;
  const since = { ReduceSum: 13, ReduceLogSum: 18 }[sum?.opType ?? ''];
  const fits = sum?.opType === (node?.opType === 'Log' ? 'ReduceSum' : 'ReduceLogSum');
  const exponential = fits ? makerOf(sum!.inputs[0]!, around) : undefined;
  if (exponential?.opType !== 'Exp') return undefined;
  const keeps = sum!.attributes.flag('keepdims', true);
  const axes = reducedAxes(sum!, around, since!, true);
  return axes === 'unknown' ? undefined : { exponent: exponential.inputs[0]!, axes, keeps };
}

/** x and its maximum along the same axes where a value is the one less the other, which changes no softmax. */
function belowLargest(
  value: string,
  axes: readonly number[],
  around: Surroundings,
): { readonly value: string; readonly largest: string } | undefined {
  const node = makerOf(value, around);
  if (node?.opType !== 'Sub') return undefined;
  const [x, m] = node.inputs as [string, string];
  const most = makerOf(m, around);
  if (most?.opType !== 'ReduceMax' || most.inputs[0] !== x) return undefined;
  const own = reducedAxes(most, around, 18);
  return own !== 'unknown' && own?.join() === axes.join() ? { value: x, largest: m } : undefined;
}
