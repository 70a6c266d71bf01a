/** TopK: the largest or the smallest entries, in order. Of data only the values are read: where they come from jumps. */
import { everyAxis, product, strides } from '../../../../network/size.ts';
import type { Call, Signal } from '../../call.ts';
import { type Constant, constantOf, gathered, walk } from '../../values/constant.ts';
import type { Converter, Family } from '../converter.ts';
import { counted } from '../moving/picked.ts';
import { selected } from '../selection.ts';
import { alongAxes, sampleAxes } from './along.ts';

export const sorting: Family = new Map<string, Converter>([
  ['TopK', { constants: largestOfConstant, signals: largestEntries }],
]);

function largestEntries(call: Call): Signal {
  const input = call.signal(0);
  const { attributes } = call;
  const onnxAxis = call.axis(attributes.integer('axis', -1), call.dims(input).length);
  const [x, [axis]] = sampleAxes(call, input, [onnxAxis]);
  const side = x.shape[axis!]!;
  const { count, descending } = wanted(call, side);
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

/** How many entries of `side` are wanted, and in which order. */
function wanted(call: Call, side: number): { readonly count: number; readonly descending: boolean } {
  const { attributes } = call;
  const count = call.opset < 10 ? attributes.integer('k', 0) : (call.scalar(1) ?? 0);
  call.demand(Number.isInteger(count) && count >= 1 && count <= side, `k must lie in [1, ${side}]`, count);
  if (call.opset >= 11 && !attributes.flag('sorted', true)) {
    call.refuse('in any order', 'which entry comes where is left open; with sorted = 1 it is not');
  }
  return { count, descending: call.opset < 11 || attributes.flag('largest', true) };
}

/** The entries and where they stand; of equal ones the first comes first. */
function largestOfConstant(call: Call): readonly Constant[] {
  const x = call.numbers(0);
  const axis = call.axis(call.attributes.integer('axis', -1), x.shape.length);
  const side = x.shape[axis]!;
  const { count, descending } = wanted(call, side);
  const shape = x.shape.with(axis, count);
  call.scope.budget.allocate(call.node.name, 3 * product(shape) + side);
  const [from, to] = [strides(x.shape), strides(shape)];
  const sources = new Float64Array(product(shape));
  const places = new Float64Array(product(shape));
  const starts = walk(x.shape.with(axis, 1), to);
  for (const [n, start] of walk(x.shape.with(axis, 1), from).entries()) {
    const value = (k: number) => x.data[start + k * from[axis]!]!;
    const order = [...counted(side)].sort((a, b) => (descending ? value(b) - value(a) : value(a) - value(b)));
    for (let k = 0; k < count; k++) {
      const at = starts[n]! + k * to[axis]!;
      sources[at] = start + order[k]! * from[axis]!;
      places[at] = order[k]!;
    }
  }
  return [gathered(x, shape, sources), constantOf('int64', shape, places)];
}
