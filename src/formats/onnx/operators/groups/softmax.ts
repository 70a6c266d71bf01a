/** Softmax, its logarithm, and the logarithm of a sum of exponentials. */
import { OWN_FIELDS } from '../../../../network/lengths/follows.ts';
import { product } from '../../../../network/size.ts';
import type { Call, Signal } from '../../call.ts';
import type { GraphNode } from '../../graph.ts';
import { type Constant, constantOf } from '../../values/constant.ts';
import type { Converter, Family } from '../converter.ts';
import { floatResult } from '../entries.ts';
import { axesFrom, restored, sampleAxes } from './along.ts';

export const softmax: Family = new Map<string, Converter>([
  [
    'Softmax',
    {
      constants: (call) => softmaxOfConstant(call, false),
      signals: (call) => softmaxOver(call, call.node, false),
    },
  ],
  [
    'LogSoftmax',
    {
      constants: (call) => softmaxOfConstant(call, true),
      signals: (call) => softmaxOver(call, call.node, true),
    },
  ],
]);

/**
 * Since operator set 13 over one axis, before over all axes from `axis` on.
 * @param node that has the axis, of the call or of what it takes in
 */
export function softmaxOver(
  call: Call,
  { opset, attributes }: Pick<GraphNode, 'opset' | 'attributes'>,
  logarithm: boolean,
): Signal {
  const input = call.signal(0);
  const dims = call.dims(input);
  const oneAxis = opset >= 13;
  const axis = call.axis(attributes.integer('axis', oneAxis ? -1 : 1), dims.length);
  const [x, axes] = sampleAxes(call, input, oneAxis ? [axis] : axesFrom(axis, dims.length));
  if (!oneAxis && axes.length > 1 && call.follows(x)) {
    call.tie('over positions and channels', 'here there is one position; in longer signals it runs over all');
  }
  return call.settled(softmaxAlong(call, x, axes, logarithm));
}

/** Rounded once, as functions of constants are. */
function softmaxOfConstant(call: Call, logarithm: boolean): Constant {
  const x = call.numbers(0);
  const result = floatResult(call, x.type);
  const oneAxis = call.opset >= 13;
  const axis = call.axis(call.attributes.integer('axis', oneAxis ? -1 : 1), x.shape.length);
  call.scope.budget.allocate(call.node.name, 2 * x.data.length);
  const [after, size] = [product(x.shape.slice(axis + 1)), product(x.shape.slice(axis))];
  // Entries of a group are a step apart, and steps · count of them fill a stretch.
  const [step, count] = oneAxis ? [after, x.shape[axis]!] : [1, size];
  const data = new Float64Array(x.data.length);
  for (let n = 0; n < data.length; n++) {
    if (Math.floor(n / step) % count !== 0) continue;
    const group = Array.from({ length: count }, (_, k) => n + k * step);
    const top = group.reduce((most, at) => Math.max(most, x.data[at]!), Number.NEGATIVE_INFINITY);
    const sum = group.reduce((total, at) => total + Math.exp(x.data[at]! - top), 0);
    for (const at of group) {
      const above = x.data[at]! - top;
      data[at] = result(logarithm ? above - Math.log(sum) : Math.exp(above) / sum);
    }
  }
  return constantOf(x.type, x.shape, data);
}

/** The groups as channels, which is what the operator takes; the network makes another of it where it is not its last step. */
export function softmaxAlong(call: Call, x: Signal, axes: readonly number[], logarithm: boolean): Signal {
  const kept = [...x.shape.keys()].filter((axis) => !axes.includes(axis));
  const order = [...axes, ...kept];
  const channels = product(axes.map((axis) => x.shape[axis]!));
  call.scope.budget.allocate(call.node.name, channels);
  const plain = axes.length === 1 && axes[0] === 0;
  const front = plain ? x : call.permuted(x, order, [channels, ...kept.map((axis) => x.shape[axis]!)]);
  const y = call.emitSame({ kind: 'softmax', logarithm }, front, OWN_FIELDS);
  return plain ? y : restored(call, y, x, order);
}
