/** Maxima over lists of entries, as they are written: a Gather of windows, then their ReduceMax. */
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import { product } from '../../../network/size.ts';
import type { GraphNode } from '../graph.ts';
import { makerOf, type Pattern, type Surroundings } from './pattern.ts';

/** ReduceMax over the last axis of Gather(x, windows [n, m]) along the features of x. */
export function matchMaxGather(node: GraphNode, around: Surroundings): Pattern | undefined {
  const gather = makerOf(node.inputs[0] ?? '', around);
  const windows = around.constant(gather?.inputs[1] ?? '');
  const axes = around.constant(node.inputs[1] ?? '');
  if (gather?.opType !== 'Gather' || gather.attributes.integer('axis', 0) !== 1) return undefined;
  if (windows?.shape.length !== 2 || axes?.data.length !== 1 || node.attributes.flag('keepdims', true))
    return undefined;
  if (axes.data[0] !== 2 && axes.data[0] !== -1) return undefined;
  const [count, length] = windows.shape as [number, number];
  return {
    inputs: [gather.inputs[0]!],
    convert: (call) => {
      const x = call.signal(0);
      const features = product(x.shape);
      const flat = x.batched && x.shape.length === 1;
      if (!flat) call.refuse(`over windows of [${call.dims(x).join(', ')}]`, 'x must be [batch, features]');
      call.demand(length >= 1, 'windows must not be empty', length);
      const lists = Array.from({ length: count }, (_, k) =>
        Int32Array.from(windows.data.subarray(k * length, (k + 1) * length), (index) => {
          const fromFront = index < 0 ? index + features : index;
          call.demand(fromFront >= 0 && fromFront < features, `indices must lie in [0, ${features})`, index);
          return fromFront;
        }),
      );
      return call.emit({ kind: 'max-gather', windows: lists }, [x], OWN_FIELDS);
    },
  };
}
