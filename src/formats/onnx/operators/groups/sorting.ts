/** TopK: the largest or the smallest entries, in order. Only the values are read: where they come from jumps. */
import { everyAxis } from '../../../../network/size.ts';
import type { Call, Signal } from '../../call.ts';
import type { Converter, Family } from '../converter.ts';
import { selected } from '../selection.ts';
import { alongAxes, sampleAxes } from './along.ts';

export const sorting: Family = new Map<string, Converter>([['TopK', { signals: largestEntries }]]);

function largestEntries(call: Call): Signal {
  const input = call.signal(0);
  const { attributes } = call;
  const onnxAxis = call.axis(attributes.integer('axis', -1), call.dims(input).length);
  const [x, [axis]] = sampleAxes(call, input, [onnxAxis]);
  const side = x.shape[axis!]!;
  const count = call.opset < 10 ? attributes.integer('k', 0) : (call.scalar(1) ?? 0);
  call.demand(Number.isInteger(count) && count >= 1 && count <= side, `k must lie in [1, ${side}]`, count);
  if (call.opset >= 11 && !attributes.flag('sorted', true)) {
    call.refuse('in any order', 'which entry comes where is left open; with sorted = 1 it is not');
  }
  const descending = call.opset < 11 || attributes.flag('largest', true);
  const sorted = alongAxes(call, x, [axis!], { name: 'sort', descending });
  const taken =
    count === side
      ? sorted
      : selected(
          call,
          sorted,
          axis!,
          everyAxis(count, 0).map((_, row) => row),
        );
  return call.settled(taken);
}
