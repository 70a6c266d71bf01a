/** Which pattern ends in a node. */
import type { GraphNode } from '../graph.ts';
import { matchCircularPadding } from './circularPadding.ts';
import { matchGate } from './gate.ts';
import { matchMaxGather } from './maxGather.ts';
import type { Pattern, Surroundings } from './pattern.ts';

/** The pattern whose last node is `node`, if it is one. */
export function matchPattern(node: GraphNode, around: Surroundings): Pattern | undefined {
  if (node.domain !== '') return undefined;
  switch (node.opType) {
    case 'Mul':
    case 'Div':
      return matchGate(node, around);
    case 'Concat':
      return matchCircularPadding(node, around);
    case 'ReduceMax':
      return matchMaxGather(node, around);
    default:
      return undefined;
  }
}
