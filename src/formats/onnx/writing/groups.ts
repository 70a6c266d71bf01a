/** Functions of groups as ONNX nodes, where one group holds all channels in their order: what reading a file gives. */
import { UnsupportedError } from '../../../errors.ts';
import type { GroupFunction } from '../../../network/groups/table.ts';
import type { Grouped } from '../../../network/operator.ts';
import type { GraphWriter } from './writer.ts';

/** @throws UnsupportedError for other groups, and for functions that are not written */
export function groupedNode(writer: GraphWriter, name: string, operator: Grouped, x: string): void {
  const { function: f, groups, wide } = operator;
  const plain = groups.length === 1 && !wide && groups[0]!.every((channel, k) => channel === k);
  const reduction = plain ? reductionOf(f) : undefined;
  if (reduction) {
    writer.last(reduction, [x, writer.integers('axes', [1], [1])], { keepdims: 1 });
    return;
  }
  if (plain && f.name === 'softmax') {
    writer.last(f.logarithm ? 'LogSoftmax' : 'Softmax', [x], { axis: 1 });
    return;
  }
  throw new UnsupportedError([
    { node: name, found: f.name, reason: 'this function of groups is read, not written' },
  ]);
}

function reductionOf(f: GroupFunction): string | undefined {
  switch (f.name) {
    case 'max':
      return 'ReduceMax';
    case 'log-sum-exp':
      return 'ReduceLogSumExp';
    case 'norm':
      return { 1: 'ReduceL1', 2: 'ReduceL2' }[f.p];
    default:
      return undefined;
  }
}
