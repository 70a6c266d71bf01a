/** Softmax spelt out: exponentials over their sum, of the values or of what they are below the largest. */
import type { GraphNode } from '../graph.ts';
import { sampleAxes } from '../operators/groups/along.ts';
import { softmaxAlong } from '../operators/groups/softmax.ts';
import { reducedAxes } from './normalization.ts';
import { makerOf, type Pattern, type Surroundings } from './pattern.ts';

/** e^x / Σ e^x along some axes. @param node a Div */
export function matchSoftmax(node: GraphNode, around: Surroundings): Pattern | undefined {
  const [powers, total] = node.inputs as [string, string];
  const [exponential, sum] = [makerOf(powers, around), makerOf(total, around)];
  if (exponential?.opType !== 'Exp' || sum?.opType !== 'ReduceSum' || sum.inputs[0] !== powers)
    return undefined;
  const axes = reducedAxes(sum, around, 13);
  if (axes === 'unknown' || axes === undefined) return undefined;
  const exponent = exponential.inputs[0]!;
  return {
    inputs: [belowLargest(exponent, axes, around) ?? exponent],
    convert: (call) => {
      const input = call.signal(0);
      const [x, own] = sampleAxes(call, input, call.axes(axes, call.dims(input).length));
      return call.settled(softmaxAlong(call, x, own, false));
    },
  };
}

/** x where a value is x less its maximum along the same axes, which changes nothing. */
function belowLargest(value: string, axes: readonly number[], around: Surroundings): string | undefined {
  const node = makerOf(value, around);
  if (node?.opType !== 'Sub') return undefined;
  const [x, m] = node.inputs as [string, string];
  const most = makerOf(m, around);
  if (most?.opType !== 'ReduceMax' || most.inputs[0] !== x) return undefined;
  const own = reducedAxes(most, around, 18);
  return own !== 'unknown' && own?.join() === axes.join() ? x : undefined;
}
